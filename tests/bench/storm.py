#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench storm: short programs that come and go under --follow, and what the collector spends.

Two interpreters in turn, started by a program that is traced too: its own calls show whether the
ring was read all the time.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import harness  # noqa: E402 - from tests/

BUILD = pathlib.Path(os.environ.get("FLOWTRACE_BUILD", ROOT / "build"))


def interpreters():
    """Two commands that start different ones."""
    found = [i for i in harness.interpreters() if i.root is None and not i.why_not()]
    return [" ".join(i.argv()) for i in (found[0], found[-1])]


def cpu_s(pid):
    """What a process has spent, all its threads that are there."""
    tasks = pathlib.Path("/proc/%d/task" % pid).glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def peak_kib(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path("/proc/%d/status" % pid).read_text())[1])


def events(path):
    """Of the whole lines so far."""
    return map(json.loads, path.read_bytes().split(b"\n")[:-1]) if path.exists() else []


def results(path, function):
    """What it returned each time."""
    return [e["result"] for e in events(path) if e["event"] == "EXIT" and e["function"] == function]


def lost(path):
    """By reason."""
    count = collections.Counter()
    for event in events(path):
        if event["event"] == "LOST":
            count[event["reason"]] += event["count"]
    return count


def storm(tracer, rate, seconds, directory):
    """Once under that collector."""
    output = directory / "trace.jsonl"
    output.unlink(missing_ok=True)
    driver = subprocess.Popen([harness.own_python(), harness.TARGETS / "storm.py", str(rate),
                               str(seconds), *interpreters()], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    driver.stdout.readline()
    errors = directory / "errors"
    with open(errors, "w") as file:
        collector = subprocess.Popen([tracer, "-f", "-P", "__main__", "-o", output, "-p",
                                      str(driver.pid)], stderr=file)
    harness.wait_for("hooks", lambda: "attached after" in errors.read_text(), 30)
    driver.stdin.write("\n")
    driver.stdin.flush()
    harness.wait_for("both are hooked", lambda: set(results(output, "stays")) == {"0", "1"}, 30, 0.2)
    before, late = cpu_s(collector.pid), lost(output)["late"]
    driver.stdin.write("\n")
    driver.stdin.flush()
    started, took = driver.stdout.readline().split()
    spent, peak = cpu_s(collector.pid) - before, peak_kib(collector.pid)
    driver.stdin.close()
    if driver.wait(20) or collector.wait(20):
        raise SystemExit("bench: it failed: %s" % errors.read_text())
    first, missing = len(results(output, "first")), lost(output)
    return {"started": int(started), "seconds": round(float(took), 1), "traced": first,
            "late": missing.pop("late", 0) - late, "other losses": dict(missing), "beats": len(results(output, "beat")),
            "cpu_s": round(spent, 3), "cpu_ms_each": round(1e3 * spent / int(started), 2),
            "peak_mib": round(peak / 1024, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--rate", type=int, default=100, help="programs a second")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--against", help="another collector, for comparison")
    parser.add_argument("--rounds", type=int, default=1, help="of all that are compared")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tracers = [BUILD / "bin" / "flowtrace-bpf", *filter(None, [options.against])]
    with tempfile.TemporaryDirectory() as name:
        for _ in range(options.rounds):
            for tracer in tracers:
                row = storm(tracer, options.rate, options.seconds, pathlib.Path(name))
                if options.json:
                    print(json.dumps({"collector": str(tracer), **row}), flush=True)
                else:
                    print(tracer, *("%s %s" % pair for pair in row.items()), sep="\n    ",
                          flush=True)


if __name__ == "__main__":
    main()
