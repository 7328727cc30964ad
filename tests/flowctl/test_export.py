# SPDX-License-Identifier: MIT
"""`flowctl export`: each format read by what people read it with, and computed again in Python."""
import collections
import csv
import io
import json
import os
import re

import browser
import harness
import make_trace
import pytest
from conftest import FLOWCTL, lines_of

FORMATS = ("chrome", "speedscope", "folded", "csv")
START = 1_700_000_000_000_000


def call(kind, at, span, name, parent=0, tid=1, **more):
    """An event of a call, `at` microseconds after the start."""
    event = {"timestamp": START + at, "event": kind, "thread": "T%d" % tid, "module": "m",
             "function": name, "class": "m", "file": "/m.py", "line": 1, "pid": 7, "tid": tid,
             "span": span, "parent": parent, **more}
    if kind == "EXIT":
        event.setdefault("result", "null")
    return event


# Two tasks below one loop: `one` waits while `two` begins, both call g() when it is their turn.
TASKS = (
    call("ENTER", 0, 1, "loop"),
    call("ENTER", 10, 2, "one", 1, args='{"n": 1}'),
    call("ENTER", 20, 3, "two", 1),
    call("ENTER", 30, 4, "g", 2), call("EXIT", 35, 4, "g", 2, durationMicros=5),
    call("ENTER", 40, 5, "g", 3), call("EXIT", 45, 5, "g", 3, durationMicros=5),
    call("EXIT", 50, 2, "one", 1, durationMicros=40),
    call("EXIT", 60, 3, "two", 1, durationMicros=40),
    call("EXIT", 70, 1, "loop", durationMicros=70),
)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    path = tmp_path_factory.mktemp("tasks") / "tasks.jsonl"
    path.write_bytes(lines_of(*TASKS))
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """So many different stacks that folded cannot keep them all."""
    path = tmp_path_factory.mktemp("large") / "large.jsonl"
    with open(path, "wb") as out:
        make_trace.make(out, 400_000, seed=3)
    return path


def export(flowctl, to, *traces):
    return flowctl("export", "--to", to, *traces)[0]


def events_of(path):
    with open(path, "rb") as lines:
        return [json.loads(line) for line in lines]


def own_time(path):
    """(call, its callers, its own microseconds) of all that ended, by the contract."""
    running, finished = {}, []
    for event in events_of(path):
        if event["event"] == "ENTER":
            caller = running.get(event["parent"])
            stack = (caller["stack"] if caller else ()) + (event["class"] + "." + event["function"],)
            running[event["span"]] = {"enter": event, "stack": stack, "children": 0}
        elif event["event"] == "EXIT":
            one = running.pop(event["span"])
            spent = event["durationMicros"]
            finished.append((one, event, max(0, spent - one["children"])))
            if event["parent"] in running:
                running[event["parent"]]["children"] += spent
    return finished


# ---- csv -------------------------------------------------------------------------------

def test_csv_has_a_row_for_each_call(flowctl, trace):
    rows = list(csv.DictReader(io.StringIO(export(flowctl, "csv", trace), newline="")))
    expected = own_time(trace)
    assert len(rows) == len(expected) > 1000
    for row, (one, event, own) in zip(rows, expected):
        error = event.get("exception", {"type": "", "message": ""})
        long = len(one["enter"]["args"].encode()) > 4096
        assert row == {
            "start_us": str(one["enter"]["timestamp"]), "duration_us": str(event["durationMicros"]),
            "self_us": str(own), "pid": str(event["pid"]), "tid": str(event["tid"]),
            "thread": event["thread"], "module": event["module"], "class": event["class"],
            "function": event["function"], "file": event["file"], "line": str(event["line"]),
            "span": str(event["span"]), "parent": str(event["parent"]),
            "request_id": event.get("request_id", ""),
            "args": row["args"] if long else one["enter"]["args"], "result": event["result"],
            "exception_type": error["type"], "exception_message": error["message"],
            "lost": str(int(event.get("lost", False))), "wait_us": "0"}
        assert one["enter"]["args"].startswith(row["args"])


def test_csv_of_texts_that_look_like_csv(flowctl, tmp_path):
    name = 'a,"b"\r\nc;=1\ttab \udc80'
    path = tmp_path / "t.jsonl"
    path.write_bytes(lines_of(call("ENTER", 0, 1, name, args=json.dumps({"x": name})),
                              call("EXIT", 1, 1, name, durationMicros=1)))
    (row,) = csv.DictReader(io.StringIO(export(flowctl, "csv", path), newline=""))
    assert row["function"] == name.replace("\udc80", "\ufffd")
    assert json.loads(row["args"]) == {"x": name}


