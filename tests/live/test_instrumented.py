# SPDX-License-Identifier: MIT
"""Targets that are debugged, profiled, covered or monitored from the inside already: the calls
and their values are those of the same program left alone."""
import functools
import json

import harness
import pytest
from compare import Comparison, Trace, leave_dropped_open, load_truth

# Small ones: whatever watches calls Python for every line, and all of that passes our hooks.
SCENARIOS = ("generators", "yieldfrom", "coroutines", "exceptions", "frames")
FEW = ("generators", "exceptions")
WATCHERS = {"lines": SCENARIOS, "opcodes": FEW, "catching": FEW, "setprofile": SCENARIOS,
            "debugger": FEW, "profiler": SCENARIOS, "coverage": SCENARIOS, "monitoring": SCENARIOS,
            "toggled": SCENARIOS}
NEED_MONITORING = ("monitoring", "toggled")  # 3.12
# Up to 3.10 these make the dict of a frame's locals, and that keeps a generator alive until its
# caller returns: another program.
KEEP_LOCALS = ("lines", "setprofile")
DROP_GENERATORS = ("generators", "yieldfrom")


@functools.lru_cache(maxsize=2)
def truths(space, scenarios):
    """The files of two runs that nobody watches but the truth."""
    return [space.truth(name + "-".join(scenarios), *scenarios) for name in ("first", "second")]


@functools.lru_cache(maxsize=1)
def has_coverage(interpreter):
    return not harness.run(interpreter.argv("-c", "import coverage"))[0]


@pytest.mark.live
@pytest.mark.parametrize("watcher", WATCHERS)
def test_watched_from_inside(space, watcher):
    """Same calls, exits, exceptions, values, order."""
    if watcher in NEED_MONITORING and space.interpreter.minor() < 12:
        pytest.skip("3.12 brought sys.monitoring")
    if watcher == "coverage" and not has_coverage(space.interpreter):
        pytest.skip("no package coverage there")
    scenarios = WATCHERS[watcher]
    if watcher in KEEP_LOCALS and space.interpreter.minor() <= 10:
        scenarios = tuple(name for name in scenarios if name not in DROP_GENERATORS)
    first, second = map(load_truth, truths(space, scenarios))
    output, errors = space.trace(watcher + ".jsonl", space.watched(watcher, *scenarios))
    trace = Trace(output)
    if space.interpreter.minor() >= 13:
        leave_dropped_open(trace, first, second)
    comparison = Comparison(trace, first, second)
    if comparison.differences:
        pytest.fail(comparison.report(), pytrace=False)
    assert comparison.compared["calls"] > 100
    assert harness.lost_in_summary(errors) in (0, None), errors


@pytest.mark.live
def test_who_watches_is_traced_too(space):
    """What the interpreter calls when a generator is suspended, thrown into or closed has that as
    its parent, as by the frames."""
    if space.interpreter.minor() < 12:
        pytest.skip("a function that watches is called before the body starts, and after its end")
    told = space.path / "told.json"
    program = space.inside(space.path / "targets" / "watches.py")
    output, errors = space.trace("watches.jsonl", space.interpreter.argv(
        program, space.inside(told)), prefix="__main__")
    trace = Trace(output)
    # The calls of said() by what watches: those of a watcher while it is watched come between.
    mine = [[json.loads(call.args)["what"], call.parent.parent and call.parent.parent.function]
            for call in trace.calls if call.function == "said"]
    truth = json.loads(told.read_text())
    assert len(mine) == len(truth) > 200
    assert sorted(map(str, mine)) == sorted(map(str, truth))
    assert harness.lost_in_summary(errors) in (0, None), errors
