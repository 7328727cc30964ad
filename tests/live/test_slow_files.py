# SPDX-License-Identifier: MIT
"""An interpreter on a file system that is slow to answer, or never does: those that are traced
already do not notice."""
import os
import shutil
import subprocess
import time

import harness
import pytest
from compare import Trace

NAME = "slow-python"
# Works until it is killed.
WORK = """
import time
def tick(n):
    return n
def work():
    n = 0
    while True:
        tick(n)
        n += 1
        time.sleep(0.001)
"""
# Starts the other one when it is told to.
TARGET = WORK + """
import subprocess, sys, threading
print("ready", flush=True)
threading.Thread(target=work, daemon=True).start()
sys.stdin.readline()
print(subprocess.Popen([sys.argv[1], "-c", sys.argv[2]]).pid, flush=True)
sys.stdin.readline()
"""
SLOW = """
import time
def own(n):
    return n
for n in range(1000000):
    own(n)
    time.sleep(.01)
"""


@pytest.fixture(scope="module")
def preload(tmp_path_factory):
    """What makes reading slow."""
    library = tmp_path_factory.mktemp("slow") / "slow_file.so"
    harness.run(["cc", "-shared", "-fPIC", "-o", library, harness.TARGETS / "slow_file.c"], check=0)
    return library


@pytest.fixture
def slow(tmp_path):
    """An interpreter of that name, old enough that what is known of it is kept."""
    return shutil.copy(os.path.realpath(harness.PYTHON), tmp_path / NAME)


def environment(preload, ms):
    return harness.environment(LD_PRELOAD=str(preload), SLOW_FILE=NAME, SLOW_MS=str(ms))


class Target:
    """The one that works, and starts the slow one."""

    def __init__(self, slow):
        self.process = harness.start([harness.own_python(), "-c", TARGET, slow, SLOW],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"

    def starts_slow(self):
        """Returns its pid."""
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.stdin.close()
        self.process.stdout.close()
        harness.kill_session(self.process)


def calls(tracer, pid, function):
    return sum(e.get("pid") == pid and e.get("function") == function for e in tracer.events())


def goes_on(tracer, pid, seconds):
    """Its calls come out all the while."""
    for _ in range(int(seconds / 0.5)):
        before = calls(tracer, pid, "tick")
        harness.wait_for("its next calls", lambda: calls(tracer, pid, "tick") > before, 0.5, 0.05)
        time.sleep(0.25)


def lost_nothing(tracer, late=0):
    """late: programs that began before they were hooked, since their file was read so slowly."""
    trace = Trace(tracer.output)
    assert not trace.problems and trace.lost == trace.reasons["late"] == late, trace.reasons


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_others_go_on(tmp_path, preload, slow):
    with Target(slow) as target, harness.Tracer(
            tmp_path, "-f", "-P", "__main__", "--buffer", "64K", "-p", target.process.pid,
            env=environment(preload, 50)) as tracer:
        tracer.attached()
        child = target.starts_slow()
        goes_on(tracer, target.process.pid, 1)
        assert not calls(tracer, child, "own"), "it was not slow"
        harness.wait_for("calls of the slow one", lambda: calls(tracer, child, "own"))
        assert tracer.stop() == 0, tracer.stderr()
        lost_nothing(tracer, late=1)


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_a_command_is_held_meanwhile(tmp_path, preload, slow):
    """It is traced from its first call all the same."""
    with harness.Tracer(tmp_path, "-P", "__main__", "--", "/bin/sh", "-c",
                        '"$0" -c "$1" & sleep 1; exec "$2" -c "$3"', harness.own_python(),
                        WORK + "work()", slow, SLOW, env=environment(preload, 50)) as tracer:
        def events_of(function):
            return [e for e in tracer.events() if e.get("function") == function]
        harness.wait_for("calls", lambda: events_of("tick"))
        pid = events_of("tick")[0]["pid"]
        goes_on(tracer, pid, 2)
        assert not events_of("own"), "it was not slow"
        harness.wait_for("calls of the slow one", lambda: events_of("own"))
        assert events_of("own")[0]["args"] == '{"n": 0}'


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("ended", [False, True], ids=["runs", "ended"])
def test_one_that_never_answers(tmp_path, preload, slow, ended):
    """Nobody waits for it, at the end neither."""
    with Target(slow) as target, harness.Tracer(
            tmp_path, "-f", "-P", "__main__", "-p", target.process.pid,
            env=environment(preload, 600000)) as tracer:
        tracer.attached()
        child = target.starts_slow()
        if ended:
            time.sleep(0.2)
            os.kill(child, 9)
        goes_on(tracer, target.process.pid, 1)
        assert tracer.stop(timeout=harness.promised(5)) == 0, tracer.stderr()
        lost_nothing(tracer)
