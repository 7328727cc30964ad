# SPDX-License-Identifier: MIT
"""Each function of checks/filters.py."""


def test_filters(agent, check):
    """In the interpreter itself."""
    agent.passes("filters", check)
