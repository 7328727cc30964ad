# SPDX-License-Identifier: MIT
"""Other kernels, emulated: the collector loads, attaches to a running process and sees what the
interpreter's own tracing sees."""
import json
import os
import time

import guest_cgroups
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


def kernel_of(suite):
    kernel = images.image_of(KERNELS, suite)
    if not kernel:
        pytest.skip("no kernel of %s in %s: ./dev kernels fetches it" % (suite, KERNELS))
    return kernel


@pytest.mark.live
@pytest.mark.parametrize("suite", images.SUITES)
def test_kernel(suite, initramfs, tmp_path):
    """Calls, exits, exceptions and values of one ground-truth program."""
    began = time.monotonic()
    result = machine.boot(kernel_of(suite), initramfs)
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


def check_selection(found):
    """Every call of the container's process, under its id and its pod's, and no other line."""
    inside, statuses, text, errors = found
    assert not any(statuses), (statuses, errors)
    events = [json.loads(line) for line in text.splitlines()]
    seen = [(event["event"], event.get("function"), event["timestamp"]) for event in events]
    events = [event for event in events if event["event"] not in ("STATE", "LOST")]
    ticks = [event for event in events if event["event"] == "EXIT" and event["function"] == "tick"]
    assert len(ticks) == guest_cgroups.CALLS, (seen, errors)
    for event in events:
        assert event["pid"] == inside and event["container"] == guest_cgroups.CONTAINER, event
        assert event["k8s"]["uid"] == guest_cgroups.UID, event


@pytest.mark.live
@pytest.mark.parametrize("suite", images.SUITES)
def test_cgroups(suite, initramfs):
    """Which process is of a container, with the second version of cgroups alone, and with the first
    where the kernel has it."""
    result = machine.boot(kernel_of(suite), initramfs, "cgroups")
    assert "error" not in result, json.dumps(result)[-4000:]
    kinds = result["cgroups"]
    kernel_table.ROWS[suite]["cgroups"] = "+".join(kind for kind, found in kinds.items() if found)
    assert kinds["v2"]
    for found in filter(None, kinds.values()):
        for one in found:
            check_selection(one)


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
