# SPDX-License-Identifier: MIT
"""The process that makes the calls of a benchmark, and what is attached to it."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import bpf_objects  # noqa: E402 - from tests/
import harness  # noqa: E402, F401

BUILD = pathlib.Path(os.environ.get("FLOWTRACE_BUILD", ROOT / "build"))
TRACER = BUILD / "bin" / "flowtrace-bpf"
COUNT = BUILD / "tests" / "count-sites"


def say(text):
    """What is being measured, where a person waits for it."""
    if sys.stderr.isatty():
        print("\r\033[K%s" % text, end="", file=sys.stderr, flush=True)


def cpu_ns(pid):
    """What a process has run, all its threads that are there."""
    tasks = pathlib.Path("/proc/%d/task" % pid).glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks)


class Target:
    """target.py, pinned to one core."""

    def __init__(self, python):
        # By its text: an interpreter in a root of its own does not see this tree.
        program = (ROOT / "tests/bench/target.py").read_text()
        self.process = subprocess.Popen([*python, "-c", program],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        os.sched_setaffinity(self.pid, {0})
        self.process.stdout.readline()

    def ns_per_call(self, kind, calls):
        self.process.stdin.write("%s %d\n" % (kind, calls))
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.wait()


class Counter:
    """The counting program on the target's entry and return sites, or with "contexts" on those that
    HTTP requests need besides."""

    def __init__(self, pid, *what):
        self.process = subprocess.Popen([COUNT, str(pid), *what], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit("bench: count-sites failed")
        self.pid = self.process.pid

    def close(self):
        """(hits, hits where a context is copied)"""
        counts, _ = self.process.communicate("")
        return tuple(map(int, counts.split()))


class Bpftrace:
    """bpftrace on the probes that a build with dtrace has at the start and the end of a call; it only
    counts them. None of it where there is no bpftrace, or no such probe."""

    SETTLE_S = 1  # it does not say when it is ready

    def __init__(self, pid):
        exe = os.readlink("/proc/%d/exe" % pid)
        program = "".join("usdt:%s:python:function__%s { @%s = count(); } " % (exe, event, event)
                          for event in ("entry", "return"))
        self.said = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(["bpftrace", "-p", str(pid), "-e", program],
                                        stdout=self.said, stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(self.SETTLE_S)

    @staticmethod
    def here():
        return shutil.which("bpftrace") is not None

    def close(self):
        """{event: how many it saw}"""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(20)
        self.said.seek(0)
        return {event: int(n) for event, n in re.findall(r"@(\w+): (\d+)", self.said.read())}


class Collector:
    """flowtrace-bpf on the target, on the other core where there is one."""

    def __init__(self, pid, prefix, output, *options):
        self.errors = tempfile.TemporaryFile("w+")
        prefix = ["-P", prefix] if prefix else []
        self.process = subprocess.Popen([TRACER, "-v", *prefix, "-o", output, *options,
                                         "--pid", str(pid)], stderr=self.errors)
        self.pid = self.process.pid
        os.sched_setaffinity(self.pid, {os.cpu_count() - 1})
        self.attach_ms = self.ready()
        self.ready_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        self.peak_kib = 0

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def ready(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.said().splitlines():
                if "attached after" in line:
                    return float(line.split("attached after ")[1].split()[0])
            time.sleep(0.002)
        raise SystemExit("bench: flowtrace-bpf did not attach: %s" % self.said())

    def steps_ms(self):
        """{step of attaching: ms}. The kernel says when it began to verify each program."""
        loads = [program.loaded_ns for _, program in bpf_objects.programs(self.pid)]
        began_ns = self.ready_ns - self.attach_ms * 1e6
        return {"ELF, maps": (min(loads) - began_ns) / 1e6,
                "verifier": (max(loads) - min(loads)) / 1e6,
                "links": (self.ready_ns - max(loads)) / 1e6}

    def close(self):
        """Detaches; returns (events, lost) of its summary."""
        status = pathlib.Path("/proc/%d/status" % self.pid).read_text()
        self.peak_kib = int(status.split("VmHWM:")[1].split()[0])
        self.process.send_signal(signal.SIGINT)
        if self.process.wait(timeout=60):
            raise SystemExit("bench: flowtrace-bpf failed: %s" % self.said())
        words = [line for line in self.said().splitlines() if " events, " in line][-1].split()
        return int(words[1]), int(words[3])


def accounted(collector, output, made):
    """Detaches; returns how many of the events are lost, when each is in the trace or counted."""
    seen, lost = collector.close()
    if lost:  # lines that say so, and ends of those that are counted as lost
        with open(output, "rb") as lines:
            seen -= sum(b'"event": "LOST"' in line or b'"lost": true' in line for line in lines)
    if seen + lost != made:
        raise SystemExit("bench: %d events and %d lost of %d" % (seen, lost, made))
    return lost
