# SPDX-License-Identifier: MIT
"""What is no trace, or only in part; a trace that is still being written."""
import gzip
import io
import json
import random
import signal
import subprocess
import time

import harness
import make_trace
import pytest
from conftest import FLOWCTL, lines_of

COMMANDS = ("stats", "check", "slow", "errors", "tree", "tree --every", "requests", "grep x",
            "grep -C x")
LOST = {"timestamp": 1, "event": "LOST", "count": 3, "reason": "ring_full"}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("data, says", [
    (b"", "is empty"),
    (b"\n\r\n  \n", "is empty"),
    (b"hello\n", "is not a trace: line 1: not JSON"),
    (b'{"timestamp": 170000', "only a part of a line: line 1"),
    (b'[1, 2]\n{"a": 1}\n', "is JSON, but not a trace of FlowTrace: line 1: no FlowTrace event"),
    (b'{"event": "login"}\n', "none of FlowTrace's"),
    (b'{"timestamp": "now", "event": "ENTER", "function": "f"}\n', '"timestamp" is not a whole'),
    (b'{"event": "ENTER", "function": "f"}\n', 'it has no "timestamp"'),
    (bytes(range(256)) * 64, "looks binary"),
    (b"\x7fELF\x02\x01\x01" + bytes(9000), "looks binary"),
    (b"\x1f\x8b\x08 and nothing", "broken gzip data"),
    (gzip.compress(b"", mtime=0), "is empty"),
    (b"\x28\xb5\x2f\xfd" + b"x" * 40, "broken zstd data"),
    (b"\xff\xfe{\x00}\x00\n\x00", "looks binary"),
    (b"[" * 5_000_000, "part of a line: line 1: not JSON: it is nested too deeply"),
])
def test_what_is_no_trace(flowctl, tmp_path, command, data, says):
    path = tmp_path / "bad"
    path.write_bytes(data)
    flowctl.refused(*command.split(), path, says=[says, str(path)])
    flowctl.refused(*command.split(), path, "--json", says=[says])


def test_what_cannot_be_opened(flowctl, tmp_path):
    flowctl.refused("stats", tmp_path / "none", says=["cannot open", "No such file"])
    flowctl.refused("stats", tmp_path, says=["is a directory"])


def test_bad_lines_are_said_and_passed_over(flowctl, trace, tmp_path):
    lines = trace.read_bytes().splitlines(keepends=True)
    expected = flowctl.json("stats", trace)
    mixed = lines[:10] + [b"oops\n", b'{"a": 1}\n', b"\n"] + lines[10:] + [b"\xff\n"]
    path = tmp_path / "t"
    path.write_bytes(b"".join(mixed))
    out, errors = flowctl("stats", path, "--json")
    got = json.loads(out)
    assert got["rows"] == expected["rows"]
    assert got["badLines"] == 3 and got["lines"] == len(lines) + 4
    assert got["firstBadLine"] == {"file": str(path), "line": 11,
                                   "why": "not JSON: expected a JSON value (byte 1)"}
    assert errors.count("\n") == 1 and "3 of %d lines" % got["lines"] in errors
    assert "line 11 of" in errors
    assert flowctl.json("check", path, status=1)["holds"] is False


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_torn_last_line(flowctl, trace, tmp_path, cut):
    data = trace.read_bytes()
    path = tmp_path / "t"
    path.write_bytes(data[:-cut])
    out, errors = flowctl("check", path, "--json")
    got = json.loads(out)
    assert got["holds"] and got["badLines"] == 0
    if cut == 1:  # only the newline is missing
        assert got["events"] == 60_000 and not got["torn"] and errors == ""
    else:
        assert got["events"] == 59_999 and got["torn"]
        assert "cut off, or still being written" in errors and "line 60000" in errors


def test_a_time_without_a_tracer_is_a_note(flowctl):
    """A run that was killed, and the next one."""
    trace = harness.REPO / "tests/replay/states.expected.jsonl"
    got = flowctl.json("check", trace)
    assert got["holds"] and got["kinds"]["STATE"] == 3
    again, = [one for one in got["findings"] if one["finding"] == "attachedAgain"]
    assert (again["count"], again["fault"], again["first"][0]["line"]) == (1, False, 3)
    assert flowctl.json("check", "--strict", trace, status=1)["holds"] is False
    assert flowctl.json("stats", trace)["lost"] == 0
    shown = flowctl("grep", "--pretty", "detached", trace, TZ="UTC")[0]
    assert shown == "2023-11-14 22:13:20.006000 0/0  STATE  detached: signal\n"


def test_what_was_left_out_on_purpose_is_no_fault(flowctl):
    trace = harness.REPO / "tests/replay/sampled.expected.jsonl"
    got = flowctl.json("check", "--strict", trace)
    assert got["holds"] and got["kinds"]["SAMPLED"] == 2
    assert got["sampled"] == flowctl.json("stats", trace)["sampled"] == 5000000041
    assert "5000000041 left out on purpose" in flowctl("check", trace)[0]
    assert flowctl.json("stats", trace)["lost"] == 0
    shown = flowctl("grep", "--pretty", "SAMPLED", trace, TZ="UTC")[0].splitlines()
    assert shown[0].endswith("SAMPLED  41 left out: sample")


