# SPDX-License-Identifier: MIT
"""A ring buffer that is far too small: every event is either in the trace or counted in a LOST
event, pairs stay pairs, and the summary says so."""
import collections
import json
import re
import subprocess

import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]

PROGRAM = """
def add(x, y):
    return x + y

def outer(n):
    for i in range(200):
        add(i, n)

for k in range(100):
    outer(k)
"""
EVENTS = 2 * (100 * 200 + 100 + 1)


@pytest.mark.parametrize("buffer", ["4096", "8K"])
def test_every_event_is_told_or_counted(tmp_path, buffer):
    script, output = tmp_path / "calls.py", tmp_path / "trace.jsonl"
    script.write_text(PROGRAM)
    _, _, errors = harness.run([harness.TRACER, "-P", "__main__", "--buffer", buffer, "-o", output,
                                "--", harness.PYTHON, script], check=0)
    seen, lost, closed, spans = collections.Counter(), 0, 0, set()
    for line in output.read_text().splitlines():
        event = json.loads(line)
        seen[event["event"]] += 1
        if event["event"] == "LOST":
            # A process's own coming and going is no call; it is counted all the same.
            lost += event["count"] if event["reason"] != "proc_event" else 0
        elif event["event"] == "ENTER":
            assert event["span"] not in spans
            spans.add(event["span"])
        else:
            spans.remove(event["span"])
            closed += event.get("lost", False)
    assert lost > 0, "the buffer was not too small: nothing is shown"
    assert seen["ENTER"] + seen["EXIT"] - closed + lost == EVENTS
    summary = re.search(r"(\d+) lost", errors)
    assert summary and int(summary[1]) >= lost


def test_default_buffer_loses_nothing(tmp_path):
    script, output = tmp_path / "calls.py", tmp_path / "trace.jsonl"
    script.write_text(PROGRAM)
    harness.run([harness.TRACER, "-P", "__main__", "-o", output, "--", harness.PYTHON, script],
                check=0)
    assert len(output.read_text().splitlines()) == EVENTS


THREADS = 12
CROWD = """
import sys, threading
barrier = threading.Barrier(%d)
def add(x, y):
    return x + y
def work():
    barrier.wait()
    for i in range(20):
        add(i, i)
    barrier.wait()
sys.stdin.readline()
threads = [threading.Thread(target=work) for _ in range(%d)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
""" % (THREADS, THREADS)


@pytest.mark.parametrize("room", [4, THREADS + 1])
def test_more_threads_than_room(tmp_path, room):
    """Their events are counted; those of the others are all there."""
    script, output = tmp_path / "crowd.py", tmp_path / "trace.jsonl"
    script.write_text(CROWD)
    harness.run([harness.TRACER, "-P", "__main__", "--max-threads", room, "-o", output, "--",
                 harness.PYTHON, script], check=0)
    events = [json.loads(line) for line in output.read_text().splitlines()]
    lost = collections.Counter()
    for event in events:
        if event["event"] == "LOST":
            lost[event["reason"]] += event["count"]
    told = sum(event["event"] != "LOST" for event in events)
    assert set(lost) == ({"threads_full"} if room == 4 else set())
    assert told + lost["threads_full"] == 2 * (2 + THREADS * 21)  # <module>, its list
    assert len({event["tid"] for event in events if event["event"] != "LOST"}) == min(room, THREADS + 1)


def test_room_for_many_threads_costs_what_is_used(tmp_path):
    """Of 10,000 slots 13 are used; all of them would take 220 MB."""
    if harness.kernel() < (6, 1):
        pytest.skip("a probe may not allocate (6.1)")
    script = tmp_path / "crowd.py"
    script.write_text(CROWD)
    target = harness.start([harness.PYTHON, script], stdin=subprocess.PIPE)
    with harness.Tracer(tmp_path, "-P", "__main__", "--max-threads", 10000, "-p",
                        target.pid) as tracer:
        tracer.attached()
        maps = [m for m in json.loads(harness.run(["bpftool", "map", "show", "-j"], check=0)[1])
                if m.get("name") in ("ft_threads", "ft_stacks") and m["max_entries"] >= 10000]
        target.stdin.close()
        assert target.wait(20) == 0 and tracer.wait() == 0, tracer.stderr()
    assert len(maps) == 2 and sum(m["bytes_memlock"] for m in maps) < 40e6
    lost = [event for event in tracer.events() if event["event"] == "LOST"]
    assert not lost and sum(event["event"] == "EXIT" for event in tracer.events()) == 1 + THREADS * 21


def test_more_processes_than_room(tmp_path):
    """Said, with what to do; the others are traced."""
    script, output = tmp_path / "forks.py", tmp_path / "trace.jsonl"
    script.write_text("""
import os
def child():
    os._exit(0)
children = []
for _ in range(8):
    read, write = os.pipe()
    if not (pid := os.fork()):
        os.close(write)
        os.read(read, 1)
        child()
    children.append((pid, write))
for pid, write in children:
    os.close(write)
for pid, _ in children:
    os.waitpid(pid, 0)
""")
    _, _, errors = harness.run([harness.TRACER, "-f", "-P", "__main__", "--max-processes", 4, "-o",
                                output, "--", harness.PYTHON, script], check=0)
    assert "--max-processes" in errors, errors
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    lost = [line for line in lines if line["event"] == "LOST"]
    assert "procs_full" in {line["reason"] for line in lost}
    assert len({line["pid"] for line in lines if line not in lost}) == 4
