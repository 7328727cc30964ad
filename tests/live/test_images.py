# SPDX-License-Identifier: MIT
"""Interpreters that come and go, as images do on a node: their hooks go too, and there is room for
the next."""
import contextlib
import os
import shutil
import signal
import subprocess

import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
SLOTS = 256  # FT_HOOKED
LINKS_OF_OURS = 3  # the tracepoints of processes
GONE_S = 20  # 10 s without a process, and two looks at that

# Each line of its input starts a copy of the interpreter, which is deleted at its end.
NURSERY = r"""
while read -r number seconds how; do
	cp "$1" "$2/python-$number"
	$how "$2/python-$number" -c "$3" "$number" "$seconds" && rm "$2/python-$number"
	echo "$number"
done
"""
PROGRAM = """
import sys, time
def tick(number):
    return number
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    tick(int(sys.argv[1]))
    time.sleep(0.002)
"""

SLOWLY = PROGRAM.replace("0.002", "0.1")


@contextlib.contextmanager
def nursery(path):
    process = harness.start(["sh", "-c", NURSERY, "sh", "/usr/bin/python3", path, PROGRAM],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.stdin.close()
        process.stdout.close()
        harness.kill_session(process)


def run_copy(process, number, seconds, how=""):
    """A copy begins, and ends."""
    process.stdin.write(("%d %g %s\n" % (number, seconds, how)).encode())
    process.stdin.flush()
    assert int(process.stdout.readline()) == number


def links(pid):
    """The number of a process's descriptors that are links."""
    found = 0
    for fd in os.listdir("/proc/%d/fd" % pid):
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink("/proc/%d/fd/%s" % (pid, fd))
            found += "bpf_link" in target or "perf_event" in target
    return found


def numbers(tracer):
    """The copies of which there are calls."""
    return {int(event["result"]) for event in tracer.events() if event["event"] == "EXIT" and
            event["function"] == "tick"}


def test_hooks_are_given_back(tmp_path):
    """In another mount namespace, where they would keep a file system busy, and not in ours."""
    with nursery(tmp_path) as process:
        with harness.Tracer(tmp_path, "-v", "-f", "-P", "__main__", "--pid", process.pid) as tracer:
            tracer.attached()
            run_copy(process, 0, 0.5)
            ours = links(tracer.process.pid)
            assert ours > LINKS_OF_OURS
            for number in range(1, 4):
                run_copy(process, number, 0.5, "unshare --mount")
            assert links(tracer.process.pid) > ours
            harness.wait_for("hooks gone", lambda: links(tracer.process.pid) == ours,
                             harness.promised(GONE_S))
            run_copy(process, 4, 0.5, "unshare --mount")
            assert tracer.stop(signal.SIGINT) == 0
        assert numbers(tracer) == set(range(5))


@pytest.mark.skipif("CI" in os.environ, reason="by hand: 260 copies of an interpreter, half a minute")
def test_more_files_than_slots(tmp_path):
    """Those that no process runs any more make room."""
    with nursery(tmp_path) as process:
        with harness.Tracer(tmp_path, "-v", "-f", "-P", "__main__", "--pid", process.pid) as tracer:
            tracer.attached()
            for number in range(SLOTS + 4):
                run_copy(process, number, 0.05)
            run_copy(process, SLOTS + 4, 2)
            assert tracer.stop(signal.SIGINT) == 0
        assert "not traced" not in tracer.stderr(), tracer.stderr()
        assert len(numbers(tracer)) > SLOTS / 2 and SLOTS + 4 in numbers(tracer), numbers(tracer)


@contextlib.contextmanager
def containers(path, count):
    """Python processes, each in a mount namespace and with an overlay of its own over one image."""
    mounted, processes = [], []
    (path / "image").mkdir()
    shutil.copy("/usr/bin/python3", path / "image/python")
    try:
        for number in range(count):
            upper, work, root = (path / (name + str(number)) for name in ("upper", "work", "root"))
            for folder in (upper, work, root):
                folder.mkdir()
            harness.run(["mount", "-t", "overlay", "overlay", "-o", "lowerdir=%s,upperdir=%s,workdir=%s"
                         % (path / "image", upper, work), root])
            mounted.append(root)
            processes.append(harness.start(["unshare", "--mount", root / "python", "-c", SLOWLY,
                                            str(number), "600"]))
        yield processes
    finally:
        for process in processes:
            harness.kill_session(process)
        for root in mounted:
            harness.run(["umount", root])


@pytest.mark.skipif(harness.kernel() < (6, 1), reason="the kernel does not tell what is beneath")
@pytest.mark.parametrize("count", [1, 64])
def test_one_image(count, tmp_path):
    """Its containers share one set of hooks, and every call is told once."""
    with containers(tmp_path, count) as processes:
        pids = ",".join(str(process.pid) for process in processes)
        with harness.Tracer(tmp_path, "-v", "-f", "-P", "__main__", "--pid", pids) as tracer:
            tracer.attached()
            assert links(tracer.process.pid) < 20
            harness.wait_for("calls of all", lambda: len(numbers(tracer)) == count, 30)
            assert tracer.stop(signal.SIGINT) == 0
        assert numbers(tracer) == set(range(count))
        spans = [event["span"] for event in tracer.events() if event["event"] == "ENTER"]
        assert len(spans) == len(set(spans)) and harness.lost_in_summary(tracer.stderr()) == 0
