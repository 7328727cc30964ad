# SPDX-License-Identifier: MIT
"""A busy program and a collector on it, for tests of what goes wrong: after each the program goes on
as before, and nothing is left in it."""
import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time

import harness
import pytest

# About as many calls as one process can make while it is traced, until it is killed. It says how
# many there were when it is asked.
BUSY = """import os, signal
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"%d\\n" % n))
""" + harness.TICKER
# Before 6.6 the kernel takes out one probe after the other, 0.107 s each (close(2) of 12 of them:
# 1.29 s on 3.11); they count no more from the signal on. Twice that, and a busy machine.
GONE_S = 4
STALL_S = 3.5  # a signal ends a run within this, whatever its output does


def line_of(process):
    """What it says next; "" when nobody is left who could. It has an unbuffered standard output."""
    ready, _, _ = select.select([process.stdout], [], [], 20)
    assert ready, "it says nothing, and does not end"
    return process.stdout.readline().decode()


def goes_on(pid, process):
    """It runs, and its calls return what they have to; process: of its standard output."""
    def count():
        os.kill(pid, signal.SIGUSR1)
        return int(line_of(process))
    first = count()
    harness.wait_for("its next calls", lambda: count() > first)


def unharmed(pid, output):
    """No probe is in it, and it goes on."""
    harness.wait_for("probes gone", lambda: harness.is_unhooked(pid))
    goes_on(pid, output)


def in_session(number):
    """Its processes, but for those that have ended."""
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with contextlib.suppress(OSError):
            if os.getsid(pid) == number and harness.state(pid) not in "XZ":
                yield pid


class Target:
    """A busy program with what its code looked like before it was traced."""

    def __init__(self, source=BUSY):
        self.process = harness.start([harness.own_python(), "-c", source], stdout=subprocess.PIPE,
                                     bufsize=0)
        assert line_of(self.process) == "ready\n"
        self.pid = self.process.pid
        self.before = harness.text_of(self.pid)

    def free(self):
        """No probe is in it."""
        return harness.text_of(self.pid) == self.before

    def unharmed(self):
        """It goes on without probes."""
        harness.wait_for("probes gone", self.free)
        goes_on(self.pid, self.process)

    def end(self):
        """It was not harmed."""
        try:
            self.unharmed()
        finally:
            self.process.stdout.close()
            harness.kill_session(self.process)


@pytest.fixture(name="target")
def a_target():
    target = Target()
    yield target
    target.end()


class Run:
    """A collector on that target."""

    def __init__(self, target, output, *options, **popen):
        self.target = target
        self.errors = tempfile.TemporaryFile()
        popen.setdefault("stdout", subprocess.DEVNULL)
        self.own_stderr = "stderr" not in popen
        popen.setdefault("stderr", self.errors)
        popen.setdefault("stdin", subprocess.DEVNULL)
        self.process = harness.start([harness.TRACER, "-P", "__main__", "-p", target.pid, "-o",
                                      output, *options], **popen)

    def attached(self):
        """It says so; where its words go elsewhere, the text of the target tells, half a second after
        the first hook."""
        if self.own_stderr:
            harness.wait_for("hooks", lambda: "attached after" in self.stderr()
                             or self.process.poll() is not None)
        else:
            harness.wait_for("hooks", lambda: not self.target.free())
            time.sleep(0.5)
        assert self.process.poll() is None, self.stderr()

    def end(self, number=signal.SIGINT, timeout=STALL_S):
        """Sends a signal: the probes go at once, the program soon. Returns its status."""
        self.process.send_signal(number)
        harness.wait_for("probes gone after the signal", self.target.free,
                         harness.promised(GONE_S))
        return self.process.wait(timeout=harness.promised(timeout))

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode()


@contextlib.contextmanager
def run(target, output, *options, **popen):
    """One that is attached."""
    one = Run(target, output, *options, **popen)
    try:
        one.attached()
        yield one
    finally:
        harness.kill_session(one.process)


def check(lines):
    """Whole lines that are pairs, but for calls that are open; the number that LOST lines tell."""
    lost, begun, ended = 0, set(), set()
    for line in lines:
        event = json.loads(line)
        if event["event"] == "LOST":
            lost += event["count"]
        elif event["event"] == "ENTER":
            begun.add(event["span"])
        elif event["event"] == "EXIT":
            assert event["span"] in begun and event["span"] not in ended
            ended.add(event["span"])
    return lost
