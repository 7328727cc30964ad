# SPDX-License-Identifier: MIT
"""Each function of checks/decorators.py."""

ONE_PER_RELEASE = True


def test_decorators(agent, check):
    """In the interpreter itself."""
    agent.passes("decorators", check)
