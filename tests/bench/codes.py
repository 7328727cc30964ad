#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench codes: what a call of a function that was not asked for costs where there are many.

One process with that many functions, each called in turn; and many processes with fewer each, one
process after the other, in CPU time. With --against FILE another collector takes turns with ours.
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import bpf_objects  # noqa: E402 - from tests/
import harness  # noqa: E402 - from tests/

BUILD = pathlib.Path(os.environ.get("FLOWTRACE_BUILD", ROOT / "build"))
CASES = [(1, 100), (1, 32768), (1, 60000), (1, 200000), (200, 1000)]  # processes, functions of each
CALLS = 200000
MANY, BOUND = 60000, 1.25  # a call of that many functions / one of the fewest

# Makes functions, then children that have them; for each line all call them in turn, one child after
# the other, and the mean time of a call is the answer.
PROGRAM = """
import os, sys, time
processes, functions, calls = map(int, sys.argv[1:])
names = {}
for first in range(0, functions, 1000):
    exec("\\n".join("def f%d(): pass" % n for n in range(first, min(first + 1000, functions))), names)
every = [names["f%d" % n] for n in range(functions)]
rounds = max(1, calls // (processes * functions))
def once():
    start = time.thread_time_ns()
    for _ in range(rounds):
        for f in every:
            f()
    return time.thread_time_ns() - start
def serve(asked, answered):
    while os.read(asked, 1):
        os.write(answered, b"%20d" % once())
    os._exit(0)
children = []
for _ in range(processes if processes > 1 else 0):
    (asked, ask), (answer, answered) = os.pipe(), os.pipe()
    if not os.fork():
        for end in (ask, answer, *sum(children, ())):
            os.close(end)
        serve(asked, answered)
    os.close(asked)
    os.close(answered)
    children.append((ask, answer))
def all_in_turn():
    total = 0 if children else once()
    for ask, answer in children:
        os.write(ask, b".")
        total += int(os.read(answer, 20))
    return total / (processes * functions * rounds)
print("ready", flush=True)
for line in sys.stdin:
    print(all_in_turn(), flush=True)
"""


class Target:
    """The processes, all on one core."""

    def __init__(self, processes, functions):
        argv = ["taskset", "-c", "0", harness.PYTHON, "-c", PROGRAM, processes, functions, CALLS]
        self.process = harness.start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        self.calls = processes * functions * max(1, CALLS // (processes * functions))

    def ns_per_call(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        harness.kill_session(self.process)


def measure(tracer, target, pids, directory):
    """(ns a call, those in BPF, KiB of all maps) under that collector of these, nothing of it asked for."""
    with open(directory / "errors", "w+") as errors:
        collector = subprocess.Popen(["taskset", "-c", str(os.cpu_count() - 1), tracer, "-f", "-P",
                                      "no_such_module", "-o", "/dev/null", "-p",
                                      ",".join(map(str, pids))], stderr=errors)
        text = directory / "errors"
        harness.wait_for("hooks", lambda: "attached after" in text.read_text(), 60)
        target.ns_per_call()
        ns = min(target.ns_per_call() for _ in range(2))
        with bpf_objects.timed():
            before = bpf_objects.run_ns(collector.pid)
            target.ns_per_call()
            in_bpf = (bpf_objects.run_ns(collector.pid) - before) / target.calls
        kib = bpf_objects.kib(collector.pid)
        collector.send_signal(signal.SIGINT)
        if collector.wait(60):
            raise SystemExit("bench: it failed: %s" % text.read_text())
    return ns, in_bpf, kib


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--against", help="another collector, for comparison")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", type=int, help="only that one, from 0")
    options = parser.parse_args()
    tracers = [BUILD / "bin" / "flowtrace-bpf", *filter(None, [options.against])]
    cases = CASES if options.case is None else [CASES[options.case]]
    ns = {}
    with tempfile.TemporaryDirectory() as name:
        for processes, functions in cases:
            target = Target(processes, functions)
            found = {tracer: [] for tracer in tracers}
            for _ in range(options.rounds):
                for tracer in tracers:
                    found[tracer].append(measure(tracer, target, [target.process.pid],
                                                 pathlib.Path(name)))
            target.close()
            for tracer, rows in found.items():
                row = {"processes": processes, "functions": functions, "collector": str(tracer),
                       "ns": round(statistics.median(ns for ns, _, _ in rows)),
                       "ns_in_bpf": round(statistics.median(ns for _, ns, _ in rows)),
                       "maps_mib": round(max(kib for _, _, kib in rows) / 1024, 1)}
                ns[processes, functions, tracer] = row["ns"]
                if options.json:
                    print(json.dumps(row), flush=True)
                else:
                    print("%4d x %6d functions %8d ns a call, %6d in BPF %8.1f MiB of maps  %s" % (
                        processes, functions, row["ns"], row["ns_in_bpf"], row["maps_mib"], tracer), flush=True)
    few, many = (ns.get((1, functions, tracers[0])) for functions in (CASES[0][1], MANY))
    if few is None or many is None:
        return 0
    row = {"functions": MANY, "ratio": round(many / few, 3), "bound": BOUND,
           "ok": many / few <= BOUND}
    print(json.dumps(row) if options.json else "%d functions against %d: %s" % (MANY, CASES[0][1], row))
    return 0 if row["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
