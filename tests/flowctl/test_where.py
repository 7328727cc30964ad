# SPDX-License-Identifier: MIT
"""--where: conditions judged again in Python, and calls that are told in several lines."""
import fnmatch
import json
import re

import figures
import pytest
from conftest import lines_of

# A condition, and the same of a dict that has all fields of a call's lines.
CALLS = [
    ("module=shop.*", lambda c: fnmatch.fnmatchcase(c["module"], "shop.*")),
    ("durationMicros>1ms", lambda c: c.get("durationMicros", 0) > 1000),
    ("args~'\"n\": 17' and durationMicros<=0.05s",
     lambda c: '"n": 17' in c["args"] and c.get("durationMicros", 1e9) <= 50_000),
    ("args.n=17 and not exception",
     lambda c: json.loads(c["args"]).get("n") == 17 and "exception" not in c),
    ("exception.type=*Error and (tid=5001 or tid=5002)",
     lambda c: c.get("exception", {}).get("type", "").endswith("Error") and
     c["tid"] in (5001, 5002)),
    ("exception.message=\"'größe'\"",
     lambda c: c.get("exception", {}).get("message") == "'größe'"),
    ("request_id and parent=0", lambda c: "request_id" in c and c["parent"] == 0),
    ("result=*2* or result.total>=1999",
     lambda c: "result" in c and ("2" in c["result"] or '"total"' in c["result"])),
    ("not module=shop.* and function~_1?\\d$",
     lambda c: not c["module"].startswith("shop.") and
     re.search(r"_1?\d$", c["function"]) is not None),
]


def calls_of(lines):
    """{span: all fields of its lines}, in the order of their ENTER."""
    calls = {}
    for line in lines:
        event = json.loads(line)
        if "span" in event:
            calls.setdefault(event["span"], {}).update(event)
    return calls


def own_times(lines):
    """{span: its duration without that of its children that ended before it}"""
    running, own = {}, {}
    for line in lines:
        event = json.loads(line)
        if event["event"] == "ENTER":
            running[event["span"]] = 0
        elif event["event"] == "EXIT":
            spent = event["durationMicros"]
            own[event["span"]] = max(0, spent - running.pop(event["span"]))
            if event["parent"] in running:
                running[event["parent"]] += spent
    return own


@pytest.mark.parametrize("condition, judge", CALLS)
def test_stats_of_some_calls(flowctl, trace, condition, judge):
    lines = trace.read_bytes().splitlines()
    own, expected = own_times(lines), {}
    for span, call in calls_of(lines).items():
        if not judge(call):
            continue
        row = expected.setdefault(figures.by_function(call), [0, 0, 0, 0, 0])
        if call["event"] == "ENTER":
            row[0] += 1
            continue
        row[1] += 1
        row[2] += call["durationMicros"]
        row[3] += own[span]
        row[4] += "exception" in call
    got = flowctl.json("stats", trace, "--where", condition)
    assert {figures.by_function(row): [row["unfinished"], row["calls"], row["totalMicros"],
                                       row["selfMicros"], row["exceptions"]]
            for row in got["rows"]} == expected
    assert expected


@pytest.mark.parametrize("condition, judge", CALLS)
def test_slow_and_errors_of_some_calls(flowctl, trace, condition, judge):
    calls = calls_of(trace.read_bytes().splitlines())
    ended = [c for c in calls.values() if c["event"] != "ENTER" and judge(c)]
    durations = sorted((c["durationMicros"] for c in ended), reverse=True)
    got = flowctl.json("slow", trace, "-n", 50, "-w", condition)["calls"]
    assert [call["durationMicros"] for call in got] == durations[:50] != []
    assert all(judge(calls[call["span"]]) for call in got)
    # The result of a call is not known yet when its exception is told.
    if "result" not in condition:
        got = flowctl.json("errors", trace, "-w", condition)
        assert got["callsLeft"] == sum("exception" in call for call in ended)


def test_what_is_wrong_with_a_condition_is_one_line(flowctl, trace):
    for command in ("stats", "slow", "errors"):
        flowctl.refused(command, trace, "--where", "durationMicros>", status=2,
                        says=["column 16: a value is missing: durationMicros>^"])
        flowctl.refused(command, trace, "--where", "a" * 5000, status=2, says=["unknown field"])


def test_a_search_without_end_is_said(flowctl, tmp_path):
    path = tmp_path / "t"
    path.write_bytes(lines_of({"timestamp": 1, "event": "LOST", "count": 1,
                               "reason": "a" * 3000 + "!"}))
    _, errors = flowctl("stats", path, "-w", 'reason~"^(a+)+$"')
    assert errors.count("\n") == 1 and "1 texts took too long" in errors
