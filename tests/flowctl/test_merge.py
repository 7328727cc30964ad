# SPDX-License-Identifier: MIT
"""flowctl merge against heapq.merge; files that appear whole or not at all."""
import gzip
import heapq
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import harness
import make_trace
import pytest
from conftest import FLOWCTL, lines_of

NOBODY = 65534


def timed(number, lines):
    """(time, which trace, line): the time never goes back within a trace."""
    latest = 0
    for line in lines:
        latest = max(latest, json.loads(line).get("timestamp", 0))
        yield latest, number, line


def merged(*paths):
    """Stable: heapq.merge compares only the first two."""
    sources = [timed(number, path.read_bytes().splitlines(keepends=True))
               for number, path in enumerate(paths)]
    return b"".join(line for _, _, line in heapq.merge(*sources, key=lambda item: item[:2]))


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("merge")
    paths = []
    for seed in range(4):
        path = folder / ("%d.jsonl" % seed)
        with open(path, "wb") as out:
            make_trace.make(out, 3000 + 700 * seed, seed=seed + 1, threads=seed + 1)
        paths.append(path)
    return paths


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_by_time_and_stable(flowctl, parts, tmp_path, count):
    out = tmp_path / "out.jsonl"
    flowctl("merge", *parts[:count], "-o", out)
    got = out.read_bytes()
    assert got == merged(*parts[:count])
    assert flowctl("merge", *parts[:count])[0].encode() == got
    # Every trace is in it, in its own order.
    of = {line: path for path in parts[:count]
          for line in path.read_bytes().splitlines(keepends=True)}
    for path in parts[:count]:
        own = [line for line in got.splitlines(keepends=True) if of[line] == path]
        assert b"".join(own) == path.read_bytes()
    if count > 1:
        order = [of[line] for line in got.splitlines(keepends=True)]
        assert sum(a != b for a, b in itertools.pairwise(order)) > 50


def test_what_is_computed_of_it_is_the_same(flowctl, parts, tmp_path):
    out = tmp_path / "out.jsonl"
    flowctl("merge", *parts, "-o", out)
    assert flowctl.json("stats", out)["rows"] == flowctl.json("stats", *parts)["rows"]


