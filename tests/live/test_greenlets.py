# SPDX-License-Identifier: MIT
"""Greenlets from outside: each has a stack of its own, whatever the release of greenlet, and
whether it was loaded before the collector came or later."""
import json

import greenlet_trace
import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]


@pytest.fixture(name="space", params=harness.with_greenlet() or [None], ids=repr)
def a_space(request):
    """A workspace of each interpreter that has the package."""
    if not request.param:
        pytest.skip("no Python with the package greenlet")
    with request.param.workspace() as space:
        yield space


def program(space, *args):
    """The command that runs the target."""
    return space.interpreter.argv(space.inside(space.path / "targets" / "greenlets.py"), *args)


def test_loaded_later(space):
    """Below open calls, in threads that have some too: every parent, result and exception."""
    output = space.path / "trace.jsonl"
    status, out, errors = harness.run(
        [harness.TRACER, "-P", "__main__", "-o", output, "--backend", space.interpreter.backend,
         "--", *program(space, 1, 30, 3, 60)], timeout=60)
    assert status == 0, errors
    events = [json.loads(line) for line in output.read_text().splitlines()]
    assert not [event for event in events if event["event"] == "LOST"], errors
    faults, seen = greenlet_trace.wrong(events, json.loads(out))
    assert not faults, "%d: %s" % (len(faults), "\n".join(faults[:20]))
    assert all(seen[name] > 9 for name in ("raises", "raises_again", "yields", "handles")), seen
    assert seen["root"] > 100 and seen["generator_root"], seen
