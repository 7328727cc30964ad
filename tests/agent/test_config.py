# SPDX-License-Identifier: MIT
"""Each function of checks/config.py."""


def test_config(agent, check):
    """In the interpreter itself."""
    agent.passes("config", check)
