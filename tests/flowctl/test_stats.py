# SPDX-License-Identifier: MIT
"""flowctl stats against the same figures computed here."""
import gzip
import io
import json
import re
import shutil
import signal
import subprocess
import time

import figures
import harness
import make_trace
import pytest
from conftest import FLOWCTL, lines_of


def compare(got, lines, by="function", tolerance=0.0):
    """Every row, every figure."""
    expected = figures.compute(lines, by)
    rows = {figures.key_of_row(by, row): row for row in got["rows"]}
    assert len(rows) == len(got["rows"]) and set(rows) == set(expected)
    for key, want in expected.items():
        for name, value in want.items():
            if name[0] == "p" and rows[key]["approximate"]:
                assert abs(rows[key][name] - value) <= value * tolerance, (key, name)
            else:
                assert rows[key][name] == value, (key, name)


@pytest.mark.parametrize("by", sorted(figures.KEYS))
def test_figures(flowctl, trace, by):
    lines = trace.read_bytes().splitlines()
    got = flowctl.json("stats", trace, "--by", by)
    compare(got, lines, by)
    assert not any(row["approximate"] for row in got["rows"])
    events = [json.loads(line) for line in lines]
    assert got["lines"] == got["events"] == len(events)
    assert got["lost"] == sum(e["count"] for e in events if e["event"] == "LOST") > 0
    assert got["requests"] == sum(e["event"] == "HTTP_RESPONSE" for e in events) > 0
    assert sum(row["exceptions"] for row in got["rows"]) > 100
    assert sum(row["unfinished"] for row in got["rows"]) > 0


@pytest.mark.parametrize("seed", range(3))
def test_figures_of_other_shapes(flowctl, tmp_path, seed):
    out = io.BytesIO()
    make_trace.make(out, 9000 + seed, seed=seed, threads=1 + 6 * seed, functions=3 + 40 * seed)
    path = tmp_path / "t.jsonl"
    path.write_bytes(out.getvalue())
    compare(flowctl.json("stats", path), out.getvalue().splitlines())


def test_too_many_durations_to_keep(flowctl, tmp_path):
    """One function with more different durations than are kept, one with few."""
    events = []
    for i in range(30000):
        common = {"module": "m", "class": "m", "function": "many" if i % 3 else "few", "file": "f",
                  "line": 1, "span": i + 1, "parent": 0}
        spent = i * i if i % 3 else i % 50
        events.append({"timestamp": i, "event": "ENTER", **common})
        events.append({"timestamp": i, "event": "EXIT", "durationMicros": spent, **common})
    path = tmp_path / "t.jsonl"
    path.write_bytes(lines_of(*events))
    got = flowctl.json("stats", path)
    assert {row["function"]: row["approximate"] for row in got["rows"]} == \
        {"many": True, "few": False}
    compare(got, path.read_bytes().splitlines(), tolerance=1 / 256)
    assert "within 0.4 %" in flowctl("stats", path)[0]


@pytest.mark.parametrize("key, field", [
    ("self", "selfMicros"), ("total", "totalMicros"), ("calls", "calls"), ("p99", "p99Micros"),
    ("exceptions", "exceptions"), ("unfinished", "unfinished"), ("mean", "meanMicros"),
    ("p50", "p50Micros"), ("p95", "p95Micros"), ("max", "maxMicros")])
def test_sort(flowctl, trace, key, field):
    rows = flowctl.json("stats", trace, "--sort", key)["rows"]
    values = [row[field] for row in rows]
    assert values == sorted(values, reverse=True) and len(set(values)) > 3
    assert flowctl.json("stats", trace, "--sort", key, "-n", 7)["rows"] == rows[:7]


def test_sort_by_name(flowctl, trace):
    names = [row["name"] for row in flowctl.json("stats", trace, "--sort", "name")["rows"]]
    assert names == sorted(names, key=str.encode)


def test_the_table_says_the_same(flowctl, trace):
    rows = flowctl.json("stats", trace, "-n", 5)["rows"]
    lines = flowctl("stats", trace, "-n", 5)[0].splitlines()
    assert lines[0].split() == ["calls", "exc", "open", "total", "self", "mean", "p50", "p95",
                                "p99", "max"]
    for row, line in zip(rows, lines[1:]):
        assert line.split()[0] == str(row["calls"]) and line.endswith("  " + row["name"])
    assert lines[6] == "" and "60000 events" in lines[7]


def test_packed_and_from_standard_input(flowctl, trace, tmp_path):
    expected = flowctl.json("stats", trace)
    data = trace.read_bytes()
    packed = gzip.compress(data, 1)
    (tmp_path / "gz.txt").write_bytes(packed)  # by what it is, not by its name
    assert flowctl.json("stats", tmp_path / "gz.txt") == expected
    assert flowctl.json("stats", "-", stdin=packed) == expected
    assert flowctl.json("stats", "-", stdin=data) == expected
    if not shutil.which("zstd"):
        pytest.skip("no zstd: its half was not tested")
    (tmp_path / "zst").write_bytes(subprocess.run(["zstd", "-c"], input=data, check=True,
                                                  stdout=subprocess.PIPE).stdout)
    assert flowctl.json("stats", tmp_path / "zst") == expected


def test_several_files_are_one_trace(flowctl, trace, tmp_path):
    """A call may begin in one file and end in the next: logs are rotated."""
    lines = trace.read_bytes().splitlines(keepends=True)
    parts = [tmp_path / "a", tmp_path / "b", tmp_path / "c"]
    for i, part in enumerate(parts):
        part.write_bytes(b"".join(lines[i * 20001:(i + 1) * 20001]))
    assert flowctl.json("stats", *parts) == flowctl.json("stats", trace)


def test_memory_does_not_grow_with_the_trace(flowctl, tmp_path):
    """The peak, as the kernel saw it, for 20,000 and for 400,000 events."""
    peaks = []
    for events in (20_000, 400_000):
        path = tmp_path / str(events)
        with open(path, "wb") as out:
            make_trace.make(out, events, seed=3)
        peaks.append(peak_kib(path))
    assert peaks[0] > 1000
    assert peaks[1] < peaks[0] + 4096, peaks


def peak_kib(path):
    """VmHWM of a process that has read the file and waits for more: --follow."""
    with subprocess.Popen([FLOWCTL, "stats", "--follow", "--json", path],
                          stdout=subprocess.PIPE) as process:
        def position():
            try:
                with open("/proc/%d/fdinfo/3" % process.pid) as info:
                    return int(info.readline().split()[1])
            except FileNotFoundError:
                return 0
        try:
            harness.wait_for("the whole file is read", lambda: position() == path.stat().st_size,
                             timeout=60)
            time.sleep(0.3)
            with open("/proc/%d/status" % process.pid) as info:
                peak = int(re.search(r"VmHWM:\s+(\d+) kB", info.read())[1])
            process.send_signal(signal.SIGINT)
            out = process.communicate(timeout=harness.PATIENCE)[0]
        finally:
            process.kill()
    assert process.returncode == 0 and json.loads(out)["events"] > 0
    return peak
