# SPDX-License-Identifier: MIT
"""Sub-interpreters: their thread states are others, on the same threads."""
import collections
import json

import pytest
from compare import Trace

DRIVEN = {"MainThread": 100, "T200": 200, "T300": 300}


def calls_of(trace, thread):
    """[(function, argument, outcome, its caller)] of a thread, by starts; __main__ itself and
    main() left out."""
    return [(call.function, json.loads(call.args).get("number", json.loads(call.args).get("n")),
             call.outcome(), call.parent.function if call.parent else None)
            for call in sorted(trace.calls, key=lambda call: call.start)
            if call.thread == thread and call.function not in ("main", "<module>")]


def wanted(first, root):
    """What drive(first) does."""
    rows = [("drive", first, "exit", root), ("run", first, "exit", "drive")]
    rows += working(first)
    rows += [("fail", first + 10, "exit", "drive")] + list(working(first + 10))
    return rows + [("failing", first + 10, "exception", "<module>")]


def working(first):
    """The loop of the sub-interpreter."""
    for n in range(first, first + 3):
        yield from [("work", n, "exit", "<module>"), ("failing", n, "exception", "work"),
                    ("inner", n, "exit", "work")]


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_sub_interpreters(space):
    """Every call, on the thread that ran it, under the call that waited for it."""
    command = space.interpreter.argv(space.inside(space.path / "targets" / "subs.py"))
    output, errors = space.trace("subs.jsonl", command, prefix="__main__")
    trace = Trace(output)
    assert not trace.problems and not trace.lost, (trace.problems, errors)
    for thread, first in DRIVEN.items():
        root = "main" if thread == "MainThread" else None
        assert calls_of(trace, thread) == wanted(first, root)
    modules = collections.Counter((call.outcome(), call.parent and call.parent.function)
                                  for call in trace.calls if call.function == "<module>")
    assert modules == {("exit", None): 1, ("exit", "run"): 3, ("exception", "fail"): 3}
