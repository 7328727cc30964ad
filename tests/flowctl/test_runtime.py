# SPDX-License-Identifier: MIT
"""Lines of runtime events: known, kept out of calls, shown, found, counted and exported."""
import json

import event_schema
import harness
from conftest import lines_of

GOLDEN = harness.REPO / "tests/replay/runtime.expected.jsonl"
START = 1_700_000_000_000_000


def call(kind, at, span, name, parent=0, **more):
    event = {"timestamp": START + at, "event": kind, "thread": "T", "module": "m",
             "function": name, "class": "m", "file": "/m.py", "line": 1, "pid": 7, "tid": 1,
             "span": span, "parent": parent, **more}
    if kind == "EXIT":
        event.setdefault("result", "null")
    return event


def collection(at, took, parent, generation=2):
    return {"timestamp": START + at, "event": "GC", "thread": "T", "generation": generation,
            "collected": 13, "durationMicros": took, "durationMillis": took // 1000, "pid": 7,
            "tid": 1, "parent": parent}


def test_they_are_counted(flowctl):
    assert flowctl.json("check", GOLDEN)["kinds"]["GC"] == 3
    out, _ = flowctl("check", GOLDEN, status=0)
    assert out.startswith("the trace is whole: 8 events: 2 calls begun, 2 ended")
    assert ", 3 GC\n" in out


def test_they_are_shown(flowctl):
    shown = flowctl("grep", "--pretty", "-w", "event=GC", GOLDEN, TZ="UTC")[0].splitlines()
    assert [line.split("  ", 1)[1] for line in shown] == [
        "GC  generation=0 collected=12  40 µs",
        "GC  generation=2 collected=4711  1.50 ms",
        "GC  collected=0  10 µs"]


def test_conditions_know_their_numbers(flowctl):
    def found(condition):
        return flowctl("grep", "--count", "-w", condition, GOLDEN)[0]
    assert found("event=GC and generation=2") == "1\n"
    assert found("collected>10") == found("generation") == "2\n"
    assert found("event=GC and durationMicros>1ms") == "1\n"
    assert found("event=GC and request_id=a-1") == "1\n"


def test_they_are_no_calls(flowctl, tmp_path):
    """What is said of calls is the same with them."""
    without = tmp_path / "without.jsonl"
    kept = [line for line in GOLDEN.read_text().splitlines(True) if '"event": "GC"' not in line]
    without.write_text("".join(kept))
    assert len(kept) == 5
    for what in ["stats", "tree", "slow", "errors", "requests"]:
        ours, other = (of_calls(flowctl.json(what, path)) for path in (GOLDEN, without))
        assert ours == other, what


def of_calls(answer):
    """Without what is of lines."""
    if isinstance(answer, dict):
        return {key: of_calls(value) for key, value in answer.items()
                if key not in ("events", "lines", "trace", "traceLine")}
    return [of_calls(one) for one in answer] if isinstance(answer, list) else answer


def exported(flowctl, tmp_path, *events):
    path = tmp_path / "t.jsonl"
    path.write_bytes(lines_of(*events))
    for line in path.read_text().splitlines():
        if '"GC"' in line:
            event_schema.check(line)
    return json.loads(flowctl("export", "--to", "chrome", path)[0])["traceEvents"]


def test_perfetto_has_them_among_the_calls(flowctl, tmp_path):
    """Each lies within the call around it, and before the next one."""
    events = exported(flowctl, tmp_path,
                      call("ENTER", 0, 1, "f"), collection(50, 40, 1),
                      call("ENTER", 50, 2, "g", 1), collection(51, 1, 2),
                      call("EXIT", 60, 2, "g", 1, durationMicros=10),
                      call("EXIT", 100, 1, "f", durationMicros=100))
    slices = {}
    for event in events:
        if event["ph"] == "X":
            slices.setdefault(event["name"], []).append((event["ts"], event["ts"] + event["dur"]))
    first, second = slices["GC"]
    (f,), (g,) = slices["m.f"], slices["m.g"]
    assert f[0] < first[0] < first[1] < g[0] < second[0] < second[1] < g[1] < f[1]
    assert 39.9 < first[1] - first[0] < 40.1
    assert all(event["args"] == {"generation": 2, "collected": 13} and event["cat"] == "runtime"
               for event in events if event["name"] == "GC")


def test_perfetto_has_one_with_calls_in_it_aside(flowctl, tmp_path):
    """A finalizer ran."""
    events = exported(flowctl, tmp_path,
                      call("ENTER", 20, 2, "__del__"),
                      call("EXIT", 30, 2, "__del__", durationMicros=10),
                      collection(50, 40, 0, None))
    begin, end = [event for event in events if event["name"] == "GC"]
    assert (begin["ph"], end["ph"]) == ("b", "e") and begin["id"] == end["id"]
    assert end["ts"] - begin["ts"] == 40 and begin["args"] == {"collected": 13}
