#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench soak: short Pythons that come and go for long, under --all.

Each makes a known number of calls; a tenth of them forks, a tenth runs itself again, a tenth leaves
a generator that never continues. A line a minute: the calls that were seen of those made, and what the
collector has open, keeps in memory and in BPF's maps. It fails if that grows. They have a cgroup of
their own, and only that is traced: what other Pythons the machine runs does not count.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import bpf_objects  # noqa: E402 - from tests/
import harness  # noqa: E402 - from tests/

BUILD = pathlib.Path(os.environ.get("FLOWTRACE_BUILD", ROOT / "build"))
MODULE = "soak_program"  # no other process of the machine has it
CALLS = 20  # of each program
MOST = 40  # programs at once
WARM = 3  # minutes until everything has its size
SOURCE = """
import os, sys
def work(number):
    return number
def left(number):
    yield work(number)
def run(number, calls):
    kind = number % 10
    if kind == 7 and not os.fork():
        for _ in range(calls // 2):
            work(number)
        os._exit(0)
    if kind == 7:
        calls -= calls // 2
        os.wait()
    for _ in range(calls - 1 if kind != 8 else calls // 2):
        work(number)
    if kind == 8:
        again = "import %s; %s.rest(%%d, %%d)" % (__name__, __name__)
        os.execv(sys.executable, [sys.executable, "-S", "-E", "-c", again % (number, calls - calls // 2)])
    global kept
    kept = left(number)
    next(kept) if kind == 9 else work(number)
    os._exit(0) if kind == 9 else None
def rest(number, calls):
    for _ in range(calls):
        work(number)
"""


class Trace(threading.Thread):
    """Counts the collector's output while it comes."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.seen, self.lost = pipe, 0, collections.Counter()
        self.start()

    def run(self):
        for line in self.pipe:
            if b'"LOST"' in line:
                event = json.loads(line)
                self.lost[event["reason"]] += event["count"]
            elif b'"EXIT"' in line and b'"function": "work"' in line:
                self.seen += 1


class Programs(threading.Thread):
    """Starts them at a steady rate until it is told to stop."""

    def __init__(self, directory, rate):
        super().__init__(daemon=True)
        self.directory, self.rate = directory, rate
        self.running, self.made, self.ended, self.failed = [], 0, 0, 0
        self.over = False
        self.start()

    def reap(self):
        for process in list(self.running):
            status = process.poll()
            if status is not None:
                self.running.remove(process)
                self.ended += 1
                self.failed += status != 0
                self.made += CALLS if status == 0 else 0

    def run(self):
        next_at, number = time.monotonic(), 0
        while not self.over or self.running:
            self.reap()
            if self.over or len(self.running) >= MOST or time.monotonic() < next_at:
                time.sleep(0.005)
                continue
            program = "import %s; %s.run(%d, %d)" % (MODULE, MODULE, number, CALLS)
            self.running.append(subprocess.Popen([harness.PYTHON, "-S", "-E", "-c", program],
                                                 cwd=self.directory))
            number += 1
            next_at = max(next_at + 1 / self.rate, time.monotonic() - 1)


def cpu_s(pid):
    tasks = pathlib.Path("/proc/%d/task" % pid).glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def state(pid, programs, trace, minute):
    status = pathlib.Path("/proc/%d/status" % pid).read_text()
    return {"minute": minute, "programs": programs.ended, "made": programs.made, "seen": trace.seen,
            "lost": sum(trace.lost.values()), "descriptors": len(os.listdir("/proc/%d/fd" % pid)),
            "rss_mib": round(int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024, 1),
            "maps_mib": round(bpf_objects.kib(pid) / 1024, 1), **bpf_objects.entries(pid),
            "cpu_s": round(cpu_s(pid), 1), "load": os.getloadavg()[0]}


# What may differ between the end and when everything had its size: programs are under way at both.
GROWTH = {"descriptors": 20, "rss_mib": 4, "maps_mib": 20, "ft_procs": 60, "ft_looked_at": 60,
          "ft_threads": 60, "ft_stacks": 60, "ft_suspended": 60}


def not_flat(rows):
    """What has grown."""
    rows = [row for row in rows if row["minute"] >= WARM]
    if len(rows) < 2:
        return []
    return [name for name, most in GROWTH.items() if rows[-1][name] - rows[0][name] > most]


def show(row, as_json, head):
    if as_json:
        print(json.dumps(row), flush=True)
        return
    if head:
        print(*("%11s" % name.replace("ft_", "") for name in row), flush=True)
    print(*("%11s" % ("%.1f" % value if isinstance(value, float) else value)
            for value in row.values()), flush=True)


@contextlib.contextmanager
def own_cgroup():
    """Moves this process, and so its children, into a new one; its path below the mount."""
    mounts = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    top = next(pathlib.Path(mount[1]) for mount in mounts if mount[2] == "cgroup2")
    was = re.search(r"^0::/(.*)$", pathlib.Path("/proc/self/cgroup").read_text(), re.M)[1]
    own = top / ("flowtrace-soak-%d" % os.getpid())
    own.mkdir()
    (own / "cgroup.procs").write_text("0")
    try:
        yield "/" + own.name
    finally:
        (top / was / "cgroup.procs").write_text("0")
        own.rmdir()


def soak(directory, cgroup, options):
    (directory / (MODULE + ".py")).write_text(SOURCE)
    subprocess.run([harness.PYTHON, "-S", "-E", "-c", "import " + MODULE], cwd=directory, check=True)
    errors = directory / "errors"
    with open(errors, "w") as file:
        collector = subprocess.Popen([BUILD / "bin" / "flowtrace-bpf", "--all", "--cgroup", cgroup, "-P", MODULE,
                                      "--no-args", "--no-result", "-o", "-"], stdout=subprocess.PIPE,
                                     stderr=file)
    trace = Trace(collector.stdout)
    harness.wait_for("hooks", lambda: "attached after" in errors.read_text(), 60)
    programs, began, rows = Programs(directory, options.rate), time.monotonic(), []
    try:
        for minute in range(1, options.minutes + 1):
            time.sleep(max(0, began + 60 * minute - time.monotonic()))
            rows.append(state(collector.pid, programs, trace, minute))
            show(rows[-1], options.json, not rows[1:])
    finally:
        programs.over = True
        programs.join()
        time.sleep(1)
        collector.send_signal(signal.SIGINT)
        collector.wait(60)
        trace.join()
    share = trace.seen / max(1, programs.made)
    print("%d programs (%d failed) made %d calls, of which %d are in the trace (%.3f %%); lost: %s" % (
        programs.ended, programs.failed, programs.made, trace.seen, 100 * share,
        dict(trace.lost) or "none"))
    grown = not_flat(rows)
    print("flat" if not grown else "NOT FLAT: " + ", ".join(grown))
    return 1 if grown else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minutes", nargs="?", type=int, default=20)
    parser.add_argument("--rate", type=float, default=20, help="programs a second")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, own_cgroup() as cgroup:
        return soak(pathlib.Path(name), cgroup, options)


if __name__ == "__main__":
    sys.exit(main())