# ---- folded ----------------------------------------------------------------------------

@pytest.mark.parametrize("which", ["trace", "large"])
def test_folded_adds_up_to_the_time_of_each_stack(flowctl, which, request):
    path = request.getfixturevalue(which)
    expected = collections.Counter()
    for one, _, own in own_time(path):
        expected[";".join(one["stack"])] += own
    got, lines = collections.Counter(), 0
    for line in export(flowctl, "folded", path).splitlines():
        stack, microseconds = re.fullmatch(r"(\S+) (\d+)", line).groups()
        got[stack] += int(microseconds)
        lines += 1
    assert got == +expected
    # What does not fit into memory is written in parts, which readers add up.
    assert lines > len(got) if which == "large" else lines == len(got)


# ---- chrome ----------------------------------------------------------------------------

def chrome(flowctl, *traces):
    return json.loads(export(flowctl, "chrome", *traces))["traceEvents"]


def assert_nested(pieces):
    """No two of a thread overlap but for one inside of the other, and no two moments are one."""
    ends, moments = [], []
    for piece in sorted(pieces, key=lambda event: event["ts"]):
        start, end = round(piece["ts"] * 1000), round((piece["ts"] + piece["dur"]) * 1000)
        moments += start, end
        while ends and ends[-1] < start:
            ends.pop()
        assert start < end and (not ends or end < ends[-1]), piece
        ends.append(end)
    assert len(set(moments)) == len(moments)


def by_thread(events):
    threads = collections.defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            threads[event["pid"], event["tid"]].append(event)
    return threads


def test_chrome_has_every_call_where_it_ran(flowctl, trace):
    events = chrome(flowctl, trace)
    for pieces in by_thread(events).values():
        assert_nested(pieces)
    whole = {e["args"]["span"]: e for e in events if e["ph"] == "X" and "unfinished" not in e["args"]}
    start = next(e["args"]["epochMicros"] for e in events if e["name"] == "trace_start")
    finished = own_time(trace)
    assert len(whole) == len(finished)
    for one, event, _ in finished:
        shown = whole[event["span"]]
        assert shown["name"] == event["class"] + "." + event["function"]
        assert int(shown["ts"]) == one["enter"]["timestamp"] - start
        assert abs(shown["dur"] - event["durationMicros"]) < 1
        assert shown["args"]["result"] == event["result"]
    lines = events_of(trace)
    kinds = collections.Counter(event["event"] for event in lines)
    cats = collections.Counter((event["ph"], event.get("cat")) for event in events)
    assert cats["i", "exception"] == kinds["EXCEPTION"] > 0
    assert cats["b", "http"] == kinds["HTTP_REQUEST"] > 0
    assert cats["e", "http"] == kinds["HTTP_RESPONSE"] > 0
    assert cats["i", "lost"] == kinds["LOST"] > 0
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert names == {(e["pid"], e["tid"]): e["thread"] for e in lines if "thread" in e}


def test_chrome_shows_tasks_in_pieces_and_whole(flowctl, tasks):
    events = chrome(flowctl, tasks)
    pieces = [e for e in events if e["ph"] == "X"]
    assert_nested(pieces)
    at = min(e["ts"] for e in pieces)
    assert sorted((int(e["ts"] - at), e["name"], round(e["dur"])) for e in pieces) == [
        (0, "m.loop", 70), (10, "m.one", 0), (20, "m.two", 0), (30, "m.g", 5), (30, "m.one", 5),
        (40, "m.g", 5), (40, "m.two", 5)]
    aside = {(e["ph"], e["name"]): e for e in events if e.get("cat") == "aside"}
    assert {key: int(e["ts"] - at) for key, e in aside.items()} == {
        ("b", "m.one"): 10, ("e", "m.one"): 50, ("b", "m.two"): 20, ("e", "m.two"): 60}
    assert aside["b", "m.one"]["args"]["args"] == '{"n": 1}'
    assert aside["b", "m.one"]["id"] == aside["e", "m.one"]["id"] != aside["b", "m.two"]["id"]


