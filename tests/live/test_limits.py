# SPDX-License-Identifier: MIT
"""Descriptors, memory, file sizes and disks that run out: one line that names what did; status 1."""
import resource

import harness
import pytest
from faults import a_target, check  # noqa: F401

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]


@pytest.mark.parametrize("closed", ["1", "2", "012"])
def test_closed_descriptors(closed, target, tmp_path):
    """The summary does not go into the trace, nor anything else."""
    shell = "exec \"$@\" " + " ".join("%s>&-" % fd for fd in closed)
    harness.run(["sh", "-c", shell, "sh", harness.TRACER, "-P", "__main__", "-p", target.pid, "-o",
                 tmp_path / "trace", "-n", "50"], check=0)
    lines = (tmp_path / "trace").read_bytes().splitlines()
    assert len(lines) == 50
    check(lines)


def test_closed_standard_output(target, tmp_path):
    """Events that were asked for there are not dropped in silence; flowctl's answer neither."""
    status, _, errors = harness.run(["sh", "-c", "exec \"$@\" >&-", "sh", harness.TRACER, "-P",
                                     "__main__", "-p", target.pid, "-o", "-", "-n", "50"])
    assert status == 1 and "standard output" in errors and harness.lines_said(errors) == 1, errors
    trace = tmp_path / "trace"
    harness.run([harness.TRACER, "--replay", harness.REPO / "tests/replay/calls.ftrec", "-o", trace],
                check=0)
    status, _, errors = harness.run(["sh", "-c", "exec \"$@\" >&-", "sh",
                                     harness.TRACER.parent / "flowctl", "stats", trace])
    assert status == 1 and "standard output" in errors, errors


LIMITS = {
    "a few files": ("NOFILE", 12, "too many open files"),
    "some files": ("NOFILE", 40, "too many open files"),
    "little memory": ("AS", 20 << 20, "memory"),
    "some memory": ("AS", 40 << 20, "memory"),
    "file size": ("FSIZE", 64 << 10, "too large"),
}


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_limits(name, target, tmp_path):
    """One line that names what ran out; status 1."""
    kind, value, says = LIMITS[name]
    number = getattr(resource, "RLIMIT_" + kind)
    status, _, errors = harness.run(
        [harness.TRACER, "-P", "__main__", "-p", target.pid, "-o", tmp_path / "trace", "-d", "10"],
        timeout=25, preexec_fn=lambda: resource.setrlimit(number, (value, value)))
    assert status == 1 and says in errors.lower() and harness.lines_said(errors) == 1, errors
