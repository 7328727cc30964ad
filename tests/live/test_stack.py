# SPDX-License-Identifier: MIT
"""--stack: the entries of an exception's traceback are those that the interpreter has, from outside
and from inside."""
import json
import re
import sys

import harness
import pytest

sys.path.append(str(harness.REPO / "agent_ext"))
import intree  # noqa: E402

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
CALLS = ("handled", "bare", "uses", "finally_", "elsewhere", "huge", "deep", "loop")
MOST = 64


def shortened(entries):
    """As the trace has it: where it was raised is worth more."""
    return entries if len(entries) <= MOST else ["..."] + entries[-MOST:]


def compared(trace, printed):
    """Every call's stack against what the program printed."""
    truth = dict(zip(CALLS, map(json.loads, printed.splitlines())))
    assert set(truth) == set(CALLS)
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    seen = {event["function"]: event for event in events if event["event"] == "EXCEPTION"
            and event["function"] in CALLS}
    for name, entries in truth.items():
        stack = seen[name]["stack"]
        if name == "huge":  # a line that cannot be told is not made up
            stack = [re.sub(r":\? <module>$", ":6003 <module>", entry) for entry in stack]
        assert stack == shortened(entries), name
        assert ("stack" in seen[name].get("truncatedFields", {})) == (len(entries) > MOST)
    deep = seen["deep"]["truncatedFields"]["stack"]
    assert deep == {"threshold": MOST, "originalLength": len(truth["deep"])}
    assert not [event for event in events if event["event"] in ("EXIT", "LOST")
                and ("stack" in event or event["event"] == "LOST")]


def test_from_outside(space):
    """On every interpreter."""
    program = space.interpreter.argv(space.inside(space.path / "targets" / "came_through.py"))
    trace = space.path / "stack.jsonl"
    trace.unlink(missing_ok=True)
    _, printed, _ = harness.run([harness.TRACER, "-q", "--stack", "-P", "__main__", "--backend",
                                 space.interpreter.backend, "-o", trace, "--", *program], check=0)
    compared(trace, printed)


def test_without(space):
    """Nobody asked."""
    program = space.interpreter.argv(space.inside(space.path / "targets" / "came_through.py"))
    trace = space.path / "no-stack.jsonl"
    trace.unlink(missing_ok=True)
    harness.run([harness.TRACER, "-q", "-P", "__main__", "-o", trace, "--", *program], check=0)
    assert b'"stack"' not in trace.read_bytes() and b"EXCEPTION" in trace.read_bytes()


def test_replay(space):
    """A recording has it too."""
    if space.interpreter.name != "system":
        pytest.skip("the same for all")
    program = space.interpreter.argv(space.inside(space.path / "targets" / "came_through.py"))
    recording, trace = space.path / "stack.rec", space.path / "replayed.jsonl"
    _, printed, _ = harness.run([harness.TRACER, "-q", "--stack", "-P", "__main__", "--record",
                                 recording, "-o", space.path / "live.jsonl", "--", *program],
                                check=0)
    harness.run([harness.TRACER, "--replay", recording, "-o", trace], check=0)
    compared(trace, printed)
