# SPDX-License-Identifier: MIT
"""The ground-truth programs of the live tests, traced from inside: equal to the truth, and to what
the collector sees of the same process."""
import time

import harness
import matrix
import pytest
from compare import Comparison, Trace, load_truth

# Which thread of a pool takes which job is open.
UNORDERED = ("pool",)
# Where every line can be compared with the collector's: one thread, nothing that only one of
# the two can see.
VALUES = ("params", "scalars", "containers", "objects", "limits", "redaction", "exceptions",
          "names", "reused")


@pytest.fixture(scope="session")
def truth(agent):
    """A workspace with the programs, everything run once: .pyc files are made."""
    with agent.interpreter.workspace() as space:
        names = harness.run([harness.PYTHON, "-B", harness.TARGETS / "run.py", "--list"], check=0)
        harness.run(space.program(*names[1].split()), check=0, timeout=120)
        yield space


def traced(agent, space, output, *args):
    """The command that traces a program from inside."""
    return ["env", "PYTHONPATH=" + agent.inside(agent.package),
            *agent.interpreter.argv("-m", "flowtrace_agent", "-P", "gt", "-o",
                                    space.inside(output), space.script(), *args)]


def test_scenario(agent, truth, scenario):
    """Calls, exits, exceptions, values, threads, parents and order of one scenario."""
    began = time.monotonic()
    first = load_truth(truth.truth("first", scenario))
    second = load_truth(truth.truth("second", scenario))
    output = truth.path / ("agent-%s.jsonl" % scenario)
    harness.run(traced(agent, truth, output, scenario), check=0)
    comparison = Comparison(Trace(output), first, second, scenario not in UNORDERED)
    row = matrix.ROWS[agent.interpreter.name + ", inside"]
    row.version, row.backend = agent.interpreter.version(), "agent"
    row.add(scenario, comparison, time.monotonic() - began)
    print(comparison.report())
    assert not comparison.differences, comparison.report()
    assert comparison.compared["calls"]


def shown(call):
    """All that is said about a call but when it was, and its span."""
    return (call.key, call.cls, call.file, call.args, call.result, call.exception, call.thread,
            call.cut, call.parent and call.parent.key)


@pytest.mark.live
def test_as_the_collector(agent, truth):
    """One process, watched from inside and from outside: the same lines, addresses included."""
    inside, outside = truth.path / "inside.jsonl", truth.path / "outside.jsonl"
    harness.run([harness.TRACER, "-P", "gt", "--backend", agent.interpreter.backend, "-o", outside,
                 "--", *traced(agent, truth, inside, *VALUES)], check=0, timeout=120)
    mine, theirs = Trace(inside), Trace(outside)
    assert not mine.problems and not theirs.problems and not theirs.lost
    assert len(mine.calls) > 500
    different = [(shown(a), shown(b)) for a, b in zip(mine.calls, theirs.calls)
                 if shown(a) != shown(b)]
    assert not different, "%d; the first, inside and outside:\n%s\n%s" % (
        len(different), *different[0])
    assert len(mine.calls) == len(theirs.calls)
