# SPDX-License-Identifier: MIT
"""What a call costs from outside, against the least that any tracer can pay.

A round measures the same calls with nothing attached, under other tracers, under a program that only
counts at the same two places, and under collectors. A figure is the median of what the rounds found,
each against its own count: a trap does not cost the same for long.
"""

import statistics
import time

import rows
import traced
from traced import bpf_objects

COUNT_NS = 36  # a hit of the counting program, where the bounds were set
CALLS = {"dict": 150, "str": 2000}  # a pass: their records fit the ring; of others:
MOST_CALLS = 10000
PASSES = 3

# name: (kind of call, prefix, options); kinds are target.py's.
CASES = {
    "rejected": ("rejected", "no_such_module", ()),
    "accepted": ("accepted", "asked", ()),
    "rejected, one open": ("rejected,open", "asked", ()),
    "accepted, one open": ("accepted,open", "asked", ()),
    "a str of 1 KB": ("str", "asked", ()),
    "a float": ("float", "asked", ()),
    "a list of 10 ints": ("list", "asked", ()),
    "a dict of 64 dicts": ("dict", "asked", ()),
    "accepted, no values": ("accepted", "asked", ("--no-args", "--no-result")),
}
BPF_BOUNDS = {"rejected": 150, "rejected, one open": 200, "accepted": 900,
              "a dict of 64 dicts": 85000}  # ns above counting
RATIO_BOUNDS = {"rejected": 1.18, "rejected, one open": 1.22, "accepted": 1.80}  # to counting, CPU
COLLECTOR_BOUND = 1000  # ns of CPU, an accepted call
PEERS = ("cProfile", "sys.setprofile", "sys.monitoring")
COLUMNS = (
    ("cpu", "CPU", 0, "ns of the process a call"),
    ("above", "above", 0, "ns of it above the program that only counts"),
    ("ratio", "/ count", 2, "times that program's; < its bound, ! = over it"),
    ("bpf", "in BPF", 0, "ns in BPF programs above the counting one's; ~ where that takes "
     "%d ns a hit; < its bound" % COUNT_NS),
    ("collector", "collector", 0, "ns of CPU of the collector a call"),
)


def calls_of(kind):
    return CALLS.get(kind, MOST_CALLS)


def best(target, kind):
    """ns a call: what disturbs can only add."""
    return min(target.ns_per_call(kind, calls_of(kind)) for _ in range(PASSES))


def programs_during(work, pid):
    """{program: (runs, ns)} of that process while the work is done."""
    with bpf_objects.timed():
        before = dict(bpf_objects.programs(pid))
        work()
        after = bpf_objects.programs(pid)
    return {name: (now.runs - before[name].runs, now.ns - before[name].ns)
            for name, now in after if now.runs != before[name].runs}


def in_bpf(target, kind, pid):
    """{program: (runs a call, ns a call)} of that process."""
    calls = calls_of(kind)
    found = programs_during(lambda: target.ns_per_call(kind, calls), pid)
    return {name: (runs / calls, ns / calls) for name, (runs, ns) in found.items()}


def total_ns(programs):
    return sum(ns for _, ns in programs.values())


