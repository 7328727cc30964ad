# SPDX-License-Identifier: MIT
"""Fixtures of these tests; each function of checks/ is one of them."""
from agents import PYTHONS, agent, built, checks_of, fresh_folder, releases  # noqa: F401


def pytest_collection_modifyitems(config, items):
    """What is Python and the same in every build of a release runs once for each release: modules
    that say ONE_PER_RELEASE."""
    chosen = set(releases(PYTHONS).values())
    left_out = [item for item in items if getattr(item.module, "ONE_PER_RELEASE", False) and
                hasattr(item, "callspec") and
                item.callspec.params.get("agent") not in {None, *chosen}]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_generate_tests(metafunc):
    """A test with a parameter `check` runs for each function of checks/, named as its module."""
    if "check" in metafunc.fixturenames:
        group = metafunc.module.__name__[len("test_"):]
        metafunc.parametrize("check", checks_of(group))
