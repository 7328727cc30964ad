# SPDX-License-Identifier: MIT
"""Each function of checks/on_*.py, on every interpreter that has the framework."""
import functools

import pytest
from agents import checks_of
from conftest import CHECKS

CASES = [(path.stem[len("on_"):], check) for path in sorted(CHECKS.glob("on_*.py"))
         for check in checks_of(path.stem, CHECKS)]


@functools.lru_cache(maxsize=None)
def has(agent, framework):
    """Can the interpreter import it?"""
    return agent.python("-c", "import " + framework, check=None)[0] == 0


@pytest.mark.parametrize("framework, case", CASES)
def test_framework(agent, framework, case):
    """In the interpreter itself."""
    if not has(agent, framework):
        pytest.skip("no " + framework)
    agent.passes("on_" + framework, case, CHECKS)