def test_traces_in_order_give_one_in_order(flowctl, tmp_path):
    """With the same times in both, the first trace's come first."""
    paths = []
    for number in range(3):
        events = [{"timestamp": 5 * (i // 3), "event": "LOST", "count": 1, "reason": "a",
                   "pid": number, "tid": i} for i in range(200)]
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(lines_of(*events))
    got = [json.loads(line) for line in flowctl("merge", *paths)[0].splitlines()]
    keys = [(event["timestamp"], event["pid"], event["tid"]) for event in got]
    assert keys == sorted(keys) and len(keys) == 600


def test_packed(flowctl, parts, tmp_path):
    expected = merged(*parts[:3])
    packed = tmp_path / "0.gz"
    packed.write_bytes(gzip.compress(parts[0].read_bytes()))
    out = tmp_path / "out.jsonl.gz"
    flowctl("merge", packed, "-", parts[2], "-o", out, stdin=parts[1].read_bytes())
    assert out.read_bytes()[:2] == b"\x1f\x8b" and gzip.decompress(out.read_bytes()) == expected
    if not shutil.which("zstd"):
        pytest.skip("no zstd: its half was not tested")
    out = tmp_path / "out.zst"
    flowctl("merge", *parts[:3], "-o", out)
    assert subprocess.run(["zstd", "-dc", out], check=True, capture_output=True).stdout == expected
    assert flowctl("merge", out)[0].encode() == expected


def test_more_than_its_buffers(flowctl, tmp_path):
    """Lines longer than what is written at once, packed in all ways."""
    events = [{"timestamp": i, "event": "other", "text": os.urandom(150_000).hex()}
              for i in range(6)] + [{"timestamp": 9, "event": "LOST", "count": 1, "reason": "a"}]
    data = lines_of(*events)
    (tmp_path / "t").write_bytes(data)
    for name, unpack in (("a", bytes), ("a.gz", gzip.decompress)):
        flowctl("merge", tmp_path / "t", "-o", tmp_path / name)
        assert unpack((tmp_path / name).read_bytes()) == data
    flowctl("merge", tmp_path / "t", "-o", tmp_path / "a.zst")
    assert flowctl("merge", tmp_path / "a.zst")[0].encode() == data


def test_the_same_call_in_two_traces(flowctl, parts, tmp_path):
    """Refused, and what was there before is still there."""
    out = tmp_path / "out.jsonl"
    out.write_bytes(b"before")
    copy = tmp_path / "copy.gz"
    copy.write_bytes(gzip.compress(parts[0].read_bytes()))
    for options in ([], ["--json"]):
        flowctl.refused("merge", parts[0], parts[1], copy, "-o", out, *options,
                        says=["begins the call", "copies of one trace", "copy.gz line"])
    flowctl.refused("merge", parts[1], parts[1], "-o", out, says=["begins the call"])
    assert out.read_bytes() == b"before" and sorted(os.listdir(tmp_path)) == ["copy.gz",
                                                                              "out.jsonl"]


def test_parts_of_one_log(flowctl, parts, tmp_path):
    """A call that begins in one file and ends in another is no collision."""
    lines = parts[0].read_bytes().splitlines(keepends=True)
    lines.sort(key=lambda line: json.loads(line)["timestamp"])
    for number in range(2):
        (tmp_path / str(number)).write_bytes(b"".join(lines[number * 1501:(number + 1) * 1501]))
    assert flowctl("merge", tmp_path / "1", tmp_path / "0")[0].encode() == b"".join(lines)


def test_into_one_of_them(flowctl, parts, tmp_path):
    for number in range(2):
        shutil.copy(parts[number], tmp_path / str(number))
    os.chmod(tmp_path / "0", 0o640)
    flowctl("merge", tmp_path / "0", tmp_path / "1", "-o", tmp_path / "0")
    assert (tmp_path / "0").read_bytes() == merged(*parts[:2])
    assert (tmp_path / "0").stat().st_mode & 0o777 == 0o640


def test_through_a_link(parts):
    """A user's own: what it leads to is replaced. Root writes through none."""
    users = ([0, NOBODY] if os.geteuid() == 0 else [os.geteuid()])
    for user in users:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for number in range(2):
                shutil.copy(parts[number], folder / str(number))
                os.chown(folder / str(number), user, -1)
            os.chmod(folder / "0", 0o640)
            (folder / "link").symlink_to("0")
            os.chown(folder, user, -1)
            os.chown(folder / "link", user, -1, follow_symlinks=False)
            done = subprocess.run([FLOWCTL, "merge", "0", "1", "-o", "link"], cwd=folder, user=user,
                                  capture_output=True, check=False, timeout=60)
            whole = merged(*parts[:2]) if user else parts[0].read_bytes()
            assert done.returncode == (0 if user else 1), done.stderr
            assert user or b"is a link" in done.stderr
            assert (folder / "0").read_bytes() == whole
            assert (folder / "link").is_symlink()
            assert (folder / "0").stat().st_mode & 0o777 == 0o640
            assert sorted(os.listdir(folder)) == ["0", "1", "link"]


def test_lines_that_are_no_events(flowctl, parts, tmp_path):
    path = tmp_path / "t"
    custom = b'{"event": "mine", "x": 1}\n'
    lost = lines_of({"timestamp": 5, "event": "LOST", "count": 1, "reason": "a"})
    path.write_bytes(b"\xef\xbb\xbf" + lost + b"oops\n\n" + custom + lost[:20])
    out, errors = flowctl("merge", path, "-o", tmp_path / "o", "--json")
    assert (tmp_path / "o").read_bytes() == lost + custom
    got = json.loads(out)
    assert got["linesWritten"] == 2 and got["output"] == str(tmp_path / "o")
    assert got["inputs"][0]["badLines"] == 1 and got["inputs"][0]["torn"]
    assert errors.count("\n") == 2 and "oops" not in errors and "line 2 of" in errors


def test_wrong(flowctl, parts, tmp_path):
    flowctl.refused("merge", status=2, says=["missing operand: TRACE..."])
    flowctl.refused("merge", "-", "-", status=2, says=["named twice"])
    flowctl.refused("merge", parts[0], "--json", status=2, says=["--json needs -o FILE"])
    flowctl.refused("merge", parts[0], "-o", tmp_path, says=["is a directory"])
    flowctl.refused("merge", parts[0], "-o", tmp_path / "no" / "x", says=["for writing"])
    flowctl.refused("merge", parts[0], tmp_path / "none", "-o", tmp_path / "x",
                    says=["cannot open"])
    (tmp_path / "bad").write_bytes(b"\x1f\x8b\x08 and nothing")
    flowctl.refused("merge", parts[0], tmp_path / "bad", "-o", tmp_path / "x", says=["broken gzip"])
    flowctl.refused("merge", parts[0], "/dev/null", "-o", tmp_path / "x", says=["is empty"])
    assert os.listdir(tmp_path) == ["bad"]
    flowctl.refused("merge", parts[0], "-o", "/dev/full", says=["cannot write", "No space"])


def test_interrupted(parts, tmp_path):
    """Nothing stays of a file that is not whole."""
    out = tmp_path / "o.jsonl"
    with subprocess.Popen([FLOWCTL, "merge", parts[0], "-", "-o", out], stdin=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        try:
            process.stdin.write(parts[1].read_bytes()[:200_000])
            process.stdin.flush()
            while not os.listdir(tmp_path):
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=harness.PATIENCE) == 1
            errors = process.stderr.read()
        finally:
            process.kill()
    assert b"flowctl: interrupted" in errors and not os.listdir(tmp_path)


def test_memory(tmp_path):
    peaks = []
    for events in (20_000, 300_000):
        paths = [tmp_path / ("%d.%d" % (events, seed)) for seed in range(2)]
        for seed, path in enumerate(paths):
            with open(path, "wb") as out:
                make_trace.make(out, events, seed=seed + 20)
        peaks.append(harness.peak_memory(FLOWCTL, "merge", *paths, "-o", tmp_path / "o")[0])
    assert peaks[1] < peaks[0] + 2048, peaks
