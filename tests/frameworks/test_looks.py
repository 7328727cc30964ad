# SPDX-License-Identifier: MIT
"""Each function of checks/looks.py, on every interpreter."""
from conftest import CHECKS


def test_looks(agent, check):
    """In the interpreter itself."""
    agent.passes("looks", check, CHECKS)
