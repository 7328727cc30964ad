# SPDX-License-Identifier: MIT
"""flowctl tree against the same tree built here."""
import collections
import json
import random
import re

import harness
import make_trace
import pytest
from conftest import FLOWCTL, lines_of
from test_where import CALLS, calls_of


def name_of(call):
    return call["class"] + "." + call["function"]


def key_of(call):
    return (name_of(call), call["file"], call["line"])


def build(lines, judge=lambda call: True, inside=lambda call: True, begins=lambda call: True,
          thread=lambda call: (call["pid"], call["tid"])):
    """{(thread, path of functions): [calls, total, self, max, exceptions, unfinished]}"""
    calls = calls_of(lines)
    paths, own = {}, {}
    tree = collections.defaultdict(lambda: [0] * 6)
    for line in lines:
        event = json.loads(line)
        span, call = event.get("span"), calls.get(event.get("span"))
        if event["event"] == "ENTER":
            own[span] = 0
            above = paths.get(event["parent"])
            if inside(call) and (above or begins(call)):
                paths[span] = (above or (thread(call),)) + (key_of(call),)
                tree[paths[span]][5] += call["event"] == "ENTER" and judge(call)
        elif event["event"] == "EXIT":
            spent, below, path = event["durationMicros"], own.pop(span), paths.pop(span, None)
            if event["parent"] in own:
                own[event["parent"]] += spent
            if path and judge(call):
                row = tree[path]
                row[0] += 1
                row[1] += spent
                row[2] += max(0, spent - below)
                row[3] = max(row[3], spent)
                row[4] += "exception" in event
    return {path: row for path, row in tree.items()
            if any(tuple(other[:len(path)]) == path and (tree[other][0] or tree[other][5])
                   for other in ([path] if row[0] or row[5] else tree))}


def tree_of(got):
    """The same from `tree --json`."""
    tree = {}
    for root in got["trees"]:
        paths = {0: ((root["pid"], root["tid"]) if root["thread"] is not None else None,)}
        for node in root["nodes"]:
            path = paths[node["parent"]] + ((node["name"], node["file"], node["line"]),)
            paths[node["id"]] = path
            assert node["depth"] == len(path) - 1 and path not in tree
            assert node["meanMicros"] == (node["totalMicros"] / node["calls"] if node["calls"]
                                          else 0)
            tree[path] = [node[name] for name in ("calls", "totalMicros", "selfMicros",
                                                  "maxMicros", "exceptions", "unfinished")]
    return tree


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("tree") / "t.jsonl"
    with open(path, "wb") as out:
        make_trace.make(out, 6000, seed=11, threads=5, functions=9)
    return path


@pytest.fixture(scope="module")
def lines(small):
    return small.read_bytes().splitlines()


def test_by_thread(flowctl, small, lines):
    expected = build(lines)
    assert tree_of(flowctl.json("tree", small)) == expected
    assert len({path[0] for path in expected}) == 5 and len(expected) > 500
    assert sum(row[4] for row in expected.values()) and sum(row[5] for row in expected.values())
    assert any(row[0] > 5 for row in expected.values())


def test_threads_together(flowctl, small, lines):
    got = flowctl.json("tree", "--together", small)
    assert len(got["trees"]) == 1
    assert tree_of(got) == build(lines, thread=lambda call: None)


@pytest.mark.parametrize("thread, tids", [("5001", [5001]), ("4000/5002", [5002]),
                                          ("MainThread", [5000]), ("Bearb*_3", [5003]),
                                          ("*_?", [5001, 5002, 5003, 5004])])
def test_one_thread(flowctl, small, lines, thread, tids):
    expected = build(lines, inside=lambda call: call["tid"] in tids)
    assert tree_of(flowctl.json("tree", "-t", thread, small)) == expected != {}


def test_one_request(flowctl, small, lines):
    sizes = collections.Counter(json.loads(line).get("request_id") for line in lines)
    wanted = next(name for name, _ in sizes.most_common() if name)
    expected = build(lines, inside=lambda call: call.get("request_id") == wanted)
    got = flowctl.json("tree", "--request", wanted, small)
    assert tree_of(got) == expected != {}
    answer = [json.loads(line) for line in lines if b"HTTP_" in line and wanted.encode() in line]
    assert got["request"]["path"] == answer[-1]["path"]
    assert got["request"]["status_code"] == answer[-1].get("status_code", 0)
    assert answer[-1]["path"] in flowctl("tree", "--request", wanted, small)[0].splitlines()[0]


def test_one_function(flowctl, small, lines):
    call = max(calls_of(lines).values(), key=lambda c: c["line"])
    for name in (call["function"], name_of(call), "*." + call["function"]):
        expected = build(lines, begins=lambda c: c["function"] == call["function"])
        assert tree_of(flowctl.json("tree", "-F", name, small)) == expected != {}


