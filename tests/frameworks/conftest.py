# SPDX-License-Identifier: MIT
"""Fixtures of these tests; each function of checks/ is one of them."""
from pathlib import Path

import harness
import pytest
from agents import agent, built, checks_of, fresh_folder, intree  # noqa: F401

CHECKS = Path(__file__).with_name("checks")


@pytest.fixture(scope="session")
def package():
    """Where the package for the system's Python is."""
    system = harness.Interpreter("system")
    why = intree.build([system])[system]
    if isinstance(why, intree.LeftOut):
        pytest.skip(str(why))
    assert why is None, str(why)
    return intree.BUILD / "system"


def pytest_generate_tests(metafunc):
    """A test with a parameter `check` runs for each function of checks/, named as its module."""
    if "check" in metafunc.fixturenames:
        group = metafunc.module.__name__[len("test_"):]
        metafunc.parametrize("check", checks_of(group, CHECKS))
