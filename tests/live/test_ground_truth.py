# SPDX-License-Identifier: MIT
"""The same calls as the interpreter's own tracing sees: a program of ours for each corner, and a
program by others. Truth is what two truth runs agree on."""
import os
import shutil
import time

import harness
import matrix
import pytest
from compare import Comparison, Trace, leave_dropped_open, load_truth
from conftest import scenarios

# Which thread of a pool takes which job is open.
UNORDERED = ("pool",)
# Needs a walk over more frames than the collector promises; see test_deep_chain.
BEYOND_LIMITS = ("deepchain",)
# Ends the process by an exception.
FAILING = ("uncaught",)
# Where no hook sees an exception leave a call: which one it was is inferred, and of some cannot be.
# All others are hooked where it leaves.
INFERRED = ("bullseye-inferred",)
UNTOLD = ("raised_again",)
# Where time counts, each scenario by itself on one that has sys.settrace and one that has
# sys.monitoring.
ONE_BY_ONE = ("system", "sid-3.15")
HG_ENVIRONMENT = {"HGRCPATH": os.devnull, "HGUSER": "Ann <ann@example.org>", "HGPLAIN": "1"}


def assert_same(comparison, errors, minimum=1):
    """No difference, no loss, and enough was compared."""
    print(comparison.report())
    if comparison.differences:
        pytest.fail(comparison.report(), pytrace=False)
    assert comparison.compared["calls"] >= minimum, "only %s" % comparison.compared
    assert harness.lost_in_summary(errors) in (0, None), errors


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_scenario(space, scenario):
    """Calls, exits, exceptions, values, threads, parents and order of one scenario."""
    if scenario in BEYOND_LIMITS:
        pytest.skip("compared in test_deep_chain")
    if scenario in untold(space):
        pytest.skip("exits by exception are inferred")
    if os.environ.get("CI") and space.interpreter.name not in ONE_BY_ONE:
        pytest.skip("compared in test_scenarios_in_one_process")
    compared(space, scenario, scenario)


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_scenarios_in_one_process(space):
    """The same for all of them one after the other: a tenth of the time."""
    left_out = BEYOND_LIMITS + UNORDERED + FAILING + untold(space)
    names = [name for name in scenarios() if name not in left_out]
    compared(space, "together", *names)


def untold(space):
    """Scenarios that the collector may be wrong about on this interpreter."""
    return UNTOLD if space.interpreter.name in INFERRED else ()


def compared(space, title, *names):
    """Runs scenarios twice under the interpreter's own tracing and once under the collector."""
    began = time.monotonic()
    first = load_truth(space.truth("first", *names))
    second = load_truth(space.truth("second", *names))
    output, errors = space.trace(title + ".jsonl", space.program(*names))
    trace = Trace(output)
    if space.interpreter.minor() >= 13:
        leave_dropped_open(trace, first, second)
    comparison = Comparison(trace, first, second, title not in UNORDERED)
    row = matrix.ROWS[space.interpreter.name]
    row.version, row.backend = space.interpreter.version(), harness.backend_of(errors)
    row.add(title, comparison, time.monotonic() - began)
    assert_same(comparison, errors)
    assert not comparison.unstable and not comparison.shaky, "the truth is not repeatable"


@pytest.mark.live
def test_deep_chain(space):
    """More than 128 untraced frames between two traced calls: what cannot be told is counted as
    lost; nothing is made up."""
    truth = load_truth(space.truth("first", "deepchain"))
    output, _ = space.trace("deepchain.jsonl", "deepchain")
    trace = Trace(output)
    wanted, seen = [count_ends(calls) for calls in (truth, trace.calls)]
    missing = sum(max(0, n - seen.get(key, 0)) for key, n in wanted.items())
    assert missing <= trace.lost, "%d events missing, %d said to be lost" % (missing, trace.lost)
    assert not [key for key, n in seen.items() if n > wanted.get(key, 0)]


def count_ends(calls):
    """Calls by function and how they ended."""
    table = {}
    for call in calls:
        key = call.key, call.outcome()
        table[key] = table.get(key, 0) + 1
    return table


@pytest.mark.live
def test_refused_by_the_recursion_limit(space):
    """A call whose body never begins makes no event."""
    if untold(space):
        pytest.skip("calls are seen before the limit is asked")
    script = space.inside(space.path / "targets" / "refused.py")
    output, _ = space.trace("refused.jsonl", space.interpreter.argv(script), prefix="__main__")
    calls = Trace(output).calls
    deep = [call for call in calls if call.function == "deep"]
    assert [call.result for call in calls if call.function == "told"] == [str(len(deep))]
    assert {call.exception[0] for call in deep} == {"RecursionError"}


