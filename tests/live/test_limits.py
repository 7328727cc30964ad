# SPDX-License-Identifier: MIT
"""Descriptors, memory, file sizes and disks that run out: one line that names what did; status 1."""
import contextlib
import resource
import signal
import subprocess
import tempfile
from pathlib import Path

import harness
import pytest
from faults import BUSY, a_target, check, in_session, line_of, unharmed  # noqa: F401
from harness import refused

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
OTHER = 1


# ---- descriptors --------------------------------------------------------------------------------

@pytest.mark.parametrize("closed", ["0", "1", "2", "012"])
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


# ---- what a process may have ----------------------------------------------------------------------

def limit(kind, value):
    """For a process that is started."""
    number = getattr(resource, "RLIMIT_" + kind)
    return lambda: resource.setrlimit(number, (value, value))


MIB = 1 << 20
LIMITS = [
    *(("NOFILE", files, [], "too many open files") for files in (5, 12, 24, 40, 54)),
    ("NOFILE", 40, ["-f"], "too many open files"),
    # With less than 28 MiB the dynamic loader gives up before us: libcurl brings many libraries.
    *(("AS", size * MIB, [], "memory") for size in (28, 32, 36, 48)),
    ("FSIZE", 64 << 10, [], "trace: file too large"),
    ("FSIZE", 64 << 10, ["-o", "/dev/null", "--record", "record"], "record: file too large"),
]


@pytest.mark.parametrize("kind,value,options,says", LIMITS,
                         ids=["-".join([str(part) for part in (kind, value, *options[-2:-1])])
                              for kind, value, options, _ in LIMITS])
def test_limits(kind, value, options, says, target, tmp_path):
    """Also where a signal would tell it (SIGXFSZ)."""
    refused(OTHER, "-P", "__main__", "-p", target.pid, "-o", "trace", "-d", "20", *options,
            says=[says], cwd=tmp_path, preexec_fn=limit(kind, value))


@pytest.mark.parametrize("options", [[], ["-f"]], ids=["pid", "follow"])
def test_enough_files(options, target, tmp_path):
    """As many as are asked for are enough; what is not there in the end was not tried."""
    statuses = []
    for files in range(72, 90, 3):
        status, _, errors = harness.run(
            [harness.TRACER, "-P", "__main__", "-p", target.pid, "-o", tmp_path / "trace", "-n", "10",
             *options], preexec_fn=limit("NOFILE", files))
        assert status == 0 or status == OTHER and "too many open files: each" in errors, errors
        statuses.append(status)
    assert statuses == sorted(statuses, reverse=True) and 0 in statuses and OTHER in statuses


def test_limits_of_a_command(tmp_path):
    """They are its own, and so are the signals that tell of them."""
    status, _, errors = harness.run(
        [harness.TRACER, "-o", tmp_path / "trace", "--", "sh", "-c",
         "head -c 200000 /dev/zero >file"], cwd=tmp_path, preexec_fn=limit("FSIZE", 64 << 10))
    assert status == 128 + signal.SIGXFSZ, errors


# ---- disks ------------------------------------------------------------------------------------------

@contextlib.contextmanager
def small_disk(size="32k"):
    """One so large. Not beneath a directory that is removed with all that is in it."""
    disk = Path(tempfile.mkdtemp(prefix="flowtrace-disk-"))
    try:
        harness.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", disk], check=0)
        try:
            yield disk
        finally:
            harness.run(["umount", disk], check=0)
    finally:
        disk.rmdir()


FULL = {"output": ["-o", "/dev/full"], "record": ["-o", "trace", "--record", "/dev/full"],
        "standard output": ["-o", "-"], "also": ["-o", "trace", "--stdout"]}


@pytest.mark.parametrize("name", FULL)
def test_device_without_room(name, target, tmp_path):
    """/dev/full takes no byte."""
    with open("/dev/full", "wb") as full:
        errors = refused(OTHER, "-p", target.pid, "-P", "__main__", "-d", "20", *FULL[name],
                         says=["no space"], cwd=tmp_path, stdout=full)
    assert ("/dev/full" in errors) == ("/dev/full" in FULL[name]), errors


@pytest.mark.parametrize("options", [["-o", "trace"], ["-o", "/dev/null", "--record", "record"]],
                         ids=["output", "record"])
def test_full_disk(options, target):
    """What was written before is whole lines, but for the last; a recording is replayed so far."""
    with small_disk() as disk:
        refused(OTHER, "-p", target.pid, "-P", "__main__", "-d", "20", *options, says=["no space"],
                cwd=disk)
        if "record" in options:
            _, out, errors = harness.run([harness.TRACER, "--replay", disk / "record", "-o", "-"],
                                         check=OTHER)
            assert "truncated" in errors, errors
        else:
            out = (disk / "trace").read_text()
        written = out.split("\n")[:-1]
        assert len(written) > 20
        check(written)


def test_full_disk_of_a_command(tmp_path):
    """It is not ours to end: it goes on."""
    process = harness.start([harness.TRACER, "-P", "__main__", "-o", "/dev/full", "--",
                             harness.own_python(), "-c", BUSY], stdout=subprocess.PIPE, bufsize=0,
                            stderr=subprocess.DEVNULL)
    try:
        with process.stdout:
            assert line_of(process) == "ready\n"
            assert process.wait(timeout=harness.PATIENCE) == OTHER
            pid, = in_session(process.pid)
            unharmed(pid, process)
    finally:
        harness.kill_session(process)
