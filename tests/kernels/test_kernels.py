# SPDX-License-Identifier: MIT
"""Other kernels, emulated: the collector loads, attaches to a running process and sees what the
interpreter's own tracing sees."""
import json
import os
import time

import harness
import images
import kernel_table
import machine
import pytest
from compare import Comparison, Trace, load_truth

SCENARIO = "exceptions"
KERNELS = os.environ.get("FLOWTRACE_KERNELS", "/var/cache/flowtrace/kernels")


@pytest.fixture(scope="module")
def initramfs(tmp_path_factory):
    """What every kernel boots with."""
    reason = machine.missing()
    if reason:
        pytest.skip(reason)
    return machine.initramfs(tmp_path_factory.mktemp("initramfs"), SCENARIO)


def comparison_of(result, directory):
    """The guest's trace against the guest's truth."""
    for name in ("trace", "truth0", "truth1"):
        text = result["trace"] if name == "trace" else result["truth"][int(name[-1])]
        (directory / name).write_text(text)
    return Comparison(Trace(directory / "trace"), load_truth(directory / "truth0"),
                      load_truth(directory / "truth1"))


@pytest.mark.live
@pytest.mark.parametrize("suite", images.SUITES)
def test_kernel(suite, initramfs, tmp_path):
    """Calls, exits, exceptions and values of one ground-truth program."""
    kernel = images.image_of(KERNELS, suite)
    if not kernel:
        pytest.skip("no kernel of %s in %s: ./dev kernels fetches it" % (suite, KERNELS))
    began = time.monotonic()
    result = machine.boot(kernel, initramfs)
    row = kernel_table.ROWS[suite]
    row.update(release=result.get("release", "?"), boots="release" in result)
    assert "error" not in result, json.dumps(result)[-4000:]
    row.update(loads=not result["load"], attaches=result["status"] == 0 and result["target"] == 0)
    assert not result["load"], result["load"]
    assert (result["status"], result["target"]) == (0, 0), result["errors"]
    # 6.12: whether a probe of a return kills there is tried first (attach/returns.c).
    assert "seccomp" not in result["errors"], result["errors"]
    comparison = comparison_of(result, tmp_path)
    row.update(kernel_table.cells(comparison), seconds=time.monotonic() - began)
    assert not comparison.differences, comparison.report()
    assert comparison.compared["calls"] > 200
    assert harness.lost_in_summary(result["errors"]) == 0, result["errors"]


@pytest.mark.live
def test_running_kernel(tmp_path):
    """The same on the kernel that runs now, for the table."""
    began = time.monotonic()
    interpreter = harness.Interpreter("system")
    with interpreter.workspace() as space:
        truths = [load_truth(space.truth("truth%d" % n, SCENARIO)) for n in range(2)]
        output, _ = space.trace("trace", SCENARIO)
        comparison = Comparison(Trace(output), *truths)
    kernel_table.ROWS["running"].update(
        kernel_table.cells(comparison), release=os.uname().release, boots=True, loads=True,
        attaches=True, seconds=time.monotonic() - began)
    assert not comparison.differences, comparison.report()