@pytest.mark.live
def test_secrets_never_leave(space):
    """No redacted value is in the trace or in the recording; what is not redacted is there."""
    recording = space.path / "redaction.rec"
    output, _ = space.trace("redacted.jsonl", "redaction", "--record", recording)
    for path in (output, recording):
        data = path.read_bytes()
        assert b"hidden-" not in data, "a secret in %s" % path.name
        for shown in (b"shown-user", b"shown-host", b"shown-passwords", b"shown-accept"):
            assert shown in data, "%s is missing in %s" % (shown, path.name)
    assert b'\\"***\\"' in output.read_bytes()


@pytest.mark.live
def test_prefix_and_exclude(space):
    """--exclude wins over --prefix; a prefix is a text prefix."""
    output, _ = space.trace("excluded.jsonl", "swallowed", "-x", "gt.sw", prefix="gt,outs")
    modules = {call.module for call in Trace(output).calls}
    assert modules == {"gt", "outside"}


@pytest.mark.live
def test_thread_names_without_prefix(space):
    """Threads are called the same where the first call that is seen is that of _bootstrap()."""
    names = []
    for prefix in ("gt", None):
        output, _ = space.trace("named.jsonl", "threads", prefix=prefix)
        names.append({call.thread for call in Trace(output).calls if call.module == "gt.threads"})
        output.unlink()
    assert names[0] == names[1] and len(names[0]) > 10


@pytest.mark.live
def test_replay_is_the_same(space):
    """A recording gives the lines that were written live."""
    recording = space.path / "replay.rec"
    output, _ = space.trace("replayed.jsonl", "exceptions", "--record", recording)
    again = space.path / "again.jsonl"
    harness.run([harness.TRACER, "--replay", recording, "-o", again], check=0)
    live, replayed = Trace(output), Trace(again)
    assert len(live.calls) > 200
    assert [shown(call) for call in live.calls] == [shown(call) for call in replayed.calls]


def shown(call):
    """All that is said about a call but its span."""
    return (call.key, call.args, call.result, call.exception, call.thread, call.start, call.end)


@pytest.mark.live
@pytest.mark.parametrize("option,field,text", [("--no-args", "args", "{}"),
                                               ("--no-result", "result", "null")])
def test_values_left_out(space, option, field, text):
    """Without values the fields stay, and are named as cut at 0; exceptions keep their text."""
    output, _ = space.trace(option + ".jsonl", "exceptions", option)
    trace = Trace(output)
    cut = [call for call in trace.calls if field == "args" or not call.exception]
    assert cut and all(getattr(call, field) == text for call in cut)
    assert all(call.cut[field]["threshold"] == 0 for call in cut)
    assert ["ValueError", "plain"] in [call.exception for call in trace.calls]


# ---- a program by others ---------------------------------------------------------------

@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A small Mercurial repository, made once; runs get a fresh copy at the same path."""
    if not shutil.which("hg", path=harness.ENVIRONMENT["PATH"]):
        pytest.skip("no mercurial")
    work = tmp_path_factory.mktemp("hg")
    hg(work, "init", "original")
    for n in range(1, 5):
        for name in "abcd":
            (work / "original" / (name + ".txt")).write_text("".join(
                "%s %d\n" % (name, i) for i in range(0, 40 * n, n)))
        hg(work / "original", "commit", "-q", "-A", "-d", "%d 0" % n, "-m", "change %d" % n)
    return work


def hg(directory, *args):
    """Runs hg without tracing."""
    harness.run([harness.PYTHON, "/usr/bin/hg", *args], check=0, cwd=directory,
                env=harness.environment(**HG_ENVIRONMENT))


def log_in_copy(work, *before, **environment):
    """Runs `hg log -p` on a fresh copy, under the command given."""
    copy = work / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(work / "original", copy)
    return harness.run([*before, "/usr/bin/hg", "-R", copy, "log", "-p", "-G"], check=0, cwd=work,
                       timeout=120, env=harness.environment(**HG_ENVIRONMENT, **environment))


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_mercurial(repository):
    """`hg log -p` of Debian's Mercurial: the same calls, exits and exceptions per function, the
    same values where two truth runs have the same."""
    truths = []
    log_in_copy(repository, harness.PYTHON)
    # The order of some sets depends on where their elements lie. Another allocator for the
    # second truth run shows which.
    for name, allocator in (("first", "pymalloc"), ("second", "malloc")):
        log_in_copy(repository, harness.PYTHON, harness.LIVE / "truth.py", "-P", "mercurial",
                    "-o", repository / name, PYTHONMALLOC=allocator)
        truths.append(load_truth(repository / name))
    output = repository / "trace.jsonl"
    _, _, errors = log_in_copy(repository, harness.TRACER, "-P", "mercurial", "-o", output, "--",
                               harness.PYTHON)
    assert_same(Comparison(Trace(output), *truths), errors, minimum=10000)
