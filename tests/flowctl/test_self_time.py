# SPDX-License-Identifier: MIT
"""Self time is time that a call ran: what is suspended waits, on every command."""
import collections
import csv
import io
import json
import random

import harness
import pytest
from conftest import FLOWCTL, lines_of

WALL = 1060
TASKS = 20


def event(kind, at, span, name, parent=0, **more):
    return {"timestamp": 1_000_000 + at, "event": kind, "thread": "T", "module": "m", "class": "m",
            "function": name, "file": "/m.py", "line": 1, "pid": 7, "tid": 7, "span": span,
            "parent": parent, "args": "{}", "result": "null", "request_id": "r1", **more}


def leave(at, began, span, name, parent=0):
    return event("EXIT", at, span, name, parent, durationMicros=at - began)


def story():
    """Twenty tasks wait together, then each computes for 25 microseconds in its turn."""
    events = [event("HTTP_REQUEST", 0, 0, "", method="GET", path="/"),
              event("ENTER", 0, 1, "loop")]
    for i in range(TASKS):
        events.append(event("ENTER", 1 + i, 10 + i, "fetch", 1))
    for i in range(TASKS):
        at = 500 + 27 * i
        events += [event("ENTER", at, 100 + i, "compute", 10 + i),
                   leave(at + 25, at, 100 + i, "compute", 10 + i),
                   leave(at + 26, 1 + i, 10 + i, "fetch", 1)]
    return lines_of(*events, leave(WALL, 0, 1, "loop"),
                    event("HTTP_RESPONSE", WALL, 0, "", method="GET", path="/", status_code=200,
                          durationMicros=WALL))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("self") / "t.jsonl"
    path.write_bytes(story())
    return path


def by_stats(flowctl, path):
    return {row["function"]: row["selfMicros"] for row in flowctl.json("stats", path)["rows"]}


def by_module(flowctl, path):
    (row,) = flowctl.json("stats", "--by", "module", path)["rows"]
    return {"compute": TASKS * 25, "fetch": 0, "all": row["selfMicros"] - TASKS * 25}


def by_tree(flowctl, path):
    (tree,) = flowctl.json("tree", path)["trees"]
    return {node["function"]: node["selfMicros"] for node in tree["nodes"]}


def summed(pairs):
    got = collections.Counter()
    for name, micros in pairs:
        got[name] += micros
    return got


def by_slow(flowctl, path):
    calls = flowctl.json("slow", "-n", 1000, path)["calls"]
    return summed((call["function"], call["selfMicros"]) for call in calls)


def by_folded(flowctl, path):
    lines = flowctl("export", "--to", "folded", path)[0].splitlines()
    return summed((line.split()[0].split(";")[-1][2:], int(line.split()[1])) for line in lines)


def by_csv(flowctl, path):
    text = flowctl("export", "--to", "csv", path)[0]
    return summed((row["function"], int(row["self_us"])) for row in csv.DictReader(io.StringIO(text)))


def by_requests(flowctl, path):
    (request,) = flowctl.json("requests", "--slow", 1, path)["slow"]
    return {top["function"]: top["selfMicros"] for top in request["functions"]}


def by_speedscope(flowctl, path):
    data = json.loads(flowctl("export", "--to", "speedscope", path)[0])
    (profile,), got, stack, last = data["profiles"], collections.Counter(), [], 0
    for step in profile["events"]:
        if stack:
            got[data["shared"]["frames"][stack[-1]]["name"][2:]] += step["at"] - last
        last = step["at"]
        stack = stack + [step["frame"]] if step["type"] == "O" else stack[:-1]
    return got


@pytest.mark.parametrize("of", [by_stats, by_module, by_tree, by_slow, by_folded, by_csv,
                                by_requests, by_speedscope])
def test_what_is_suspended_does_not_run(flowctl, path, of):
    got = of(flowctl, path)
    assert sum(got.values()) <= WALL
    assert got["compute"] == TASKS * 25
    assert got["fetch"] <= 2 * TASKS


