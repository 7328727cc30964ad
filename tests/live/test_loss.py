# SPDX-License-Identifier: MIT
"""A ring buffer that is far too small: every event is either in the trace or counted in a LOST
event, pairs stay pairs, and the summary says so."""
import collections
import json
import re

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
