# SPDX-License-Identifier: MIT
"""flowctl grep: the same lines as Python finds, byte for byte."""
import io
import json
import subprocess

import harness
import make_trace
import pytest
from conftest import FLOWCTL, lines_of
from test_where import CALLS, calls_of

LINES = [
    (["KeyError"], lambda line, e: b"KeyError" in line),
    (["-v", "KeyError"], lambda line, e: b"KeyError" not in line),
    (["-i", "keyERROR|RING_"], lambda line, e: b"KeyError" in line or b"ring_" in line),
    (["-F", "[1, 2, 3]"], lambda line, e: b"[1, 2, 3]" in line),
    (["größe"], lambda line, e: "größe".encode() in line),
    (["-e", "\"EXIT\"", "-w", "durationMicros>1ms"],
     lambda line, e: b'"EXIT"' in line and e.get("durationMicros", 0) > 1000),
    (["-w", "durationMicros>1000 and module=shop.* and not event=EXIT"],
     lambda line, e: e.get("durationMicros", 0) > 1000 and
     e.get("module", "").startswith("shop.") and e["event"] != "EXIT"),
    (["-w", "event=HTTP_* and (status_code>=500 or method=POST)"],
     lambda line, e: e["event"].startswith("HTTP_") and
     (e.get("status_code", 0) >= 500 or e["method"] == "POST")),
    (["-w", "truncatedFields.args.originalLength=2048"],
     lambda line, e: e.get("truncatedFields", {}).get("args", {}).get("originalLength") == 2048),
    (["-w", "count>=1 and reason~^value"], lambda line, e: e.get("reason") == "value_too_long"),
]


def found(flowctl, *args):
    return flowctl("grep", *args)[0].encode().splitlines(keepends=True)


@pytest.mark.parametrize("args, judge", LINES)
def test_lines(flowctl, trace, args, judge):
    lines = trace.read_bytes().splitlines(keepends=True)
    expected = [line for line in lines if judge(line, json.loads(line))]
    assert found(flowctl, *args, trace) == expected
    assert 0 < len(expected) < len(lines)
    assert flowctl("grep", "--count", *args, trace)[0] == "%d\n" % len(expected)
    assert flowctl.json("grep", "--count", *args, trace)["count"] == len(expected)
    assert found(flowctl, *args, "-n", 3, trace) == expected[:3]
    assert len(found(flowctl, *args, "-n", 5, "--pretty", trace)) == min(5, len(expected))


def kin(calls, chosen, callers, callees):
    """The spans that are kept: a caller or a callee counts when it is open as its call begins."""
    kept = set(chosen)
    for span in chosen:
        while callers and calls[span]["parent"] in calls:
            span = calls[span]["parent"]
            kept.add(span)
    below = set(chosen)
    for span, call in calls.items() if callees else ():
        if call["parent"] in below:
            below.add(span)
    return kept | below


@pytest.mark.parametrize("options", [["-C"], ["--with-callers"], ["--with-callees"],
                                     ["--with-callers", "--with-callees"]])
@pytest.mark.parametrize("condition, judge", CALLS[2:6])
def test_whole_calls(flowctl, trace, condition, judge, options):
    lines = trace.read_bytes().splitlines(keepends=True)
    calls = calls_of(lines)
    kept = kin(calls, {span for span, call in calls.items() if judge(call)},
               "--with-callers" in options, "--with-callees" in options)
    expected = [line for line in lines if json.loads(line).get("span") in kept]
    assert found(flowctl, "-w", condition, *options, trace) == expected
    assert 0 < len(expected) < len(lines)


def test_whole_calls_by_pattern(flowctl, trace):
    """One of the lines has it; the condition is about all of them."""
    lines = trace.read_bytes().splitlines(keepends=True)
    having = {json.loads(line).get("span") for line in lines if b"KeyError" in line}
    calls = calls_of(lines)
    kept = {span for span in having if span and calls[span]["durationMicros"] > 2000}
    assert found(flowctl, "-C", "-e", "KeyError", "-w", "durationMicros>2ms", trace) == \
        [line for line in lines if json.loads(line).get("span") in kept]
    assert 0 < len(kept) < len(having)


