# SPDX-License-Identifier: MIT
"""Files of events that are packed (.zst, .gz) and rotated: whatever happens, every event is in one of
them."""
import json
import os
import re
import signal
import subprocess
import time

import harness
import pytest
from harness import refused
from test_limits import small_disk

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
NAMES = ["trace.jsonl", "trace.jsonl.zst", "trace.jsonl.gz"]
LONG = NAMES[:2] if "CI" in os.environ else NAMES  # where one takes ten seconds
UNPACK = {".zst": ["zstd", "-dcq"], ".gz": ["gzip", "-dc"]}
CALLS = 40000
FLOWCTL = harness.TRACER.parent / "flowctl"
# Not faster than a slow disk takes it.
COUNT = """
import time
def count(n, text):
    return n
for n in range(%d):
    count(n, "some text that makes the line longer, number %%d" %% n)
    if n %% 20 == 0:
        time.sleep(0.001)
"""


def unpack(path, cut=False):
    """Its lines. cut: it may end in a frame that is not whole."""
    status, text, errors = harness.run([*UNPACK.get(path.suffix, ["cat"]), path])
    assert cut or status == 0, errors
    return text.splitlines(keepends=True)


def files(folder, name):
    """From the oldest on."""
    stem, _, ending = name.partition(".jsonl")
    pattern = re.compile(re.escape(stem + ".jsonl") + r"(?:\.(\d+))?" + re.escape(ending))
    found = [(int(match[1] or 0), path) for path in folder.iterdir()
             if (match := pattern.fullmatch(path.name))]
    return [path for _, path in sorted(found, reverse=True)]


def numbers(lines, event="ENTER"):
    """The first argument of each call."""
    return [json.loads(e["args"])["n"] for e in map(json.loads, lines)
            if e["event"] == event and e["function"] == "count"]


def trace(tmp_path, name, *options, calls=CALLS, **popen):
    return harness.start([harness.TRACER, "-q", "-P", "__main__", "-o", tmp_path / name, *options,
                          "--", harness.PYTHON, "-c", COUNT % calls], cwd=tmp_path, **popen)


def finish(process):
    try:
        assert process.wait(timeout=60) == 0
    finally:
        harness.kill_session(process)


@pytest.mark.parametrize("name", LONG)
def test_every_event_is_in_a_file(name, tmp_path):
    """Under load, against the truth; no file is larger than was asked for, none is deleted."""
    most = 1 << 20 if name.endswith("jsonl") else 64 << 10
    finish(trace(tmp_path, name, "--rotate", "1M" if most > 1 << 16 else "64K", "--rotate-keep",
                 "1000"))
    found = files(tmp_path, name)
    lines = [line for path in found for line in unpack(path)]
    assert numbers(lines) == list(range(CALLS))
    assert len(lines) == 2 * CALLS + 2  # and the module itself
    assert len(found) > 5
    assert all(path.stat().st_size <= most for path in found)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in found)


def test_the_oldest_are_deleted(tmp_path):
    """The newest events are kept."""
    finish(trace(tmp_path, "trace.jsonl", "--rotate", "1M", "--rotate-keep", "2"))
    found = files(tmp_path, "trace.jsonl")
    assert [path.name for path in found] == ["trace.jsonl.2", "trace.jsonl.1", "trace.jsonl"]
    kept = numbers([line for path in found for line in unpack(path)])
    assert kept == list(range(kept[0], CALLS)) and kept[0] > CALLS // 2


@pytest.mark.parametrize("name", LONG)
def test_killed(name, tmp_path):
    """kill -9 at any moment: what there was a second before is there, and the next run continues the
    file."""
    for delay in (0.3, 0.8, 1.3):
        process = trace(tmp_path, name, "--rotate", "256K", "--rotate-keep", "1000", calls=10 ** 8)
        harness.wait_for("its file", lambda: files(tmp_path, name))
        time.sleep(delay)
        process.kill()
        process.wait(timeout=harness.PATIENCE)
        harness.kill_session(process)
        found = files(tmp_path, name)
        lines = [line for path in found for line in unpack(path, cut=path == found[-1])]
        if lines and not lines[-1].endswith("\n"):
            lines.pop()
        seen = numbers(lines)
        assert seen == list(range(len(seen)))
        finish(trace(tmp_path, name, "--rotate", "256K", "--rotate-keep", "1000", calls=100))
        found = files(tmp_path, name)
        after = [line for path in found for line in unpack(path)]
        after = [line for line in after if line.endswith("}\n") and line.startswith("{")]
        assert numbers(after)[-100:] == list(range(100))
        for path in found:
            path.unlink()


TICKS = """
import time
def count(n):
    return n
n = 0
while True:
    count(n)
    print(n, flush=True)
    n += 1
    time.sleep(0.01)
"""