def test_wait_is_what_is_left(flowctl, path):
    rows = {row["function"]: row for row in flowctl.json("stats", path)["rows"]}
    fetch = rows["fetch"]
    assert fetch["totalMicros"] == fetch["selfMicros"] + fetch["waitMicros"] + TASKS * 25
    assert rows["compute"]["waitMicros"] == rows["loop"]["waitMicros"] == 0
    assert [row["function"] for row in flowctl.json("stats", path)["rows"]][0] == "compute"
    (call, *_) = flowctl.json("slow", "-n", 2, path, "-w", "function=fetch")["calls"]
    assert call["waitMicros"] == call["durationMicros"] - call["selfMicros"] - 25
    assert "wait" in flowctl("tree", path)[0].splitlines()[0]
    assert "wait" in flowctl("stats", path)[0].splitlines()[0]


def test_a_context_manager_does_not_have_the_time_of_its_body(flowctl, tmp_path):
    path = tmp_path / "t"
    path.write_bytes(lines_of(
        event("ENTER", 0, 1, "main"), event("ENTER", 10, 2, "manager", 1),
        event("ENTER", 12, 3, "body", 1), leave(900, 12, 3, "body", 1),
        leave(903, 10, 2, "manager", 1), leave(905, 0, 1, "main")))
    got = by_stats(flowctl, path)
    assert got["body"] == 888 and got["manager"] <= 5 and sum(got.values()) <= 905


def test_generated_traces_add_up(flowctl, trace):
    """Where calls only nest, the self times of all are the time of the outermost."""
    ended = {}
    for line in trace.read_bytes().splitlines():
        seen = json.loads(line)
        if seen["event"] == "EXIT":
            ended[seen["span"]] = seen
    outermost = sum(e["durationMicros"] for e in ended.values() if e["parent"] not in ended)
    rows = flowctl.json("stats", trace)["rows"]
    assert 0 < sum(row["selfMicros"] for row in rows) <= outermost


def of_run(text, number):
    """The same story as another run tells it: the same process, other spans."""
    events = [json.loads(line) for line in text.splitlines()]
    for one in events:
        for key in ("span", "parent"):
            one[key] += (number << 32) * bool(one[key])
    return lines_of(*events)


@pytest.mark.parametrize("of", [by_stats, by_tree, by_slow, by_folded, by_csv])
def test_runs_of_the_same_pid_do_not_suspend_one_another(flowctl, path, tmp_path, of):
    """As two containers have: merged, and each after the other in one file."""
    paths = [tmp_path / "0", tmp_path / "1"]
    for number, to in enumerate(paths):
        to.write_bytes(of_run(story(), 3 + number))
    flowctl("merge", *paths, "-o", tmp_path / "merged")
    (tmp_path / "appended").write_bytes(b"".join(to.read_bytes() for to in paths))
    once = of(flowctl, path)
    twice = {name: 2 * once[name] for name in once}
    assert of(flowctl, tmp_path / "merged") == twice
    assert of(flowctl, tmp_path / "appended") == twice


def test_spans_that_are_all_random_take_no_memory(tmp_path):
    """Another writer's: each call would be a run of its own."""
    peaks = []
    for calls in (5_000, 40_000):
        path = tmp_path / str(calls)
        path.write_bytes(b"".join(
            lines_of(event("ENTER", i, i << 33, "f"), leave(i, i, i << 33, "f"))
            for i in range(1, calls)))
        peaks.append(harness.peak_memory(FLOWCTL, "stats", path)[0])
    assert peaks[1] < peaks[0] + 2048, peaks


