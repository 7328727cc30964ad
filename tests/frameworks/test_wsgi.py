# SPDX-License-Identifier: MIT
"""Each function of checks/wsgi.py, on every interpreter."""
from conftest import CHECKS


def test_wsgi(agent, check):
    """In the interpreter itself."""
    agent.passes("wsgi", check, CHECKS)