class Rounds:
    """Of one target, and of these cases."""

    def __init__(self, python, directory, names):
        self.target, self.output = traced.Target(python), directory / "calls.jsonl"
        self.kinds = {"rejected", *(CASES[name][0] for name in names)}
        self.nothing, self.count = [], []
        self.peers, self.cases = {name: [] for name in PEERS}, {name: [] for name in names}
        self.attach_ms, self.steps_ms, self.peak_kib, self.lost = [], [], 0, 0
        for kind in sorted(self.kinds):
            best(self.target, kind)

    def close(self):
        self.target.close()

    def one(self):
        self.nothing.append(self.target.ns_per_call("rejected", 500000))
        for peer in PEERS:
            self.peers[peer].append(self.target.ns_per_call(peer, 100000))
        if traced.Bpftrace.here():
            self.bpftraced()
        self.count.append(self.counted())
        for asked in dict.fromkeys(CASES[name][1:] for name in self.cases):
            self.collected(*asked)

    def counted(self):
        """{kind: ns a call}, and of the counting program: hits a call, ns in BPF a call."""
        counter = traced.Counter(self.target.pid)
        found = {kind: best(self.target, kind) for kind in self.kinds}
        (hits, ns), = in_bpf(self.target, "rejected", counter.pid).values()
        if hits < 2 or counter.close()[0] < 2 * MOST_CALLS * PASSES:
            raise SystemExit("bench: the counting program did not see every call")
        return {**found, "hits": hits, "bpf": ns}

    def bpftraced(self):
        peer = traced.Bpftrace(self.target.pid)
        ns = best(self.target, "rejected")
        seen = {event for event, n in peer.close().items() if n >= MOST_CALLS}
        if seen:
            self.peers.setdefault("bpftrace, counting: " + " and ".join(sorted(seen)), []).append(ns)

    def collected(self, prefix, options):
        collector = traced.Collector(self.target.pid, prefix, self.output, *options)
        self.attach_ms.append(collector.attach_ms)
        self.steps_ms.append(collector.steps_ms())
        events = 0
        for name in self.cases:
            kind = CASES[name][0]
            if CASES[name][1:] == (prefix, options):
                self.cases[name].append(self.one_case(kind, collector.pid))
                if prefix == "asked":
                    events += self.events_of(kind)
        self.lost += traced.accounted(collector, self.output, events)
        self.peak_kib = max(self.peak_kib, collector.peak_kib)
        self.output.unlink()

    def one_case(self, kind, pid):
        self.target.ns_per_call(kind, 100)
        before = traced.cpu_ns(pid)
        found = {"cpu": best(self.target, kind)}
        time.sleep(0.05)  # it reads every 10 ms
        found["collector"] = (traced.cpu_ns(pid) - before) / calls_of(kind) / PASSES
        found["programs"] = in_bpf(self.target, kind, pid)
        return found

    @staticmethod
    def events_of(kind):
        """What one_case() makes, with the call of the loop where that is asked for too."""
        passes = 2 + PASSES
        calls = 0 if kind == "rejected,open" else 100 + calls_of(kind) * (1 + PASSES)
        return 2 * (calls + (passes if kind.endswith(",open") else 0))


# ---- what follows from the rounds ---------------------------------------------------------------


def middle(values):
    return statistics.median(values)


def hit_ns(count):
    return count["bpf"] / count["hits"]


def case_cells(name, found, counts):
    """The cells of a case: what each round found and what counting took in the same round."""
    kind = CASES[name][0]
    pairs = list(zip(found, counts))
    bpf = [total_ns(one["programs"]) - count["bpf"] for one, count in pairs]
    scaled = [ns * COUNT_NS / hit_ns(count) for ns, count in zip(bpf, counts)]
    return {
        "cpu": middle(one["cpu"] for one in found),
        "above": middle(one["cpu"] - count[kind] for one, count in pairs),
        "ratio": rows.Cell(middle(one["cpu"] / count[kind] for one, count in pairs),
                           RATIO_BOUNDS.get(name)),
        "bpf": rows.Cell(middle(bpf), BPF_BOUNDS.get(name), middle(scaled)),
        "collector": rows.Cell(middle(one["collector"] for one in found),
                               COLLECTOR_BOUND if name == "accepted" else None),
    }


def table_of(rounds):
    table = rows.Table("a call", COLUMNS)
    table.add("nothing attached", cpu=middle(rounds.nothing))
    for peer, found in rounds.peers.items():
        if any(found):
            table.add(peer, cpu=middle(found))
    table.add("count only", cpu=middle(one["rejected"] for one in rounds.count),
              bpf=middle(one["bpf"] for one in rounds.count))
    for name, found in rounds.cases.items():
        table.add(name, **case_cells(name, found, rounds.count))
    return table


def machine_of(rounds):
    table = rows.Table("the machine", (
        ("hits", "hits", 2, "of the program that only counts, a call"),
        ("trap", "a trap", 0, "ns of CPU that a hit adds"),
        ("hit", "in BPF", 1, "ns of it in that program"),
    ))
    table.add("", hits=middle(count["hits"] for count in rounds.count),
              trap=middle((count["rejected"] - nothing) / count["hits"]
                          for count, nothing in zip(rounds.count, rounds.nothing)),
              hit=middle(hit_ns(count) for count in rounds.count))
    return table


def programs_of(rounds):
    """What each BPF program takes."""
    table = rows.Table("in BPF, a call", (
        ("runs", "runs", 2, "a call"), ("ns", "ns", 0, "a call"), ("each", "each", 0, "ns a run")))
    for case, found in rounds.cases.items():
        for program in sorted(found[0]["programs"]):
            of = [one["programs"][program] for one in found if program in one["programs"]]
            runs, ns = middle(runs for runs, _ in of), middle(ns for _, ns in of)
            if runs > 0.1:
                table.add("%s: %s" % (case, program), runs=runs, ns=ns, each=ns / runs)
    return table


def measure(python, directory, number, names=CASES, label=""):
    rounds = Rounds(python, directory, names)
    try:
        for n in range(number):
            traced.say("%scalls: round %d of %d" % (label, n + 1, number))
            rounds.one()
    finally:
        rounds.close()
        traced.say("")
    return rounds
