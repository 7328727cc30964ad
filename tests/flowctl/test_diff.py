# SPDX-License-Identifier: MIT
"""flowctl diff against the difference of the same figures computed here."""
import collections
import json
import re

import figures
import make_trace
import pytest
from conftest import lines_of
from test_where import CALLS, calls_of


def where_it_is(event):
    return tuple(event[name] for name in ("module", "class", "function"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two runs of one program; in the second some functions moved, some are gone, some new."""
    folder, paths = tmp_path_factory.mktemp("diff"), []
    for number, seed in enumerate((5, 5)):
        path = folder / ("%d.jsonl" % number)
        with open(path, "wb") as out:
            make_trace.make(out, 20_000, seed=seed, functions=40)
        paths.append(path)
    changed = []
    for line in paths[1].read_bytes().splitlines():
        event = json.loads(line)
        if "span" in event:
            event["line"] += 3
            number = int(event["function"].rsplit("_", 1)[1])
            if "durationMicros" in event:
                event["durationMicros"] = event["durationMicros"] * (10 + number % 7) // 12
            if number % 9 == 4:
                event["function"] += "_new"
            if number % 5 == 2 and "exception" in event:
                event["exception"]["type"] = "NewError"
        changed.append(event)
    paths[1].write_bytes(lines_of(*changed))
    return paths


def sides(pair, monkeypatch):
    monkeypatch.setitem(figures.KEYS, "place", where_it_is)
    return [figures.compute(path.read_bytes().splitlines(), "place") for path in pair]


def test_figures(flowctl, pair, monkeypatch):
    a, b = sides(pair, monkeypatch)
    got = flowctl.json("diff", *pair)
    rows = {where_it_is(row): row for row in got["rows"]}
    assert len(rows) == len(got["rows"]) and set(rows) == set(a) | set(b)
    for key, row in rows.items():
        old, new = a.get(key), b.get(key)
        assert row["state"] == ("both" if old and new else "new" if new else "gone")
        for side, want in (("a", old), ("b", new)):
            if want is None:
                assert row[side] is None
                continue
            for name, value in row[side].items():
                assert value == want[name], (key, name)
        for name, field in (("selfChangeMicros", "selfMicros"),
                            ("totalChangeMicros", "totalMicros")):
            assert row[name] == (new[field] if new else 0) - (old[field] if old else 0)
        if old and new and old["meanMicros"]:
            percent = (new["meanMicros"] / old["meanMicros"] - 1) * 100
            assert row["meanChangePercent"] == pytest.approx(percent, abs=1e-9)
        else:
            assert row["meanChangePercent"] is None
    assert collections.Counter(row["state"] for row in got["rows"]) == \
        {"both": 36, "new": 4, "gone": 4}
    assert sum(row["selfChangeMicros"] for row in got["rows"]) == \
        got["b"]["selfMicros"] - got["a"]["selfMicros"] != 0
    assert got["a"]["calls"] == sum(row["calls"] for row in a.values())
    assert got["b"]["exceptions"] == sum(row["exceptions"] for row in b.values())


@pytest.mark.parametrize("sort, value", [
    ("self", lambda row: abs(row["selfChangeMicros"])),
    ("total", lambda row: abs(row["totalChangeMicros"])),
    ("calls", lambda row: abs((row["b"] or {"calls": 0})["calls"] -
                              (row["a"] or {"calls": 0})["calls"])),
    ("mean", lambda row: abs((row["b"] or {"meanMicros": 0})["meanMicros"] -
                             (row["a"] or {"meanMicros": 0})["meanMicros"]))])
def test_sort(flowctl, pair, sort, value):
    rows = flowctl.json("diff", *pair, "--sort", sort)["rows"]
    values = list(map(value, rows))
    assert values == sorted(values, reverse=True) and len(set(values)) > 3
    assert flowctl.json("diff", *pair, "--sort", sort, "-n", 2)["rows"] == rows[:2]


def test_threshold(flowctl, pair):
    rows = flowctl.json("diff", *pair)["rows"]
    for text, judge in (("20%", lambda row: abs(row["meanChangePercent"]) >= 20),
                        ("0.5ms", lambda row: abs(row["selfChangeMicros"]) >= 500)):
        expected = [row for row in rows if row["state"] != "both" or judge(row)]
        assert flowctl.json("diff", *pair, "--threshold", text)["rows"] == expected
        assert 8 < len(expected) < len(rows)
    for text in ("10", "-1%", "x", ""):
        flowctl.refused("diff", *pair, "-t", text, status=2, says=["--threshold takes a percent"])
    assert "no function changed that much" in flowctl("diff", pair[0], pair[0], "-t", "1%")[0]


def test_exceptions(flowctl, pair):
    """By type and function: those of calls that an exception came up in, not passed through."""
    def came_up(path):
        calls, found = {}, collections.Counter()
        for line in path.read_bytes().splitlines():
            event = json.loads(line)
            if event["event"] == "ENTER":
                calls[event["span"]] = None
            elif event["event"] == "EXCEPTION":
                error = (event["exception"]["type"], event["exception"]["message"])
                if calls[event["span"]] != error:
                    found[error[0], where_it_is(event)] += 1
                calls[event["parent"]] = error
        return found
    a, b = map(came_up, pair)
    got = flowctl.json("diff", *pair)
    for name, one, other in (("newExceptions", b, a), ("goneExceptions", a, b)):
        assert {(e["type"], where_it_is(e)): e["count"] for e in got[name]} == \
            {key: count for key, count in one.items() if key not in other} != {}


def test_where(flowctl, pair, monkeypatch):
    condition, judge = CALLS[0]
    monkeypatch.setitem(figures.KEYS, "place", where_it_is)
    got = flowctl.json("diff", *pair, "-w", condition)
    for side, path in zip("ab", pair):
        calls = calls_of(path.read_bytes().splitlines())
        ended = [c for c in calls.values() if c["event"] != "ENTER" and judge(c)]
        assert got[side]["calls"] == len(ended) > 0
        assert sum(row[side]["totalMicros"] for row in got["rows"] if row[side]) == \
            sum(c["durationMicros"] for c in ended)


def call(span, name, spent, **more):
    common = {"timestamp": span, "module": "m", "function": name, "span": span, "parent": 0}
    return [{**common, "event": "ENTER"},
            {**common, "event": "EXIT", "durationMicros": spent, **more}]


def test_text(flowctl, tmp_path):
    error = {"exception": {"type": "KeyError", "message": "'x'"}}
    (tmp_path / "a").write_bytes(lines_of(*call(1, "f", 1000), *call(2, "g", 50)))
    (tmp_path / "b").write_bytes(lines_of(*call(1, "f", 1500), *call(2, "f", 1700),
                                          *call(3, "h", 7, **error)))
    text = flowctl("diff", tmp_path / "a", tmp_path / "b")[0]
    assert [re.split("  +", line.strip()) for line in text.splitlines()[:4]] == [
        ["Δself", "Δtotal", "Δmean", "calls", "mean", "p95", "total"],
        ["+2.20 ms", "+2.20 ms", "+60 %", "1 → 2", "1.00 ms → 1.60 ms", "1.00 ms → 1.70 ms",
         "1.00 ms → 3.20 ms", "m.f"],
        ["-50 µs", "-50 µs", "gone", "1 → -", "50 µs → -", "50 µs → -", "50 µs → -", "m.g"],
        ["+7 µs", "+7 µs", "new", "- → 1", "- → 7 µs", "- → 7 µs", "- → 7 µs", "m.h"]]
    assert text.splitlines()[4:] == [
        "", "self time of all calls 1.05 ms → 3.21 ms (+2.16 ms), calls 2 → 3, left by "
        "exception 0 → 1", "", "new exception 1 x KeyError: 'x'", "    in m.h"]


def test_wrong(flowctl, pair, tmp_path):
    flowctl.refused("diff", pair[0], status=2, says=["missing operand: A B"])
    flowctl.refused("diff", *pair, pair[0], status=2, says=["takes only A B"])
    flowctl.refused("diff", pair[0], tmp_path / "none", says=["cannot open"])
    flowctl.refused("diff", pair[0], "/dev/null", says=["/dev/null is empty"])
    flowctl.refused("diff", *pair, "-w", "x", status=2, says=["^x"])