def test_torn_gzip(flowctl, trace, tmp_path):
    path = tmp_path / "t.gz"
    path.write_bytes(gzip.compress(trace.read_bytes())[:-5000])
    out, errors = flowctl("stats", path, "--json")
    assert 1000 < json.loads(out)["events"] < 60_000 and "still being written" in errors


def test_long_lines(flowctl, tmp_path):
    """One of 3 MiB, and one that is longer than any may be."""
    call = {"timestamp": 1, "event": "ENTER", "module": "m", "function": "f", "span": 1,
            "parent": 0, "args": "\"" * (3 << 19)}
    path = tmp_path / "t"
    path.write_bytes(lines_of(call) + b'{"event": "' + b"x" * (17 << 20) + b'"}\n' + lines_of(
        {**call, "event": "EXIT", "timestamp": 9, "durationMicros": 8, "args": None}))
    got = flowctl.json("slow", path)
    assert got["badLines"] == 1 and "16 MiB" in got["firstBadLine"]["why"]
    assert got["calls"][0]["durationMicros"] == 8 and got["calls"][0]["args"] == "\"" * 4096


def test_follow(flowctl, tmp_path):
    """Lines come in pieces, and only Ctrl-C ends it."""
    path = tmp_path / "t"
    path.write_bytes(b"")
    with subprocess.Popen([FLOWCTL, "check", "--follow", "--json", path], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=harness.environment()) as process:
        try:
            with open(path, "ab", buffering=0) as out:
                line = lines_of(LOST)
                for piece in (line, line[:20], line[20:] + line, line[:7]):
                    out.write(piece)
                    time.sleep(0.25)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=harness.PATIENCE)
        finally:
            process.kill()
    assert process.returncode == 0
    got = json.loads(out)
    assert got["lost"] == {"ring_full": 9} and got["torn"] and b"still being written" in errors


def verdict(line):
    """Is the line an event, by Python's reader and the rules of the contract?"""
    def refuse(_):
        raise ValueError
    if not line.strip(b" \t\r"):
        return None
    try:
        event = json.loads(line.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        return False
    for name in ("timestamp", "durationMicros", "span", "parent", "pid", "tid", "line", "count",
                 "status_code"):
        value = event.get(name)
        limit = 1 << (32 if name in ("pid", "tid", "line", "status_code") else 63)
        if value is not None and (type(value) is not int or not 0 <= value < limit):
            return False
    for name in ("thread", "module", "function", "class", "method", "file", "request_id", "path",
                 "reason", "state", "rule", "remote_addr", "user_agent", "fullLogFile"):
        if not isinstance(event.get(name, ""), (str, type(None))):
            return False
    kinds = ("ENTER", "EXIT", "EXCEPTION", "HTTP_REQUEST", "HTTP_RESPONSE", "LOST", "STATE", "SAMPLED")
    if event["event"] in kinds and event.get("timestamp") is None:
        return False
    return event["event"] not in kinds[:3] or not (event.get("function") is None and
                                                   event.get("method") is None)


def test_the_same_lines_are_bad_as_for_another_reader(flowctl, tmp_path):
    """Thousands of damaged lines, each judged by Python's json too; those on which a key came
    twice, or the exception or a flag was hit, are left to the unit tests."""
    chance = random.Random(5)
    out = io.BytesIO()
    make_trace.make(out, 4000, seed=5)
    lines = [line for line in out.getvalue().splitlines()
             if len(line) < 2000 and b"exception" not in line and b'"lost"' not in line]
    pieces = [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"0", b"-", b".", b"e", b"\xff",
              b"\xc3", b"\x00", b"\t", b" ", b"\\u12", b"\\ud800", b"null", b"1e5",
              b"\xe2\x82\xac", b"99999999999999999999", b"true"]
    damaged = []
    for line in lines:
        at, wide = chance.randrange(len(line) + 1), chance.choice((0, 0, 1, 1, 2, 9))
        damaged.append(line[:at] + chance.choice(pieces) + line[at + wide:])
    verdicts = [verdict(line) for line in damaged]
    assert verdicts.count(False) > 500 and verdicts.count(True) > 500
    path = tmp_path / "t"

    def wrong(some):
        path.write_bytes(b"".join(line + b"\n" for line, _ in some) + lines_of(LOST))
        return flowctl.json("slow", path)["badLines"] != sum(v is False for _, v in some)
    pairs = list(zip(damaged, verdicts))
    # All together must count the same; where they do not, halves find the line.
    while len(pairs) > 1 and wrong(pairs):
        half = pairs[:len(pairs) // 2]
        pairs = half if wrong(half) else pairs[len(pairs) // 2:]
    assert not wrong(pairs), pairs
