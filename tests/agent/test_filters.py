# SPDX-License-Identifier: MIT
"""Each function of checks/filters.py."""

ONE_PER_RELEASE = True


def test_filters(agent, check):
    """In the interpreter itself."""
    agent.passes("filters", check)
