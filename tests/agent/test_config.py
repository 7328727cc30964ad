# SPDX-License-Identifier: MIT
"""Each function of checks/config.py."""

ONE_PER_RELEASE = True


def test_config(agent, check):
    """In the interpreter itself."""
    agent.passes("config", check)