@pytest.mark.parametrize("condition, judge", CALLS)
def test_where(flowctl, small, lines, condition, judge):
    expected = build(lines, judge=judge)
    assert tree_of(flowctl.json("tree", "-w", condition, small)) == expected


def test_depth_and_least_time(flowctl, small, lines):
    expected = build(lines)
    got = tree_of(flowctl.json("tree", "--depth", 3, small))
    assert got == {path: row for path, row in expected.items() if len(path) <= 4}
    middle = sorted(row[1] for row in expected.values())[len(expected) // 2]
    for least, text in ((2000, "2ms"), (middle, "%dus" % middle), (middle, "%d000ns" % middle),
                        (middle + 1, "%d001ns" % middle)):
        worth = {path for path, row in expected.items() if row[1] >= least or row[5]}
        worth = {path[:i] for path in worth for i in range(2, len(path) + 1)}
        got = tree_of(flowctl.json("tree", "--min", text, small))
        assert got == {path: row for path, row in expected.items() if path in worth}
        assert 0 < len(got) < len(expected)


@pytest.mark.parametrize("sort, field", [("total", "totalMicros"), ("self", "selfMicros"),
                                         ("calls", "calls"), ("order", "id")])
def test_sort(flowctl, small, sort, field):
    children = collections.defaultdict(list)
    for root in flowctl.json("tree", "--sort", sort, small)["trees"]:
        for node in root["nodes"]:
            figure = node[field] + (node["unfinished"] if sort == "calls" else 0)
            children[root["tid"], node["parent"]].append(figure)
    assert any(len(set(figures)) > 3 for figures in children.values())
    for figures in children.values():
        assert figures == sorted(figures, reverse=sort != "order")


def call(span, parent, name, start, end, **more):
    """The lines of one call without what it calls: [(time, event)]."""
    common = {"thread": "T", "module": "m", "function": name, "class": "m", "file": "f", "line": 1,
              "pid": 1, "tid": 1, "span": span, "parent": parent}
    leave = {"timestamp": end, "event": "EXIT", "result": more.pop("result", "null"),
             "durationMicros": end - start, **common, **more}
    return [{"timestamp": start, "event": "ENTER", "args": "{\"n\": %d}" % span, **common}, leave]


def story():
    error = {"exception": {"type": "KeyError", "message": "x"}}
    main, work = call(1, 0, "main", 0, 9000), [call(2 + i, 1, "work", 1000 * i, 1000 * i + 900)
                                               for i in range(4)]
    close, bad = call(8, 1, "close", 5000, 5100), call(9, 8, "flush", 5010, 5090, **error)
    after = call(10, 0, "after", 9500, 9600)
    return [main[0], *(e for pair in work for e in pair), close[0], bad[0], bad[1], close[1],
            main[1], after[0]]


def test_text(flowctl, tmp_path):
    path = tmp_path / "t"
    path.write_bytes(lines_of(*story()))
    assert flowctl("tree", path)[0].splitlines() == [
        "    total      self      wait",
        "T (pid 1, tid 1)",
        "  9.00 ms   5.30 ms            m.main",
        "  3.60 ms   3.60 ms            ├─ m.work x 4  mean 900 µs  max 900 µs",
        "   100 µs     20 µs            └─ m.close",
        "    80 µs     80 µs               └─ m.flush  raised KeyError",
        "                               m.after  unfinished 1"]
    assert flowctl("tree", "--values", "-d2", path)[0].splitlines()[2:4] == [
        "  9.00 ms   5.30 ms            m.main  {\"n\": 1} = null",
        "  3.60 ms   3.60 ms            ├─ m.work x 4  mean 900 µs  max 900 µs  {\"n\": 2} = null"]
    assert flowctl("tree", "-w", "function=flush", path)[0].splitlines()[2:] == [
        "                               m.main",
        "                               └─ m.close",
        "    80 µs     80 µs               └─ m.flush  raised KeyError"]


def test_every_call(flowctl, tmp_path):
    path = tmp_path / "t"
    path.write_bytes(lines_of(*story()))
    lines = flowctl("tree", "--every", path, TZ="UTC")[0].splitlines()
    head = "1970-01-01 00:00:00.%06d T 1/1"
    assert lines[0] == head % 0 + "  > m.main"
    assert lines[1:5] == [head % (1000 * i) + "      m.work  900 µs" for i in range(4)]
    assert lines[5:] == [head % 5000 + "    > m.close",
                         head % 5010 + "        m.flush  raised KeyError: x  80 µs",
                         head % 5100 + "    < m.close  100 µs",
                         head % 9000 + "  < m.main  9.00 ms",
                         head % 9500 + "  > m.after"]
    lines = flowctl("tree", "--every", "--values", "-F", "close", "-d", 1, path)[0].splitlines()
    assert [line.split("1/1")[1] for line in lines] == ["    m.close {\"n\": 8} = null  100 µs"]
    got = [json.loads(line) for line in flowctl("tree", "--every", "-j", path)[0].splitlines()]
    assert [(e["event"], e["name"], e["depth"], e["timestamp"]) for e in got] == [
        (e["event"], "m." + e["function"], {0: 1, 1: 2, 8: 3}[e["parent"]], e["timestamp"])
        for e in story()]


def test_every_call_of_a_long_trace(flowctl, trace):
    """One line where a call's two follow each other, two where not."""
    events = [json.loads(line) for line in trace.read_bytes().splitlines()]
    events = [e for e in events if e["event"] in ("ENTER", "EXIT")]
    whole = sum(a["span"] == b["span"] for a, b in zip(events, events[1:]))
    lines = flowctl("tree", "--every", trace)[0].splitlines()
    assert len(lines) == len(events) - whole and whole > 1000


def test_too_many_ways_are_counted_together(flowctl, tmp_path):
    """More different ways through a program than are kept, and deeper than is kept: no call is
    missing from the sums, and memory is bounded."""
    chance, events, span = random.Random(3), [], 0
    for _ in range(40):
        stack = []
        for _ in range(1500):
            span += 1
            common = {"module": "m", "function": "f%d" % chance.randrange(4), "span": span,
                      "parent": stack[-1]["span"] if stack else 0}
            stack.append(common)
            events.append({"timestamp": span, "event": "ENTER", **common})
        for common in reversed(stack):
            events.append({"timestamp": span, "event": "EXIT", "durationMicros": 1, **common})
    path = tmp_path / "t"
    path.write_bytes(lines_of(*events))
    got = flowctl.json("tree", path)
    nodes = [node for root in got["trees"] for node in root["nodes"]]
    assert sum(node["calls"] for node in nodes) == span
    assert max(node["depth"] for node in nodes) == 1001
    assert got["countedTogether"] == sum(n["calls"] for n in nodes if n["name"] is None) > 10000
    text = flowctl("tree", path)[0]
    assert "(many functions)" in text and "were counted together" in text
    # What is not to be seen takes nobody's place.
    got = flowctl.json("tree", "--depth", 5, path)
    depths = [node["depth"] for root in got["trees"] for node in root["nodes"]]
    assert got["countedTogether"] == 0 and max(depths) == 5
    assert [sum(n["calls"] for root in got["trees"] for n in root["nodes"] if n["depth"] == depth)
            for depth in range(1, 6)] == [40] * 5


def test_memory_is_bounded(tmp_path):
    """Every call another way: twice the trace is no more memory once the bound is reached."""
    peaks = []
    for calls in (300_000, 600_000):
        path = tmp_path / "t"
        with open(path, "w", encoding="utf-8") as out:
            for i in range(calls):
                span, up = 2 * i + 2, 2 * i + 1
                call = '{"timestamp": 1, "event": "%s", "function": "%s", "span": %d, "parent": %d}\n'
                a, b = "f%d" % (i % 1000), "g%d" % (i // 1000)
                out.write(call % ("ENTER", a, up, 0) + call % ("ENTER", b, span, up))
                out.write(call % ("EXIT", b, span, up) + call % ("EXIT", a, up, 0))
        peaks.append(harness.peak_memory(FLOWCTL, "tree", "--values", path)[0])
    assert peaks[1] < peaks[0] + 8192 and peaks[1] < 160 * 1024, peaks


def test_what_is_not_there(flowctl, small):
    flowctl.refused("tree", small, "-t", "nobody", says=["no call of a thread \"nobody\""])
    flowctl.refused("tree", small, "-F", "nothing", says=["no call of a function \"nothing\""])
    flowctl.refused("tree", small, "-r", "none", says=["no call for a request \"none\""])
    flowctl.refused("tree", small, "--min", "5", status=2, says=["--min takes a duration"])
    flowctl.refused("tree", small, "--min", "5ms", "-e", status=2, says=["omit --min"])
    flowctl.refused("tree", small, "-w", "x", status=2, says=["^x"])


def test_names_stay_on_their_line(flowctl, tmp_path):
    path = tmp_path / "t"
    path.write_bytes(lines_of(*call(1, 0, "a\n\033[31m", 0, 5)))
    for options in ([], ["--every"], ["--values"]):
        text = flowctl("tree", path, *options)[0]
        assert not re.search("[\0-\x09\x0b-\x1f]", text) and "\\x1b[31m" in text
