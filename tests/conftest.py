# SPDX-License-Identifier: MIT
"""What the Python tests share."""
import importlib
import os
import pickle
import sys

import harness
import pytest

sys.path.append(str(harness.LIVE))  # compare.py, for other directories


def pytest_configure(config):
    """The marks of these tests."""
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(Workers())
    config.addinivalue_line("markers", "live: attaches to a process; needs root and the collector")


# Each way of hooking and of tracing once: where time counts, what is not about the calls and their
# values runs on these alone. `./dev test` by hand runs everything everywhere.
FEW = ("system", "bullseye", "sid-3.15")
ABOUT_CALLS = ("test_ground_truth", "test_stack", "test_mappings", "test_learned",
               "test_all_together")


def wants_few(item):
    """Is this a test of many interpreters that few are enough for?"""
    params = getattr(item, "callspec", None) and item.callspec.params
    interpreter = params and (params.get("space") or params.get("any_place"))
    return (isinstance(interpreter, harness.Interpreter) and interpreter.name not in FEW and
            item.path.parent.name == "live" and item.path.stem not in ABOUT_CALLS)


def pytest_collection_modifyitems(config, items):
    """Live tests say why they are skipped."""
    if os.environ.get("CI"):
        left_out = [item for item in items if wants_few(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not wants_few(item)]
    reason = why_not_live()
    for item in items:
        if reason and item.get_closest_marker("live"):
            item.add_marker(pytest.mark.skip(reason=reason))


TABLES = (("matrix", "interpreters"), ("kernel_table", "kernels"), ("server_table", "servers"))


def pytest_sessionfinish(session):
    """A worker of xdist gives its rows to the process that prints them."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tables"] = {
            name: pickle.dumps(dict(sys.modules[name].ROWS)) for name, _ in TABLES
            if name in sys.modules}


class Workers:
    """What xdist's workers bring."""

    @staticmethod
    def pytest_testnodedown(node):
        for name, rows in getattr(node, "workeroutput", {}).get("tables", {}).items():
            importlib.import_module(name).ROWS.update(pickle.loads(rows))


def pytest_terminal_summary(terminalreporter):
    """The tables of interpreters, kernels and servers, when any was compared with the truth."""
    for name, title in TABLES:
        module = sys.modules.get(name)
        if module and module.ROWS:
            terminalreporter.section(title + ": what is equal to the truth")
            terminalreporter.write_line("\n".join(module.table(module.ROWS)))


def why_not_live():
    """What is missing for the live tests."""
    if not harness.TRACER.exists():
        return "no collector at %s" % harness.TRACER
    return None if os.geteuid() == 0 else "needs root"


@pytest.fixture
def nothing_left():
    """After the test no BPF program or link of a collector of ours is in the kernel."""
    before = harness.left_in_kernel()
    yield
    left = harness.left_in_kernel() - before

    def gone():  # one by one: others come and go meanwhile
        left.intersection_update(harness.left_in_kernel())
        return not left
    if left:
        harness.wait_for("BPF programs and links gone", gone, 10, 0.2)


@pytest.fixture(scope="session", params=harness.interpreters(), ids=repr)
def space(request):
    """A workspace of each interpreter, with everything run once before: .pyc files are made."""
    reason = request.param.why_not()
    if reason:
        pytest.skip(reason)
    with request.param.workspace() as space:
        harness.run(space.program(*scenarios()), check=0, timeout=120)
        yield space


def scenarios():
    """The names of the ground-truth programs."""
    _, out, _ = harness.run([harness.PYTHON, "-B", harness.TARGETS / "run.py", "--list"], check=0)
    return out.split()


def pytest_generate_tests(metafunc):
    """A test with a parameter `scenario` runs once for each."""
    if "scenario" in metafunc.fixturenames:
        metafunc.parametrize("scenario", scenarios())
