# SPDX-License-Identifier: MIT
"""What tracing costs programs: CPU time of some work, traced from outside and from inside in turn."""

import os
import statistics
import subprocess
import sys
import time

import rows
import traced
from traced import harness

sys.path.append(str(traced.ROOT / "agent_ext"))
import intree  # noqa: E402 - from agent_ext/

PROGRAMS = {  # module in workloads/: (prefix that asks for it, times a pass, what it needs)
    "richards": ("workloads.richards", 4, "sys"),
    "deltablue": ("workloads.deltablue", 6, "sys"),
    "document": ("docutils", 1, "docutils"),
}
PASSES = 2
INSIDE = ("cProfile", "sys.setprofile", "agent")
BARE, COUNTED, REJECTED, ASKED, DEFAULT = "bare", "count only", "rejected", "-P it", "no -P"
COLUMNS = (
    ("cpu", "CPU", 2, "ms of the process, all its threads, for the work"),
    ("bare", "/ bare", 2, "times that of the bare program"),
    ("count", "/ count", 2, "times that under a program that only counts calls"),
    ("calls", "calls", 0, "that were traced"),
    ("lost", "lost", 0, "events, in all rounds"),
    ("collector", "collector", 2, "ms of CPU of the collector for the work"),
)


class Program:
    """One that does its work when it is asked to, pinned to one core."""

    def __init__(self, name, log):
        self.prefix, self.times, _ = PROGRAMS[name]
        self.log = log
        package = intree.BUILD / "system"
        path = os.pathsep.join((str(traced.ROOT / "tests/bench"), str(package)))
        self.process = harness.start(
            [harness.own_python(), "-B", "-m", "workloads.run", name, self.prefix, log],
            env=harness.environment(PYTHONPATH=path, WORKLOAD_PAGE=str(traced.ROOT / "docs/attach.md")),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        os.sched_setaffinity(self.pid, {0})
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit("bench: no " + name)

    def once(self, how):
        self.process.stdin.write("%s %d\n" % (how, self.times))
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def best(self, how="plain"):
        """ms of CPU: what disturbs can only add."""
        return min(self.once(how) for _ in range(PASSES))

    def inside(self, how):
        cpu = self.best(how)
        self.log.unlink(missing_ok=True)
        return {"cpu": cpu}

    def counted(self):
        counter = traced.Counter(self.pid)
        cpu = self.best()
        counter.close()
        return {"cpu": cpu}

    def collected(self, prefix, output):
        collector = traced.Collector(self.pid, prefix, output)
        self.once("plain")  # what is new is described
        before = traced.cpu_ns(collector.pid)
        cpu = self.best()
        time.sleep(0.05)  # it reads every 10 ms
        spent = (traced.cpu_ns(collector.pid) - before) / 1e6 / self.times / PASSES
        events, lost = collector.close()
        output.unlink()
        return {"cpu": cpu, "collector": spent, "lost": lost,
                "calls": (events + lost) / 2 / self.times / (1 + PASSES)}

    def one_round(self, output):
        """{how: figures}"""
        return {BARE: {"cpu": self.best()}, **{how: self.inside(how) for how in INSIDE},
                COUNTED: self.counted(), REJECTED: self.collected("no_such_module", output),
                ASKED: self.collected(self.prefix, output), DEFAULT: self.collected(None, output)}

    def close(self):
        harness.kill_session(self.process)


def middle(rounds, how, fn):
    return statistics.median(fn(one[how], one) for one in rounds)


def add_rows(table, name, rounds):
    for how in rounds[0]:
        cells = {"cpu": middle(rounds, how, lambda mine, _: mine["cpu"]),
                 "bare": middle(rounds, how, lambda mine, one: mine["cpu"] / one[BARE]["cpu"])}
        if "lost" in rounds[0][how]:
            cells["count"] = middle(rounds, how, lambda mine, one: mine["cpu"] / one[COUNTED]["cpu"])
            for key in ("calls", "collector"):
                cells[key] = middle(rounds, how, lambda mine, _, key=key: mine[key])
            cells["lost"] = sum(one[how]["lost"] for one in rounds)
        table.add("%s: %s" % (name, how), **cells)


def table_of(directory, number):
    system = next(i for i in harness.interpreters() if i.name == "system")
    why = intree.build([system])[system]
    table = rows.Table("a program", COLUMNS)
    if why is not None:
        print("bench: no programs: %s" % why, file=sys.stderr)
        return table
    for name, (_, _, needed) in PROGRAMS.items():
        if harness.run([harness.own_python(), "-c", "import " + needed])[0]:
            print("bench: no %s" % needed, file=sys.stderr)
            continue
        program, rounds = Program(name, directory / "inside.jsonl"), []
        try:
            for n in range(number):
                traced.say("%s: round %d of %d" % (name, n + 1, number))
                rounds.append(program.one_round(directory / "program.jsonl"))
        finally:
            program.close()
        add_rows(table, name, rounds)
    traced.say("")
    return table
