# SPDX-License-Identifier: MIT
"""--stack: the entries of an exception's traceback are those that the interpreter has."""
import json

import harness
import pytest
import stack_entries

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]


def compared(trace, printed):
    """A trace against what the program printed."""
    stack_entries.compared([json.loads(line) for line in trace.read_text().splitlines()], printed)


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
