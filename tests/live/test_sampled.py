# SPDX-License-Identifier: MIT
"""--sample: is a tree of calls, or a request, in the trace with all that it calls or not at all, is
the choice by chance, and is what is left out counted?"""
import collections
import concurrent.futures
import contextlib
import json
import subprocess
import time
import urllib.request

import event_schema
import harness
import pytest
from test_http import APPS, ASGI, WSGI, Client, Requests, finished, served, traced

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]

KIND = 1000000  # targets/sampled.py


@contextlib.contextmanager
def target(space, *args):
    process = harness.start(space.interpreter.argv(
        space.inside(space.path / "targets" / "sampled.py"), *args),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        harness.kill_session(process)


def trace(space, path, count, *options, what=(), prefix=("-P", "trees")):
    """(calls of a tree of each kind, events, standard error)"""
    with target(space, *what) as process:
        with harness.Tracer(path, "-v", *prefix, "--backend", space.interpreter.backend,
                            *options, "--pid", str(process.pid)) as tracer:
            tracer.attached()
            process.stdin.write("%d\n" % count)
            process.stdin.flush()
            told = json.loads(process.stdout.readline())
            assert tracer.wait() == 0, tracer.stderr()
    return {int(kind): calls for kind, calls in told.items()}, tracer.events(), tracer.stderr()


def left_out(events, rule="sample"):
    """How many calls SAMPLED lines tell of."""
    for event in events:
        if event["event"] == "SAMPLED":
            event_schema.check(json.dumps(event))
    return sum(e["count"] for e in events if e["event"] == "SAMPLED" and e["rule"] == rule)


def trees(events):
    """{number of a tree: how often each function was called in it}"""
    found = collections.defaultdict(collections.Counter)
    for event in events:
        if event["event"] == "ENTER" and event["module"] == "trees":
            found[json.loads(event["args"])["tree"]][event["function"]] += 1
    return found


def test_trees_are_whole(space, tmp_path):
    """Also those of generators that others continue, of threads and of tasks. What is left out is
    counted once, though a call of 3.12 and later may pass two hooks when it begins."""
    told, events, errors = trace(space, tmp_path, 300, "--sample", "4", "--record",
                                 tmp_path / "record")
    found = trees(events)
    assert {tree: calls for tree, calls in found.items() if calls != told[tree // KIND]} == {}
    assert {tree // KIND for tree in found} == set(told)
    kinds = collections.Counter(e["event"] for e in events)
    assert kinds["ENTER"] == kinds["EXIT"] and not kinds["LOST"], kinds
    assert kinds["ENTER"] + left_out(events) == 300 * sum(sum(t.values()) for t in told.values())
    assert "%d filtered" % left_out(events) in errors
    _, out, errors = harness.run([harness.TRACER, "--replay", tmp_path / "record", "-o", "-"],
                                 check=0)
    assert collections.Counter(json.loads(line)["event"] for line in out.splitlines()) == kinds
    assert "%d filtered" % left_out(events) in errors


def test_parents_are_in_the_trace(space, tmp_path):
    """A call is a root, or is below one of its own tree; but for what continues a generator."""
    _, events, _ = trace(space, tmp_path, 30, "--sample", "3")
    entered = {e["span"]: e for e in events if e["event"] == "ENTER"}
    for event in entered.values():
        if not event["parent"]:
            assert event["function"] in ("opens", "continues", "left", "calls", "task") or \
                event["function"].startswith("root") or tree_of(event) // KIND == 10, event
        elif tree_of(event) // KIND != 10:  # sampled.OPENS
            assert tree_of(entered[event["parent"]]) == tree_of(event)


def tree_of(event):
    return json.loads(event["args"])["tree"]


def test_the_choice_is_by_chance(space, tmp_path):
    """10,000 roots of ten kinds, one after the other: every tenth would be all of one kind."""
    _, events, _ = trace(space, tmp_path, 1000, "--sample", "10", what=["named"])
    roots = collections.Counter(tree // KIND for tree in trees(events))
    chosen = sum(roots.values())
    assert abs(chosen - 1000) < 6 * 30, chosen  # 30: the deviation of one in 10 of 10,000
    expected = chosen / 10
    chi_square = sum((roots[kind] - expected) ** 2 / expected for kind in range(10))
    assert chi_square < 45, (chi_square, roots)  # 9 degrees of freedom: one run in a million
    print("%s: %d roots, chi-square %.1f" % (space.interpreter.name, chosen, chi_square))


def test_below_the_standard_library(space, tmp_path):
    """Without a prefix: a root is a call that no function made which is in the trace."""
    told, events, _ = trace(space, tmp_path, 800, "--sample", "4", what=["pool"], prefix=())
    found = {tree: calls for tree, calls in trees(events).items() if tree % KIND}
    assert {tree: calls for tree, calls in found.items() if calls != told[tree // KIND]} == {}
    assert abs(len(found) - 200) < 6 * (800 * 0.25 * 0.75) ** 0.5, len(found)


@pytest.mark.parametrize("n", ["0", "1"])
def test_all(space, tmp_path, n):
    told, events, errors = trace(space, tmp_path, 10, "--sample", n)
    assert len(trees(events)) == 10 * len(told) and "filtered" not in errors
    assert not left_out(events)


# ---- the depth ------------------------------------------------------------------------------------

def shallow(events, depth):
    """The same as trees() of the calls with fewer above them."""
    above = {0: -1}
    found = collections.defaultdict(collections.Counter)
    for event in events:
        if event["event"] == "ENTER":
            above[event["span"]] = above[event["parent"]] + 1
            if above[event["span"]] < depth:
                found[tree_of(event)][event["function"]] += 1
    return found


def test_depth(space, tmp_path):
    """What is left of a whole trace, and the rest is counted."""
    _, whole, _ = trace(space, tmp_path, 20)
    (tmp_path / "trace.jsonl").unlink()
    for depth in (1, 2, 3):
        _, events, errors = trace(space, tmp_path, 20, "--call-depth", str(depth))
        (tmp_path / "trace.jsonl").unlink()
        assert trees(events) == shallow(whole, depth)
        kinds = collections.Counter(e["event"] for e in events)
        assert kinds["ENTER"] == kinds["EXIT"] and not kinds["LOST"], kinds
        out = left_out(events, "call_depth")
        assert kinds["ENTER"] + out == sum(e["event"] == "ENTER" for e in whole)
        assert "%d filtered" % out in errors


def test_depth_of_some(space, tmp_path):
    """With --sample, both count what they leave out, each call once."""
    told, events, _ = trace(space, tmp_path, 40, "--sample", "2", "--call-depth", "2")
    total = 40 * sum(sum(t.values()) for t in told.values())
    out = left_out(events), left_out(events, "call_depth")
    assert all(out) and sum(out) + sum(e["event"] == "ENTER" for e in events) == total
    roots = [e for e in events if e["event"] == "ENTER" and not e["parent"]]
    assert 0 < len(roots) < 40 * len(told)


def test_depth_below_the_standard_library(space, tmp_path):
    """Its functions do not count."""
    _, events, _ = trace(space, tmp_path, 50, "--call-depth", "1", what=["pool"], prefix=())
    assert all(calls == {"calls": 1} for tree, calls in trees(events).items() if tree % KIND)
    assert len(trees(events)) >= 49


# ---- the rate -------------------------------------------------------------------------------------

def test_rate(space, tmp_path):
    """As many at once, and then as many each second; the rest is counted, and what it calls hangs
    below the nearest call that is there."""
    told, events, errors = trace(space, tmp_path, 3, "--rate", "40", what=["busy"])
    entered = [e for e in events if e["event"] == "ENTER"]
    kinds = collections.Counter(e["event"] for e in events)
    assert kinds["ENTER"] == kinds["EXIT"] and not kinds["LOST"], kinds
    out = left_out(events, "rate")
    assert len(entered) + out == told[15]["trees"] * sum(told[0].values())
    assert "%d filtered" % out in errors
    tree = {e["span"]: tree_of(e) for e in entered}
    assert all(not e["parent"] or tree[e["parent"]] == tree_of(e) for e in entered)
    for function in told[0]:
        times = [e["timestamp"] / 1e6 for e in entered if e["function"] == function]
        assert 140 < len(times) <= 40 * (1 + times[-1] - times[0]) + 1, len(times)
        assert all(len([t for t in times if first <= t < first + 1]) <= 81 for first in times)


# ---- names ----------------------------------------------------------------------------------------

def test_functions(space, tmp_path):
    """Only those, with the nearest of them as parent; calls of others are counted, by BPF or before it
    knows. A replay of what was recorded tells the same."""
    told, whole, _ = trace(space, tmp_path, 20)
    (tmp_path / "trace.jsonl").unlink()
    options = "--function", "root[0-4]", "--function", "leaf,ta?k"
    _, events, errors = trace(space, tmp_path, 20, *options, "--record", tmp_path / "record")
    named = {"leaf", "task", "root0", "root1", "root2", "root3", "root4"}
    wanted = {tree: collections.Counter({f: n for f, n in calls.items() if f in named})
              for tree, calls in trees(whole).items()}
    assert trees(events) == {tree: calls for tree, calls in wanted.items() if calls}
    kinds = collections.Counter(e["event"] for e in events)
    assert kinds["ENTER"] == kinds["EXIT"] and not kinds["LOST"], kinds
    out = left_out(events, "function")
    assert kinds["ENTER"] + out == sum(e["event"] == "ENTER" for e in whole)
    assert "%d filtered" % out in errors
    tree = {e["span"]: tree_of(e) for e in events if e["event"] == "ENTER"}
    # sampled.OPENS: one tree continues a generator of another
    assert all(tree[e["parent"]] == tree_of(e) for e in events
               if e["event"] == "ENTER" and e["parent"] and tree_of(e) // KIND != 10)
    _, text, errors = harness.run([harness.TRACER, "--replay", tmp_path / "record", "-o", "-",
                                   *options], check=0)
    again = [json.loads(line) for line in text.splitlines()]
    assert trees(again) == trees(events) and left_out(again, "function") == out


# ---- requests -------------------------------------------------------------------------------------

def differences(events, log):
    """Of the requests that are there, but for calls that are made without a context of theirs: each
    of these is a root."""
    asked = {(e["path"].split("/")[1], int(e["path"].split("/")[2]))
             for e in events if e["event"] == "HTTP_REQUEST"}
    chosen = [one for one in log if (one.target.split("/")[1], one.n) in asked]
    found = Requests([e for e in events if e["event"] != "SAMPLED"], chosen, APPS)
    alone = {what for one in log for what in one.case.alone} | {"response", "late"}
    assert all(what in alone for (n, what), count in found.alone.items() if n > 0 and count), \
        found.alone
    return chosen, [text for text in found.differences
                    if not text.startswith(("without a request", "between requests"))
                    and ": alone is " not in text]


def test_requests(space, tmp_path):
    """Every call for a request that was chosen is there, on whatever thread and in whatever task;
    and no call for another."""
    with served(space) as (process, ports), traced(space, tmp_path, process, "-P", ",".join(APPS),
                                                   "--sample", "3") as tracer:
        client = Client(ports)
        asked = [client.asked(port, case) for port, cases in
                 (("single", WSGI), ("threading", WSGI), ("task", ASGI), ("line", ASGI))
                 for case in cases]
        for one in asked[:len(WSGI)]:
            one.send()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda one: one.send(), asked[len(WSGI):]))
        time.sleep(0.3)
        events = finished(tracer, [])
        assert process.poll() is None
    chosen, wrong = differences(events, client.log)
    assert not wrong, "\n".join(wrong[:40])
    assert 0 < len(chosen) < len(client.log)
    assert left_out(events) >= len(client.log) - len(chosen)
    ids = {e["request_id"] for e in events if e["event"] == "HTTP_REQUEST"}
    assert {e["request_id"] for e in events if "request_id" in e} == ids


def test_flask_on_threads(tmp_path):
    """A thousand requests: all that is called for one or nothing, and all is counted."""
    pytest.importorskip("flask")
    process = harness.start([harness.PYTHON, harness.TARGETS / "sampled_flask.py"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    asked, calls = 1000, {"view": 1, "step": 4, "elsewhere": 1, "deep": 1, "parts": 1}

    def ask(n):
        with urllib.request.urlopen("http://127.0.0.1:%d/%d" % (port, n),
                                    timeout=harness.PATIENCE) as answer:
            assert answer.read().decode() == 2 * str(n)
    try:
        port = int(process.stdout.readline())
        with harness.Tracer(tmp_path, "-v", "-P", "__main__", "--sample", "5", "--pid",
                            str(process.pid)) as tracer:
            tracer.attached()
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                list(pool.map(ask, range(1, asked + 1)))
            time.sleep(0.2)
            assert tracer.stop() == 0
    finally:
        harness.kill_session(process)
    events = tracer.events()
    number = {e["request_id"]: int(e["path"][1:]) for e in events if e["event"] == "HTTP_REQUEST"}
    found = {n: collections.Counter() for n in number.values()}
    for event in events:
        if event["event"] == "ENTER":
            n = json.loads(event["args"])["n"]
            assert number[event["request_id"]] == n
            found[n][event["function"]] += 1
    assert {n: of for n, of in found.items() if of != calls} == {}
    kinds = collections.Counter(e["event"] for e in events)
    assert kinds["HTTP_REQUEST"] == kinds["HTTP_RESPONSE"] == len(number)
    assert kinds["ENTER"] == kinds["EXIT"] and not kinds["LOST"]
    assert len(number) + kinds["ENTER"] + left_out(events) == asked * (1 + sum(calls.values()))
    assert abs(len(number) - asked / 5) < 6 * (asked * 0.2 * 0.8) ** 0.5


# ---- as a rule, and where it cannot be -----------------------------------------------------------

def test_a_rule_of_the_file(tmp_path):
    """In place of the run's own."""
    space = harness.Interpreter("system")
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"rules": [{"sample": 4}]}))
    with space.workspace() as place:
        told, events, _ = trace(place, tmp_path, 40, "-c", settings)
        found = trees(events)
        total = 40 * sum(sum(t.values()) for t in told.values())
        assert 0 < len(found) < 40 * len(told)
        assert {tree: calls for tree, calls in found.items() if calls != told[tree // KIND]} == {}
        assert sum(sum(calls.values()) for calls in found.values()) + left_out(events) == total


@pytest.mark.parametrize("options, says", [
    (["--pid", "1", "--sample", "-1"], "not a whole number"),
    (["--pid", "1", "--sample", "1000001"], "the maximum is 1000000"),
    (["--pid", "1", "--sample", "2", "--backend", "agent"], "leave --sample"),
    (["--pid", "1", "--call-depth", "2", "--backend", "agent"], "leave --sample"),
    (["--pid", "1", "--rate", "2", "--backend", "agent"], "leave --sample"),
    (["--pid", "1", "--call-depth", "32769"], "the maximum is 32768"),
    (["--replay", harness.REPO / "tests/replay/calls.ftrec", "--sample", "2"], "live trace")])
def test_refused(options, says):
    harness.refused(2, *options, says=[says])
