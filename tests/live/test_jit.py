# SPDX-License-Identifier: MIT
"""Interpreters whose JIT compiler is on: what it compiled has no entry that could be hooked. Such
calls are counted as lost, exactly; of the others nothing is paired wrongly."""
import collections

import harness
import pytest
from compare import Trace


@pytest.fixture(params=[i for i in harness.interpreters() if i.root], ids=repr)
def jit_space(request):
    """An interpreter with a JIT."""
    interpreter = request.param
    if interpreter.why_not():
        pytest.skip(interpreter.why_not())
    has = "import sys; sys.exit(not getattr(sys, '_jit', None) or not sys._jit.is_available())"
    if harness.run(interpreter.argv("-c", has))[0]:
        pytest.skip("has no JIT")
    with interpreter.workspace() as space:
        yield space


def traced(space, jit):
    """The trace of hot.py and what it said of its JIT."""
    hot = space.interpreter.argv(space.inside(space.path / "targets" / "hot.py"))
    env = harness.environment(PYTHON_JIT=jit)
    said = harness.run(hot, check=0, env=env)[1].strip()
    output, _ = space.trace(jit + ".jsonl", hot, prefix="__main__", env=env)
    return Trace(output), said


def tables(trace):
    """How often each function was called, by whom, and {call: results}."""
    count, callers, results = collections.Counter(), set(), collections.defaultdict(set)
    for call in trace.calls:
        count[call.function] += 1
        callers.add((call.function, call.parent.function if call.parent else None))
        results[call.function, call.args].add((call.outcome(), call.result, str(call.exception)))
    return count, callers, results


@pytest.mark.live
def test_jit(jit_space):
    """Every exit is seen; an entry that is not counts as lost, and so does its exit."""
    plain, said = traced(jit_space, "0")
    assert said == "no jit" and not plain.lost
    hot, said = traced(jit_space, "1")
    assert said == "jit" and not hot.problems
    wanted, wanted_callers, wanted_results = tables(plain)
    count, callers, results = tables(hot)
    assert sum(wanted.values()) > 40000
    assert hot.lost > 10000, "the JIT did not take this up"
    assert list(hot.reasons) == ["jit"]
    assert 2 * (sum(wanted.values()) - sum(count.values())) == hot.lost
    assert all(count[name] <= wanted[name] for name in count)
    assert callers <= wanted_callers, callers - wanted_callers
    wrong = {key: found - wanted_results[key] for key, found in results.items()
             if found - wanted_results[key]}
    assert not wrong, list(wrong.items())[:5]
