# SPDX-License-Identifier: MIT
"""Each function of checks/asgi.py, on every interpreter."""
from conftest import CHECKS


def test_asgi(agent, check):
    """In the interpreter itself."""
    agent.passes("asgi", check, CHECKS)