@pytest.mark.parametrize("name", NAMES[1:])
def test_what_is_written_each_second(name, tmp_path):
    """A reader finds whole frames with all that happened more than a second ago, and so it is after
    kill -9."""
    process = harness.start([harness.TRACER, "-q", "-P", "__main__", "-o", tmp_path / name, "--",
                             harness.PYTHON, "-c", TICKS], stdout=subprocess.PIPE, text=True)
    try:
        harness.wait_for("a frame", lambda: (tmp_path / name).exists()
                         and (tmp_path / name).stat().st_size)
        for _ in range(3):
            said = said_until(process.stdout, 50)
            time.sleep(1)
            assert len(numbers(unpack(tmp_path / name))) > said
        process.kill()
        process.wait(timeout=harness.PATIENCE)
        assert len(numbers(unpack(tmp_path / name))) > said
        _, out, _ = harness.run([FLOWCTL, "stats", "--json", tmp_path / name], check=0)
        assert "count" in out
    finally:
        harness.kill_session(process)


def said_until(stdout, lines):
    """The number that is said after so many more."""
    said = 0
    for _ in range(lines):
        said = int(stdout.readline())
    return said


@pytest.mark.parametrize("name", LONG)
def test_full_disk(name):
    """The run ends with one line that says so; what was written is there, and in order."""
    size, rotate = ("32k", "8K") if name.endswith("jsonl") else ("512k", "128K")
    with small_disk(size) as disk:
        process = trace(disk, name, "--rotate", rotate, "--rotate-keep", "1000", calls=10 ** 8,
                        stderr=subprocess.PIPE, text=True)
        try:
            process.wait(timeout=60)
        finally:
            harness.kill_session(process)
        errors = process.stderr.read()
        assert process.returncode == 1 and errors.count("\n") == 1, errors
        assert "No space left" in errors
        found = files(disk, name)
        lines = [line for path in found for line in unpack(path, cut=path == found[-1])]
        seen = numbers(line for line in lines if line.endswith("}\n"))
        assert len(found) > 1 and seen == list(range(len(seen))) and seen


def test_age(tmp_path):
    """Each second, between two lines; an idle program makes no empty files."""
    process = harness.start([harness.TRACER, "-q", "-P", "__main__", "-o", tmp_path / "trace.jsonl",
                             "--rotate", "1s", "-d", "4", "--", harness.PYTHON, "-c",
                             COUNT % 10 + "time.sleep(10)"])
    finish_any(process)
    found = files(tmp_path, "trace.jsonl")
    assert [path.name for path in found] == ["trace.jsonl.1", "trace.jsonl"]
    assert numbers(unpack(found[0])) == list(range(10)) and not unpack(found[1])


def finish_any(process):
    try:
        process.wait(timeout=60)
    finally:
        harness.kill_session(process)


@pytest.mark.parametrize("name", NAMES)
def test_hangup(name, tmp_path):
    """A file that logrotate has moved is finished, and a new one is begun."""
    process = harness.start([harness.TRACER, "-P", "__main__", "-o", tmp_path / name, "--rotate",
                             "100M", "--", harness.PYTHON, "-c", TICKS], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)
    try:
        said_until(process.stdout, 100)
        (tmp_path / name).rename(tmp_path / ("moved" + name[5:]))
        process.send_signal(signal.SIGHUP)
        harness.wait_for("the new file", (tmp_path / name).exists)
        said_until(process.stdout, 100)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=harness.PATIENCE)
    finally:
        harness.kill_session(process)
    seen = numbers(unpack(tmp_path / ("moved" + name[5:])) + unpack(tmp_path / name))
    assert seen == list(range(len(seen))) and len(seen) >= 200


def test_prepared_by_others(tmp_path):
    """Names of older files that are links lead nowhere: only names move."""
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "trace.jsonl.1").symlink_to(victim)
    os.link(victim, folder / "trace.jsonl.2")
    finish(trace(folder, "trace.jsonl", "--rotate", "512K", "--rotate-keep", "2", calls=3000))
    assert victim.read_text() == "precious\n" and victim.stat().st_nlink == 1


def test_not_a_file(tmp_path):
    recording = harness.REPO / "tests/replay/calls.ftrec"
    os.mkfifo(tmp_path / "fifo.zst")
    reader = os.open(tmp_path / "fifo.zst", os.O_RDONLY | os.O_NONBLOCK)
    for status, options in ((1, ["-o", "/dev/null", "--rotate", "1M"]),
                            (1, ["-o", "/dev/stdout", "--rotate", "1M"]),
                            (1, ["-o", tmp_path / "fifo.zst"]), (2, ["-o", "-", "--rotate", "1M"]),
                            (2, ["--to", "text", "--rotate", "1M"]),
                            (2, ["--to", "null", "--rotate", "1h"]),
                            (2, ["-o", "x", "--rotate", "100"]), (2, ["-o", "x", "--rotate", "0M"]),
                            (2, ["-o", "x", "--rotate", "5ms"]),
                            (2, ["-o", "x", "--rotate-keep", "1001"])):
        refused(status, "--replay", recording, *options, cwd=tmp_path)
    os.close(reader)