def test_moments_that_are_the_same_keep_their_order(flowctl, tmp_path, chromium):
    """Nested calls of no microsecond at all, which a reader that sorts would turn around."""
    path = tmp_path / "t.jsonl"
    enters = [call("ENTER", 5, span, "f%d" % span, span - 1) for span in range(1, 30)]
    exits = [call("EXIT", 5, span, "f%d" % span, span - 1, durationMicros=0)
             for span in range(29, 0, -1)]
    path.write_bytes(lines_of(*enters, *exits, *(
        {**event, "span": event["span"] + 100, "parent": event["parent"] and event["parent"] + 100}
        for event in enters + exits)))
    pieces = sorted((e for e in chrome(flowctl, path) if e["ph"] == "X"), key=lambda e: e["ts"])
    assert_nested(pieces)
    assert [e["name"] for e in pieces] == 2 * ["m.f%d" % span for span in range(1, 30)]
    out = tmp_path / "t.json"
    flowctl("export", path, "-o", out)
    assert browser.open_in_speedscope(chromium, out, tmp_path)[1] == []


def test_a_call_from_before_the_trace_is_aside(flowctl, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_bytes(lines_of(call("ENTER", 100, 2, "f"), call("EXIT", 110, 1, "old", durationMicros=60),
                              call("EXIT", 120, 2, "f", durationMicros=20)))
    events = chrome(flowctl, path)
    assert [e["name"] for e in events if e["ph"] == "X"] == ["m.f"]
    assert [e["name"] for e in events if e["ph"] in "be"] == ["m.old", "m.old"]


# ---- speedscope ------------------------------------------------------------------------

def test_speedscope_keeps_to_its_schema(flowctl, trace, tasks):
    jsonschema = pytest.importorskip("jsonschema")
    schema = browser.SPEEDSCOPE / "file-format-schema.json"
    if not schema.exists():
        pytest.skip("no speedscope: ./dev setup fetches it")
    for path in (trace, tasks):
        jsonschema.validate(json.loads(export(flowctl, "speedscope", path)),
                            json.loads(schema.read_text()))


def test_speedscope_shows_what_ran(flowctl, tasks):
    data = json.loads(export(flowctl, "speedscope", tasks))
    (profile,) = data["profiles"]
    frames = [frame["name"] for frame in data["shared"]["frames"]]
    assert profile["name"] == "T1 (pid 7, tid 1)"
    assert [(e["type"], frames[e["frame"]], e["at"]) for e in profile["events"]] == [
        ("O", "m.loop", 0), ("O", "m.one", 10), ("C", "m.one", 10), ("O", "m.two", 20),
        ("C", "m.two", 20), ("O", "m.one", 30), ("O", "m.g", 30), ("C", "m.g", 35),
        ("C", "m.one", 35), ("O", "m.two", 40), ("O", "m.g", 40), ("C", "m.g", 45),
        ("C", "m.two", 45), ("C", "m.loop", 70)]


def test_speedscope_of_threads_that_take_turns(flowctl, trace):
    data = json.loads(export(flowctl, "speedscope", trace))
    ended = collections.Counter(event["tid"] for _, event, _ in own_time(trace))
    assert len(data["profiles"]) == len(ended) == 8
    for profile in data["profiles"]:
        stack, last = [], profile["startValue"]
        for event in profile["events"]:
            assert event["at"] >= last
            last = event["at"]
            if event["type"] == "O":
                stack.append(event["frame"])
            else:
                assert stack.pop() == event["frame"]
        assert stack == []
        tid = int(re.search(r"tid (\d+)", profile["name"])[1])
        assert sum(e["type"] == "C" for e in profile["events"]) >= ended[tid]


# ---- what opens them -------------------------------------------------------------------

@pytest.mark.parametrize("to", ["chrome", "speedscope", "folded"])
def test_speedscope_opens_it(flowctl, chromium, to, trace, tasks, recorded, tmp_path):
    for path in (tasks, trace, *recorded):
        out = tmp_path / (path.stem + "." + to)
        flowctl("export", "-t", to, "-o", out, path)
        text, complaints = browser.open_in_speedscope(chromium, out, tmp_path)
        assert complaints == [], (out.name, complaints)
        if to == "folded":
            assert out.name in text
        else:
            threads = {event["tid"] for event in events_of(path) if event["event"] == "ENTER"}
            assert re.search(r"tid %d\)" % threads.pop() if len(threads) == 1
                             else r"\(1/%d\)" % len(threads), text), text


# ---- all of them -----------------------------------------------------------------------

def peak_kib(*args):
    return harness.peak_memory(FLOWCTL, *args)[0]


@pytest.mark.parametrize("to", FORMATS)
def test_memory_does_not_grow_with_the_trace(trace, large, to):
    small = peak_kib("export", "-t", to, trace)
    assert peak_kib("export", "-t", to, large) < small + (40 << 10 if to == "folded" else 4 << 10)


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("data, says", [
    (b"", "is empty"), (b"hello\n", "not JSON"), (b'{"event": "login"}\n', "none of FlowTrace's"),
    (bytes(range(256)) * 64, "looks binary")])
def test_what_is_no_trace_leaves_the_file_as_it_was(flowctl, tmp_path, to, data, says):
    path, out = tmp_path / "bad", tmp_path / "out"
    path.write_bytes(data)
    out.write_text("before")
    flowctl.refused("export", "-t", to, path, "-o", out, says=[says])
    assert out.read_text() == "before"
    assert sorted(tmp_path.iterdir()) == [path, out]


def test_where_it_goes(flowctl, trace, tmp_path):
    out = tmp_path / "out"
    flowctl("export", "-t", "csv", trace, "-o", out)
    assert out.read_bytes().decode() == export(flowctl, "csv", trace)
    assert out.stat().st_mode & 0o777 == 0o600
    before = trace.stat().st_size
    flowctl.refused("export", trace, "-o", trace, says=["is the trace itself"])
    flowctl.refused("report", trace, "-o", trace, says=["is the trace itself"])
    assert trace.stat().st_size == before
    flowctl.refused("export", trace, "-o", tmp_path, says=["is a directory"])
    flowctl.refused("export", trace, "-o", tmp_path / "no" / "out", says=["No such file"])
    flowctl.refused("export", trace, "-o", "/dev/full", says=["No space left"])
    flowctl.refused("export", trace, "--json", status=2, says=["needs -o FILE"])
    flowctl.refused("export", trace, "--to", "svg", status=2, says=["one of chrome|"])
    figures = flowctl.json("export", trace, "-o", out)
    assert figures["format"] == "chrome" and figures["calls"] > 1000


def test_a_full_disk_is_said_at_once(flowctl, tmp_path):
    """Not only with the next event, which may never come."""
    path = tmp_path / "t"
    path.write_bytes(lines_of(call("EXIT", 1, 0, "f", durationMicros=1, result="x" * 400_000)))
    flowctl.refused("export", "--follow", "--to", "csv", path, "-o", "/dev/full",
                    says=["No space left"])


def test_a_full_folder_for_temporary_files_is_said(flowctl, trace):
    flowctl.refused("export", "-t", "speedscope", trace, TMPDIR="/proc/none",
                    says=["/proc/none", "TMPDIR"])


def test_hostile_traces(flowctl, tmp_path):
    """Calls that are their own callers, times that go back, spans of two threads, no spans."""
    path = tmp_path / "t.jsonl"
    path.write_bytes(lines_of(
        call("ENTER", 50, 1, "a", 2), call("ENTER", 40, 2, "b", 1), call("ENTER", 30, 3, "c", 3),
        call("ENTER", 30, 4, "d", 1, tid=2), call("EXIT", 20, 2, "b", 1, tid=2, durationMicros=1),
        call("EXIT", 10, 9, "e", durationMicros=2 ** 63 - 1), call("EXIT", 11, 0, "f", durationMicros=1),
        call("ENTER", 12, 0, "g"), call("ENTER", 12, 1, "again"),
        {"timestamp": 2 ** 63 - 1, "event": "ENTER", "function": "late", "span": 5},
        {"timestamp": 0, "event": "EXIT", "function": "early", "span": 5, "durationMicros": 0},
        {"timestamp": 1, "event": "HTTP_RESPONSE"}, {"timestamp": 1, "event": "EXCEPTION"},
        call("EXIT", 60, 1, "a", 2, durationMicros=2 ** 63 - 1)))
    for to in FORMATS:
        text = export(flowctl, to, path)
        if to in ("chrome", "speedscope"):
            json.loads(text)
    for (pid, _), pieces in by_thread(chrome(flowctl, path)).items():
        if pid == 7:  # the others' times are too far away for a double
            assert_nested(pieces)


@pytest.mark.parametrize("to", FORMATS)
def test_it_is_utf8(flowctl, tmp_path, to):
    """Whatever the bytes of the trace's name, or the surrogates in that of a function."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jsonl")
    with open(path, "wb") as out:
        out.write(lines_of(call("ENTER", 1, 1, "\ud800"),
                           call("EXIT", 80, 1, "\ud800", durationMicros=79)))
    text = flowctl("export", "--to", to, path)[0]
    assert ("\\ud800" if to in ("chrome", "speedscope") else "\ufffd") in text
    assert "/\ufffd.jsonl" in text or to in ("folded", "csv")
    assert flowctl.json("slow", path)["calls"][0]["trace"].endswith("/\ufffd.jsonl")
