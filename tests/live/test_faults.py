# SPDX-License-Identifier: MIT
"""What goes wrong around a collector: a table of faults, each with what the user is told and what
is left attached, which is nothing."""
import contextlib
import json
import os
import pty
import re
import resource
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
# About as many calls as one process can make while it is traced, until it is killed.
BUSY = harness.TICKER
# Before 6.6 the kernel takes out one probe after the other, 0.107 s each (close(2) of 12 of them:
# 1.29 s on 3.11); they count no more from the signal on. Twice that, and a busy machine.
GONE_S = 4
STALL_S = 3.5  # a signal ends a run within this, whatever its output does


class Target:
    """A busy program with what its code looked like before it was traced."""

    def __init__(self, source=BUSY):
        self.process = harness.start([harness.own_python(), "-c", source], stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"
        self.pid = self.process.pid
        self.before = harness.text_of(self.pid)

    def free(self):
        """No probe is in it."""
        return harness.text_of(self.pid) == self.before

    def unharmed(self):
        """It goes on without probes."""
        harness.wait_for("probes gone", self.free, 10)
        assert self.process.poll() is None


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
            harness.wait_for("hooks", lambda: "attached after" in self.stderr(), 30)
        else:
            harness.wait_for("hooks", lambda: not self.target.free(), 30)
            time.sleep(0.5)
        assert self.process.poll() is None, self.stderr()

    def end(self, number=signal.SIGINT, timeout=STALL_S):
        """Sends a signal: the probes go at once, the program soon. Returns its status."""
        self.process.send_signal(number)
        harness.wait_for("probes gone after the signal", self.target.free, GONE_S)
        return self.process.wait(timeout=timeout)

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


# ---- outputs that take nothing ----------------------------------------------------------------

class Fifo:
    """A FIFO whose reader does not read."""

    def __init__(self, tmp_path):
        self.output, self.popen = tmp_path / "fifo", {}
        os.mkfifo(self.output)
        self.reader = os.open(self.output, os.O_RDONLY | os.O_NONBLOCK)

    def take(self):
        """Reads once."""
        assert os.read(self.reader, 1 << 20)

    def rest(self):
        """All that was written into it."""
        text = b""
        while select.select([self.reader], [], [], 0.2)[0]:
            part = os.read(self.reader, 1 << 20)
            if not part:
                break
            text += part
        os.close(self.reader)
        return text


class Pipe(Fifo):
    """Standard output, which others use too: it stays blocking for them."""

    def __init__(self, _):
        self.reader, self.writer = os.pipe()
        self.output, self.popen = "-", {"stdout": self.writer}

    def rest(self):
        assert os.get_blocking(self.writer)
        os.close(self.writer)
        return super().rest()


class Socket(Fifo):
    def __init__(self, _):
        ours, theirs = socket.socketpair()
        self.reader, self.writer = ours.detach(), theirs
        self.output, self.popen = "-", {"stdout": theirs}

    def rest(self):
        self.writer.close()
        return super().rest()


class Terminal(Fifo):
    """One that was stopped, as by control-S."""

    def __init__(self, _):
        self.reader, self.writer = pty.openpty()
        self.output, self.popen = os.ttyname(self.writer), {}

    def rest(self):
        text = b""
        while select.select([self.reader], [], [], 0.2)[0]:
            text += os.read(self.reader, 65536)
        os.close(self.reader)
        os.close(self.writer)
        return text


STALLED = {kind.__name__.lower(): kind for kind in (Fifo, Pipe, Socket, Terminal)}


@pytest.mark.parametrize("kind,number", [
    ("fifo", signal.SIGINT), ("fifo", signal.SIGTERM), ("pipe", signal.SIGINT),
    ("socket", signal.SIGINT), ("terminal", signal.SIGINT)])
def test_nobody_reads(kind, number, target, tmp_path):
    """A signal detaches and ends; what was not read is counted, in the trace too where there can be
    made room for it, and no line is torn."""
    output = STALLED[kind](tmp_path)
    with run(target, output.output, **output.popen) as one:
        time.sleep(0.7)
        assert one.end(number) == 1
        errors = one.stderr()
    said = re.search(r"is not read: (\d+) events .* lost \(sink_full\)\n$", errors)
    assert said and int(said[1]) > 100, errors
    text = output.rest()
    if kind in ("fifo", "pipe"):
        assert text.endswith(b"\n")
        lines = text.splitlines()
        assert check(lines) >= int(said[1]) and json.loads(lines[-1])["reason"] == "sink_full"
    else:
        check(text.replace(b"\r\n", b"\n").split(b"\n")[:-1])


def resident(pid):
    """KiB in memory."""
    with open("/proc/%d/status" % pid) as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


def grows(pid):
    """Does its memory still grow, as a queue does that is not full?"""
    before = resident(pid)
    time.sleep(0.8)
    assert resident(pid) < 160000
    return resident(pid) > before + 256


def test_more_than_waits(target, tmp_path):
    """Over a bound calls are lost as a whole, and told where they would have been; a reader that
    comes back finds pairs."""
    output = Fifo(tmp_path)
    with run(target, output.output, "-d", "60") as one:
        harness.wait_for("a full queue", lambda: not grows(one.process.pid), 30)
        got = []
        reader = threading.Thread(target=lambda: got.append(output.rest()))
        reader.start()
        time.sleep(1.5)
        one.process.send_signal(signal.SIGINT)
        assert one.process.wait(timeout=20) == 0, one.stderr()
        reader.join(timeout=20)
        errors = one.stderr()
    lost = check(got[0].splitlines())
    assert b'"reason": "sink_full"' in got[0]
    assert harness.lost_in_summary(errors) == lost > 1000, errors


# 2,000 calls a second: far more than a ring of 64 KiB and a pipe hold, far less than the queue does.
STEADY = BUSY.replace("    n = tick(n)", "    n = tick(n)\n    if n % 20 == 0: time.sleep(0.01)").replace(
    "import sys", "import sys, time")


def test_the_ring_is_read_meanwhile(tmp_path):
    """Whoever does not read holds up nobody: a small ring loses nothing, and time goes on."""
    output = Fifo(tmp_path)
    target = Target(STEADY)
    try:
        with run(target, output.output, "--buffer", "64K", "-d", "3") as one:
            harness.wait_for("the word that it waits", lambda: "still to be read" in one.stderr(), 20)
            assert target.free() and one.process.poll() is None
            text = output.rest()
            assert one.process.wait(timeout=10) == 0, one.stderr()
    finally:
        target.end()
    lines = text.splitlines()
    assert check(lines) == 0 and harness.lost_in_summary(one.stderr()) == 0, one.stderr()
    assert len(lines) > 4000 and sum(map(len, lines)) > 1 << 20
    results = [int(e["result"]) for e in map(json.loads, lines) if e["event"] == "EXIT"]
    assert results == list(range(results[0], results[0] + len(results)))


def text_of(file):
    file.seek(0)
    return file.read()


def test_a_pager(tmp_path):
    """A program that ended is no hurry: its trace waits for the reader, and is whole."""
    output = Pipe(tmp_path)
    source = "def f(n): return n\nfor i in range(3000): f(i)"
    errors = tempfile.TemporaryFile()
    process = harness.start([harness.TRACER, "-o", "-", "--", harness.PYTHON, "-c", source],
                            stderr=errors, **output.popen)
    try:
        harness.wait_for("the word that it waits", lambda: b"still to be read" in text_of(errors), 20)
        time.sleep(1.2)
        assert process.poll() is None
        text = []
        reader = threading.Thread(target=lambda: text.append(output.rest()))
        reader.start()
        assert process.wait(timeout=10) == 0
        reader.join(timeout=10)
    finally:
        harness.kill_session(process)
    lines = text[0].splitlines()
    assert len(lines) == 6002 and check(lines) == 0


def test_two_signals(target, tmp_path):
    """The second ends at once; two that come together are one, as timeout(1) sends them."""
    output = Fifo(tmp_path)
    with run(target, output.output) as one:
        time.sleep(0.5)
        output.take()  # it waits for more of that
        one.process.send_signal(signal.SIGINT)
        time.sleep(0.4)
        began = time.monotonic()
        one.process.send_signal(signal.SIGINT)
        assert one.process.wait(timeout=5) == -signal.SIGINT
        assert time.monotonic() - began < GONE_S
    output.rest()
    with run(target, tmp_path / "trace") as one:
        one.process.send_signal(signal.SIGTERM)
        time.sleep(0.01)
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(timeout=5) == 0, one.stderr()


@pytest.mark.parametrize("option", ["--stdout", "--record"])
def test_also(option, target, tmp_path):
    """A second output that nobody reads is no other."""
    output = Pipe(tmp_path) if option == "--stdout" else Fifo(tmp_path)
    more = [option] if option == "--stdout" else [option, output.output]
    with run(target, tmp_path / "trace", *more, **output.popen) as one:
        time.sleep(0.7)
        assert one.end() == 1, one.stderr()
        assert harness.lines_said(one.stderr()) == 1, one.stderr()
    output.rest()
    check((tmp_path / "trace").read_bytes().splitlines())


def test_messages_that_nobody_reads(target, tmp_path):
    """A terminal that was stopped takes no status line and no summary."""
    output = Terminal(tmp_path)
    with open(output.output, "wb", buffering=0) as terminal:
        os.set_blocking(terminal.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            while terminal.write(b"x" * 100):
                pass
        os.set_blocking(terminal.fileno(), True)
        with run(target, tmp_path / "trace", stderr=output.writer) as one:
            time.sleep(1.5)
            assert one.end() == 0
    output.rest()
    assert len((tmp_path / "trace").read_bytes().splitlines()) > 100


# ---- signals --------------------------------------------------------------------------------

def test_kill(target, tmp_path):
    """kill -9: the kernel takes the probes out; what was written is whole lines, but for the last."""
    with run(target, tmp_path / "trace") as one:
        one.process.kill()
        one.process.wait(timeout=5)
        harness.wait_for("probes gone", target.free, 5)
    check((tmp_path / "trace").read_bytes().split(b"\n")[:-1])


def links_of(pid):
    """The kinds of the BPF links that a process holds, each as often as it has it."""
    text = "".join(file.read_text() for file in Path("/proc/%d/fdinfo" % pid).iterdir())
    return re.findall(r"^link_type:\s+(\w+)$", text, re.M)


def test_few_links(target, tmp_path):
    """Where the kernel lets one link hold many hooks, one does: taking one out takes 0.1 s."""
    _, out, _ = harness.run([harness.TRACER, "--check", "--json", "-p", target.pid], check=0)
    said = json.loads(out)
    if not said["features"]["uprobe_multi links"]:
        pytest.skip("no uprobe_multi links before Linux 6.6")
    with run(target, tmp_path / "trace", "-v") as one:
        links = [kind for kind in links_of(one.process.pid) if "probe" in kind or kind == "perf"]
    assert links and all(kind.endswith("probe_multi") for kind in links), links
    assert len(links) < len(said["hooks"])


def test_stopped(target, tmp_path):
    """SIGSTOP: the ring fills, what is lost then is counted; SIGCONT goes on."""
    with run(target, tmp_path / "trace", "--buffer", "64K") as one:
        one.process.send_signal(signal.SIGSTOP)
        time.sleep(0.7)
        one.process.send_signal(signal.SIGCONT)
        time.sleep(0.3)
        assert one.end() == 0, one.stderr()
        lost = check((tmp_path / "trace").read_bytes().splitlines())
        assert harness.lost_in_summary(one.stderr()) == lost > 100


def interrupted(tracer, target):
    """It has ended at once, in order, and says what it did not do; it leaves nothing."""
    began = time.monotonic()
    assert tracer.stop() == 0, tracer.stderr()
    assert time.monotonic() - began < GONE_S
    assert target.free()
    if "attached after" not in tracer.stderr():
        assert "interrupted before it was attached" in tracer.stderr()
        assert not tracer.events()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_signal_while_it_loads(number, target, tmp_path):
    """No hook comes any more."""
    with harness.Tracer(tmp_path, "-P", "__main__", "-p", target.pid) as tracer:
        tracer.stop_while_it_loads()
        tracer.process.send_signal(number)
        tracer.process.send_signal(signal.SIGCONT)
        assert tracer.wait(GONE_S) == 0, tracer.stderr()
        assert "interrupted before it was attached" in tracer.stderr()
        assert not tracer.events() and target.free()


@pytest.mark.parametrize("options", [[], ["-f"]], ids=["pid", "follow"])
def test_signal_while_attaching(options, target, tmp_path):
    """Whenever it comes: between two programs, between two hooks, behind the last."""
    for n in range(8):
        with harness.Tracer(tmp_path, *options, "-P", "__main__", "-p", target.pid) as tracer:
            harness.wait_for("signals are its own", lambda: blocks(tracer.process.pid, signal.SIGINT),
                             pause=0)
            time.sleep(n * 0.07)
            interrupted(tracer, target)
        tracer.output.unlink(missing_ok=True)


def test_signal_before_a_command(tmp_path):
    """The command is not run."""
    with harness.Tracer(tmp_path, "-P", "__main__", "--", "/usr/bin/touch",
                        tmp_path / "ran") as tracer:
        tracer.stop_while_it_loads()
        tracer.process.send_signal(signal.SIGINT)
        tracer.process.send_signal(signal.SIGCONT)
        assert tracer.wait(GONE_S) == 0, tracer.stderr()
        assert "interrupted before it was attached" in tracer.stderr()
    assert not (tmp_path / "ran").exists()


def blocks(pid, number):
    """Does it wait for that signal in its own way?"""
    with open("/proc/%d/status" % pid) as status:
        blocked = int(re.search(r"SigBlk:\s+(\w+)", status.read())[1], 16)
    return blocked >> (number - 1) & 1


def test_hangup_before_ready(target, tmp_path):
    """It neither kills nor is in the way."""
    with contextlib.ExitStack() as stack:
        one = Run(target, tmp_path / "trace")
        stack.callback(harness.kill_session, one.process)
        for _ in range(10):
            time.sleep(0.02)
            one.process.send_signal(signal.SIGHUP)
        one.attached()
        assert one.end() == 0, one.stderr()
    assert (tmp_path / "trace").stat().st_size


# A shell that starts a command in the foreground and hands a SIGHUP on, as an interactive one does.
SHELL = """
import os, signal, subprocess, sys
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
command = subprocess.Popen(sys.argv[1:])
signal.signal(signal.SIGHUP, lambda *_: command.send_signal(signal.SIGHUP))
sys.exit(command.wait())
"""


@pytest.mark.parametrize("how", ["exec", "shell", "nohup"])
def test_terminal_goes(how, target, tmp_path):
    """A hang-up detaches, whoever tells of it; kill -HUP before it reopens. nohup stays."""
    master, slave = pty.openpty()
    before = {"exec": [harness.PYTHON, "-c", "import os, sys, fcntl, termios\n"
                       "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\nos.execv(sys.argv[1], sys.argv[1:])"],
              "shell": [harness.PYTHON, "-c", SHELL],
              "nohup": [harness.PYTHON, "-c", SHELL, "nohup"]}[how]
    process = harness.start([*before, harness.TRACER, "-P", "__main__", "-p", target.pid, "-o",
                             tmp_path / "trace"], stdin=slave, stdout=slave, stderr=slave,
                            cwd=tmp_path)
    os.close(slave)
    drop = threading.Thread(target=read_all, args=[master])
    drop.start()
    try:
        harness.wait_for("probes", lambda: not target.free(), 15)
        pid = harness.wait_for("the collector", lambda: collector_of(process.pid), 5)
        if how != "nohup":
            (tmp_path / "trace").rename(tmp_path / "moved")
            os.kill(pid, signal.SIGHUP)
            harness.wait_for("a new file", (tmp_path / "trace").exists, 5)
        assert not target.free()
        os.close(master)
        if how == "nohup":
            time.sleep(1)
            assert not target.free()
            os.kill(pid, signal.SIGINT)
        harness.wait_for("probes gone", target.free, 3)
        harness.wait_for("the end", lambda: collector_of(process.pid) is None, 3)
    finally:
        harness.kill_session(process)
        drop.join(timeout=5)
    check([line for name in ("moved", "trace") if (tmp_path / name).exists()
           for line in (tmp_path / name).read_bytes().splitlines()])


def read_all(master):
    """What comes from a terminal, until it is closed."""
    with contextlib.suppress(OSError, ValueError):
        while True:
            if select.select([master], [], [], 0.1)[0]:
                os.read(master, 65536)


def collector_of(session):
    """The pid of the collector in a session."""
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            if os.getsid(int(name)) == session:
                with open("/proc/%s/stat" % name) as stat:
                    comm, rest = stat.read().split("(", 1)[1].rsplit(")", 1)
                if comm == "flowtrace-bpf" and rest.split()[0] != "Z":
                    return int(name)
    return None


# ---- descriptors and limits ---------------------------------------------------------------------

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
