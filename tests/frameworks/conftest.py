# SPDX-License-Identifier: MIT
"""Fixtures of these tests; each function of checks/ is one of them."""
from pathlib import Path

from agents import agent, built, checks_of, fresh_folder  # noqa: F401

CHECKS = Path(__file__).with_name("checks")


def pytest_generate_tests(metafunc):
    """A test with a parameter `check` runs for each function of checks/, named as its module."""
    if "check" in metafunc.fixturenames:
        group = metafunc.module.__name__[len("test_"):]
        metafunc.parametrize("check", checks_of(group, CHECKS))
