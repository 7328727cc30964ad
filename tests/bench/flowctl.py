#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench flowctl: how long reading a trace of 10,000,000 events takes, and how much memory.

The trace is that of tests/flowctl/make_trace.py; the peak is what the kernel says of the process
(VmHWM in /proc) just before it ends. With --verify the figures of `stats` are computed again in
Python, which takes a minute or two.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "flowctl"))
import figures  # noqa: E402 - from tests/flowctl
import make_trace  # noqa: E402

FLOWCTL = ROOT / "build" / "bin" / "flowctl"
COMMANDS = ("stats", "check", "slow", "errors", "tree", "requests")
LIMITS = {"stats": (20.0, 100.0)}  # seconds, MiB; the aim for the time is 10


def peak_kib(pid):
    """VmHWM of a process; 0 once it has no memory any more."""
    try:
        with open("/proc/%d/status" % pid) as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def measure(command, path):
    """(seconds, MiB, what it printed)."""
    with tempfile.TemporaryFile() as out:
        began, peak = time.monotonic(), 0
        with subprocess.Popen([FLOWCTL, command, "--json", path], stdout=out) as process:
            while process.poll() is None:
                peak = max(peak, peak_kib(process.pid))
                time.sleep(0.01)
        spent = time.monotonic() - began
        if process.returncode:
            sys.exit("flowctl %s: status %d" % (command, process.returncode))
        out.seek(0)
        return spent, peak / 1024, json.load(out)


def differing(got, path):
    """Rows of stats in which a figure is not what Python computes."""
    with open(path, "rb") as trace:
        expected = figures.compute(trace)
    wrong = len({figures.key_of_row("function", row) for row in got["rows"]} ^ set(expected))
    for row in got["rows"]:
        want = expected[figures.key_of_row("function", row)]
        tolerance = 1 / 256 if row["approximate"] else 0
        wrong += any(abs(row[name] - value) > value * (tolerance if name[0] == "p" else 0)
                     for name, value in want.items())
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--verify", action="store_true", help="compute stats in Python too")
    options = parser.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory(prefix="flowtrace-bench-",
                                     dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        path = Path(folder) / "trace.jsonl"
        with open(path, "wb") as out:
            make_trace.make(out, options.events)
        size = path.stat().st_size
        for command in COMMANDS:
            rounds = [measure(command, path) for _ in range(options.rounds)]
            seconds = statistics.median(r[0] for r in rounds)
            peak = max(r[1] for r in rounds)
            most_seconds, most_mib = LIMITS.get(command, (None, None))
            over = most_seconds is not None and options.events >= 10_000_000 and (
                seconds > most_seconds or peak > most_mib)
            row = {"command": command, "events": options.events, "bytes": size,
                   "seconds": round(seconds, 2), "peakMiB": round(peak, 1), "over": over}
            if command == "stats" and options.verify:
                row["differing"] = differing(rounds[0][2], path)
                over = over or row["differing"] > 0
            missed += over
            if options.json:
                print(json.dumps(row), flush=True)
            else:
                print("%-8s %6.2f s  %6.1f MiB  %5.0f MB/s%s%s" % (
                    command, seconds, peak, size / seconds / 1e6,
                    "  %d rows differ" % row["differing"] if "differing" in row else "",
                    "  OVER %s s, %s MiB" % (most_seconds, most_mib) if over else ""), flush=True)
    return missed > 0


if __name__ == "__main__":
    sys.exit(main())