def test_the_output_is_a_trace_again(flowctl, trace):
    """A pipe of two: what is found is as good as the condition itself."""
    piped = flowctl("grep", "-w", "module=billing", trace)[0].encode()
    assert flowctl.json("stats", "-", stdin=piped)["rows"] == \
        [row for row in flowctl.json("stats", "-", "--where", "module=*", stdin=piped)["rows"]
         if row["module"] == "billing"] != []


def test_pretty(flowctl, tmp_path):
    call = {"module": "m", "class": "m.A", "function": "f", "thread": "T", "pid": 1, "tid": 2,
            "span": 3, "parent": 0}
    path = tmp_path / "t"
    path.write_bytes(lines_of(
        {"timestamp": 0, "event": "ENTER", "args": "{\"a\": 1}", **call},
        {"timestamp": 9, "event": "EXCEPTION", "durationMicros": 9,
         "exception": {"type": "KeyError", "message": "x"}, **call},
        {"timestamp": 9, "event": "EXIT", "result": "3", "durationMicros": 1500, **call},
        {"timestamp": 9, "event": "HTTP_RESPONSE", "request_id": "r", "method": "GET",
         "path": "/a", "status_code": 500, "durationMicros": 7, "pid": 1, "tid": 2},
        {"timestamp": 9, "event": "LOST", "count": 4, "reason": "ring_full"},
        {"timestamp": 9, "event": "custom\n", "x": 1}))
    lines = flowctl("grep", "--pretty", ".", path, TZ="UTC")[0].splitlines()
    assert lines[:5] == [
        "1970-01-01 00:00:00.000000 T 1/2  ENTER  m.A.f  {\"a\": 1}",
        "1970-01-01 00:00:00.000009 T 1/2  EXCEPTION  m.A.f  KeyError: x  9 µs",
        "1970-01-01 00:00:00.000009 T 1/2  EXIT  m.A.f = 3  1.50 ms",
        "1970-01-01 00:00:00.000009 1/2  HTTP_RESPONSE  GET /a  500  7 µs  r",
        "1970-01-01 00:00:00.000009 0/0  LOST  4 events: ring_full"]
    assert "custom\\n" in lines[5] and len(lines) == 6


def test_wrong_usage(flowctl, trace):
    flowctl.refused("grep", trace, status=2, says=["missing operand: PATTERN and TRACE"])
    flowctl.refused("grep", "-w", "lost", status=2, says=["missing operand: [PATTERN]"])
    flowctl.refused("grep", "a(b", trace, status=2, says=["pattern, column 4: missing closing"])
    flowctl.refused("grep", "-w", "x", trace, status=2, says=["^x"])
    flowctl.refused("grep", "-C", "x", "-", stdin=b"{}", says=["standard input is not a file"])
    flowctl.refused("grep", "-C", "-f", "x", trace, status=2, says=["omit --follow"])
    flowctl.refused("grep", "x", "/dev/null", says=["is empty"])


def test_follow_prints_at_once(flowctl, tmp_path):
    """A line is there when it was written, not when the trace ends."""
    path = tmp_path / "t"
    path.write_bytes(b"")
    event = {"timestamp": 1, "event": "LOST", "count": 1, "reason": "a"}
    with subprocess.Popen([FLOWCTL, "grep", "-f", "LOST", path], stdout=subprocess.PIPE) as process:
        try:
            for _ in range(3):
                with open(path, "ab") as out:
                    out.write(lines_of(event, {**event, "event": "other", "reason": "b"}))
                assert json.loads(process.stdout.readline()) == event
        finally:
            process.kill()


def test_memory_is_that_of_what_is_found(tmp_path):
    """Ten times the trace and the same few calls found: no more memory."""
    peaks = []
    for events in (20_000, 200_000):
        out = io.BytesIO()
        make_trace.make(out, events, seed=3)
        path = tmp_path / str(events)
        path.write_bytes(out.getvalue())
        peaks.append(harness.peak_memory(FLOWCTL, "grep", "-C", "-w",
                                         "module=billing and tid=5001 and span~77$", path)[0])
    assert peaks[1] < peaks[0] + 4096, peaks
