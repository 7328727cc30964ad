# SPDX-License-Identifier: MIT
"""kill -9 of a collector, whatever it is about: the kernel takes out what it put in, nobody is left
stopped, and what it traced, or started, runs on."""
import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import harness
import pytest
from faults import BUSY, Target, a_target, check, in_session, line_of, unharmed  # noqa: F401

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
CHILDREN = 3
FAMILY = "import os\nfor _ in range(%d):\n    if not os.fork(): break\n" % CHILDREN + BUSY


def holds(pid, kind):
    """Has it a descriptor of that kind?"""
    with contextlib.suppress(OSError):
        return any(kind in os.readlink("/proc/%d/fd/%s" % (pid, fd))
                   for fd in os.listdir("/proc/%d/fd" % pid))


def children(pid):
    return list(map(int, Path("/proc/%d/task/%d/children" % (pid, pid)).read_text().split()))


def loads(pid):
    return holds(pid, "bpf-map")


def hooks(pid):
    return holds(pid, "bpf_link") or holds(pid, "perf_event")


def writes(pid):
    with contextlib.suppress(FileNotFoundError):
        return os.stat("/proc/%d/cwd/trace" % pid).st_size


def always(pid):
    return True


# So many milliseconds after that.
MOMENTS = [(always, 50), (always, 150), (always, 250), (always, 500), (loads, 0), (loads, 100),
           (hooks, 0), (hooks, 5), (hooks, 20), (writes, 0)]
OF_A_COMMAND = [*MOMENTS, (children, 0), (children, 1), (children, 5), (children, 20)]


def moments(some):
    return pytest.mark.parametrize("moment", some, ids=["%s+%d" % (when.__name__, ms) for when, ms
                                                        in some])


@contextlib.contextmanager
def killed(moment, tmp_path, *options, asked=False, **popen):
    """A collector that is killed at that moment. What it wrote is whole lines, but for the last.

    asked: it is told to end at that moment's beginning, and is at it when it is killed.
    """
    begins, ms = moment
    process = harness.start([harness.TRACER, "-P", "__main__", "-o", tmp_path / "trace", *options],
                            cwd=tmp_path, stderr=subprocess.DEVNULL, **popen)
    try:
        harness.wait_for("that moment", lambda: begins(process.pid), pause=0)
        if asked:
            process.send_signal(signal.SIGINT)
        time.sleep(ms / 1000)
        process.kill()
        assert process.wait(timeout=harness.PATIENCE) == -signal.SIGKILL or asked
        yield process
        if (tmp_path / "trace").exists():
            check((tmp_path / "trace").read_bytes().split(b"\n")[:-1])
    finally:
        harness.kill_session(process)


@moments(MOMENTS)
def test_beside_a_process(moment, target, tmp_path):
    with killed(moment, tmp_path, "-p", target.pid):
        unharmed(target.pid, target.process)


@pytest.fixture(name="family")
def a_family():
    """A process with children, all of which are busy."""
    target = Target(FAMILY)
    for _ in range(CHILDREN):
        assert line_of(target.process) == "ready\n"
    yield target
    target.end()


@moments(MOMENTS)
def test_beside_a_family(moment, family, tmp_path):
    """With --follow no child keeps a hook either."""
    with killed(moment, tmp_path, "-f", "-p", family.pid):
        for pid in [family.pid, *children(family.pid)]:
            unharmed(pid, family.process)
    assert len(children(family.pid)) == CHILDREN


@pytest.mark.parametrize("ms", [0, 2, 5, 10, 20])
def test_while_it_ends(ms, family, tmp_path):
    """Told to end, and killed while the hooks go out. A later run would take out what this one
    leaves, so each is looked at."""
    for _ in range(3):
        with killed((writes, ms), tmp_path, "-f", "-p", family.pid, asked=True):
            for pid in [family.pid, *children(family.pid)]:
                unharmed(pid, family.process)
        (tmp_path / "trace").unlink()


def python_in(session):
    """The process of that session which runs our Python; beside it there may be what is left of the
    collector, for a moment."""
    for pid in in_session(session):
        with contextlib.suppress(OSError):
            if os.readlink("/proc/%d/exe" % pid) == harness.own_python():
                return pid


@moments(OF_A_COMMAND)
@pytest.mark.parametrize("before", [[], ["sh", "-c", '"$@"; true', "sh"]], ids=["python", "sh"])
def test_over_a_command(before, moment, tmp_path):
    """It has begun, and goes on; or it never begins, and nobody waits for that."""
    with killed(moment, tmp_path, "--", *before, harness.own_python(), "-c", BUSY,
                stdout=subprocess.PIPE, bufsize=0) as process:
        with process.stdout:
            if line_of(process):
                unharmed(harness.wait_for("it", lambda: python_in(process.pid)), process)
            else:
                harness.wait_for("nobody", lambda: not list(in_session(process.pid)))
