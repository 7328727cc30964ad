# SPDX-License-Identifier: MIT
"""Each function of checks/logger.py."""


def test_logger(agent, check):
    """In the interpreter itself."""
    agent.passes("logger", check)
