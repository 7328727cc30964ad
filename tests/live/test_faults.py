# SPDX-License-Identifier: MIT
"""Outputs that nobody reads: each with what the user is told and what is left attached, which is
nothing."""
import contextlib
import json
import os
import pty
import re
import select
import signal
import socket
import tempfile
import threading
import time

import harness
import pytest
from faults import BUSY, GONE_S, Target, a_target, check, run  # noqa: F401

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]


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
        text = bytearray()  # grows in place: a queue holds thousands of parts
        while select.select([self.reader], [], [], 0.2)[0]:
            part = os.read(self.reader, 1 << 20)
            if not part:
                break
            text += part
        os.close(self.reader)
        return bytes(text)


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
        began = time.monotonic()
        assert one.end(number) == 1
        assert time.monotonic() - began < harness.promised(1)
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
        harness.wait_for("a full queue", lambda: not grows(one.process.pid))
        got = []
        reader = threading.Thread(target=lambda: got.append(output.rest()))
        reader.start()
        time.sleep(0.7)
        one.process.send_signal(signal.SIGINT)
        assert one.process.wait(timeout=harness.PATIENCE) == 0, one.stderr()
        reader.join(timeout=harness.PATIENCE)
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
            harness.wait_for("the word that it waits", lambda: "still to be read" in one.stderr())
            assert target.free() and one.process.poll() is None
            text = output.rest()
            assert one.process.wait(timeout=harness.PATIENCE) == 0, one.stderr()
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
        harness.wait_for("the word that it waits", lambda: b"still to be read" in text_of(errors))
        time.sleep(1.2)
        assert process.poll() is None
        text = []
        reader = threading.Thread(target=lambda: text.append(output.rest()))
        reader.start()
        assert process.wait(timeout=harness.PATIENCE) == 0
        reader.join(timeout=harness.PATIENCE)
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
        assert one.process.wait(timeout=harness.promised(5)) == -signal.SIGINT
        assert time.monotonic() - began < harness.promised(GONE_S)
    output.rest()
    with run(target, tmp_path / "trace") as one:
        one.process.send_signal(signal.SIGTERM)
        time.sleep(0.01)
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(timeout=harness.promised(5)) == 0, one.stderr()


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