class Thread:
    """A thread of a made-up program: what runs on it, and what of it is suspended. Times are in
    nanoseconds, as a writer has them before it cuts them. greenlets: stacks that it switches among."""

    def __init__(self, chance, number, run, greenlets):
        self.chance, self.number, self.run = chance, number, run
        self.stacks, self.suspended, self.spans = [[] for _ in range(greenlets)], [], 0
        self.stack, self.events = self.stacks[0], []

    def tell(self, kind, at, call, **more):
        self.events.append(event(
            kind, 0, call["span"], call["name"], call["parent"], timestamp=at // 1000,
            thread="T%d" % self.number, pid=7, tid=7 + self.number, **more))

    def begin(self, at):
        self.spans += 1
        call = {"span": (self.run << 32) + (self.number << 24) + self.spans, "at": at,
                "name": self.chance.choice("abcdefgh"), "suspends": self.chance.random() < 0.5,
                "parent": self.stack[-1]["span"] if self.stack else 0}
        self.stack.append(call)
        self.tell("ENTER", at, call)

    def end(self, at):
        call, more = self.stack.pop(), {}
        took = {"durationMicros": (at - call["at"]) // 1000}
        if self.chance.random() < 0.2:
            more = {"exception": {"type": "E", "message": ""}}
            self.tell("EXCEPTION", at, call, **took, **more)
        self.tell("EXIT", at, call, **took, **more)

    def step(self, at):
        what = self.chance.random()
        if what < 0.35 and len(self.stack) < 8:
            self.begin(at)
        elif what < 0.5 and self.stack and self.stack[-1]["suspends"]:
            self.suspended.append(self.stack.pop())
        elif what < 0.65 and self.suspended:
            self.stack.append(self.suspended.pop(self.chance.randrange(len(self.suspended))))
        elif what < 0.9 and self.stack:
            self.end(at)
        elif what > 0.95:
            self.stack = self.chance.choice(self.stacks)


def made_up(seed):
    """Events of a program, and for each thread the time from its first to its last."""
    chance, events, wall = random.Random(seed), [], collections.Counter()
    for run in range(1, chance.choice([2, 2, 3])):  # in one file, with the same numbers
        at, span = chance.choice([10 ** 12, 10 ** 12 * run]), chance.choice([400, 2000, 30_000])
        threads = [Thread(chance, n, run, chance.choice([1, 1, 3])) for n in range(chance.choice([1, 3]))]
        told = []
        for _ in range(chance.choice([20, 60, 300])):
            at += chance.randrange(span) + (chance.random() < 0.1) * 20 * span
            thread = chance.choice(threads)
            before = len(thread.events)
            thread.step(at)
            told += thread.events[before:]
        for thread in threads:
            if thread.events:
                wall["T%d" % thread.number] += (thread.events[-1]["timestamp"] -
                                                thread.events[0]["timestamp"])
        if chance.random() < 0.2:  # ends that could not be recorded
            lost = [e for e in told if e["event"] == "EXIT" and chance.random() < 0.1]
            told = [e for e in told if e not in lost]
            told.append({"timestamp": at // 1000, "event": "LOST", "count": len(lost),
                         "reason": "ring_full"})
        events += told
    return events, wall


def pieces(trace):
    """What `--to chrome` draws on each thread's track: {name of the thread: [(from, to)]}."""
    tracks = collections.defaultdict(list)
    for step in trace["traceEvents"]:
        if step["ph"] == "X":  # the digits below a microsecond order what has the same time
            begin = round(step["ts"] * 1000)
            tracks["T%d" % (step["tid"] - 7)].append((begin, begin + round(step["dur"] * 1000)))
    return tracks


@pytest.mark.parametrize("seed", range(40))
def test_a_threads_self_times_are_within_its_own(flowctl, tmp_path, seed):
    """Generators, greenlets, threads, runs, exceptions, losses, ends that never come."""
    events, wall = made_up(seed)
    path = tmp_path / "t"
    path.write_bytes(lines_of(*events))
    rows = flowctl.json("stats", "--by", "thread", path)["rows"]
    assert all(row["selfMicros"] <= wall[row["name"].split()[0]] for row in rows)
    for tree in flowctl.json("tree", path)["trees"]:
        assert sum(node["selfMicros"] for node in tree["nodes"]) <= wall[tree["thread"]]
    every = by_stats(flowctl, path)
    for of in (by_slow, by_folded, by_csv):
        got = of(flowctl, path)
        assert sum(got.values()) <= sum(wall.values())
        assert all(got[name] <= every[name] for name in got)
    for spans in pieces(json.loads(flowctl("export", "--to", "chrome", path)[0])).values():
        open_until = []
        for begin, end in sorted(spans, key=lambda one: (one[0], -one[1])):
            while open_until and open_until[-1] <= begin:
                open_until.pop()
            assert not open_until or end <= open_until[-1]  # they nest
            open_until.append(end)
