# SPDX-License-Identifier: MIT
"""Each function of checks/logger.py."""

ONE_PER_RELEASE = True


def test_logger(agent, check):
    """In the interpreter itself."""
    agent.passes("logger", check)
