# SPDX-License-Identifier: MIT
"""--gc: are the collections of a trace those that the interpreter itself tells of (gc.callbacks)?"""
import contextlib
import json
import re
import signal
import subprocess
import time

import event_schema
import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]

# Neither dtrace probes nor a function that is a collection: it is inlined, the file is stripped, or
# (3.13) it may return without one.
BLIND = re.compile(r"own-3\.(8|9|13)\.|bullseye-inferred")


@contextlib.contextmanager
def collecting(space):
    """A process that collects when it gets a line."""
    script = space.inside(space.path / "targets" / "collects.py")
    process = harness.start(space.interpreter.argv(script), stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        harness.kill_session(process)


def told(process, line=""):
    """What its callbacks were told: [generation, objects, who asked, on another thread]."""
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def events_of(tracer):
    """Of many calls: only the other lines are checked."""
    events = tracer.events()
    for event in events:
        if event["event"] in ("GC", "LOST"):
            event_schema.check(json.dumps(event))
    return events


def trace(space, path, *options):
    """(what was told, events, standard error) of one run."""
    with collecting(space) as process:
        with harness.Tracer(path, "-v", "--prefix", "__main__", "--pid", str(process.pid),
                            "--backend", space.interpreter.backend, *options) as tracer:
            tracer.attached()
            seen = told(process)
            assert tracer.wait() == 0, tracer.stderr()
    return seen, events_of(tracer), tracer.stderr()


def collections(events):
    """As the callbacks tell of them; who asked: by the parent."""
    names = {e["span"]: e["function"] for e in events if e["event"] == "ENTER"}
    return [[e["generation"], e["collected"], names.get(e["parent"]), e["tid"] != e["pid"]]
            for e in events if e["event"] == "GC"]


def test_every_collection(space, tmp_path):
    seen, events, errors = trace(space, tmp_path, "--gc")
    if BLIND.match(space.interpreter.name):
        assert errors.count("not seen: garbage collections (--gc)") == 1
        assert not collections(events) and len(events) > 100
        return
    assert "not seen: garbage" not in errors and len(seen) > 12
    got = collections(events)
    assert len(got) == len(seen)
    for one, other in zip(got, seen):
        if other[2] is None:  # nobody asked: it may be while a function is being entered
            one[2] = None
        assert one == other
    assert all(one["thread"] in ("MainThread", "other") for one in events if one["event"] == "GC")
    assert not [e for e in events if e["event"] == "LOST"]


def test_calls_are_the_same_with_it(space, tmp_path):
    """But for those that the collector itself makes."""
    def calls(*options):
        path = tmp_path / str(len(options))
        path.mkdir()
        _, events, _ = trace(space, path, *options)
        return [(e["event"], e["function"], e["tid"] == e["pid"])
                for e in events if e["event"] in ("ENTER", "EXIT") and
                e["function"] not in ("told", "__init__", "__del__", "called")]
    assert calls("--gc") == calls()


def test_no_program_of_it_without_it(tmp_path):
    """Also where any process may come that needs one."""
    def loaded(*options):
        with harness.Tracer(tmp_path, "-v", *options, "--", harness.own_python(), "-c",
                            "import time; time.sleep(20)") as tracer:
            tracer.attached()
            held = harness.bpf_ids([tracer.process.pid])
            names = {p["name"] for p in harness.bpftool("prog", "show")
                     if ("prog", p["id"]) in held and "name" in p}
            assert tracer.stop() == 0
        return {name for name in names if name.startswith("ft_gc")}
    assert loaded() == set()
    assert loaded("--gc") == {"ft_gc_start", "ft_gc_done", "ft_gc_return"}


CHILD = "import gc\ndef f():\n    gc.collect(1)\nf()\nf()"
PARENT = ("import subprocess, sys\nfor _ in range(4):\n"
          "    subprocess.run([sys.executable, '-c', %r])" % CHILD)


def test_children_too(space, tmp_path):
    """Each is mapped elsewhere, where the interpreter is a library."""
    if BLIND.match(space.interpreter.name):
        pytest.skip("it shows none")
    with harness.Tracer(tmp_path, "-v", "--gc", "--prefix", "__main__", "--backend",
                        space.interpreter.backend, "--",
                        *space.interpreter.argv("-c", PARENT)) as tracer:
        assert tracer.wait(60) == 0, tracer.stderr()
    events = events_of(tracer)
    calls = {e["span"]: e["pid"] for e in events if (e["event"], e.get("function")) ==
             ("ENTER", "f")}
    asked = [e for e in events if e["event"] == "GC" and e["parent"] in calls and
             e["generation"] == 1]
    assert len(calls) == 8 and len(set(calls.values())) == 4
    assert {e["parent"] for e in asked} == set(calls)
    assert all(e["pid"] == calls[e["parent"]] for e in asked)


def test_what_does_not_fit_is_lost(tmp_path):
    """A ring of one page, which nobody empties."""
    space = harness.Interpreter("system")
    with space.workspace() as place, collecting(place) as process:
        with harness.Tracer(tmp_path, "-v", "--gc", "--buffer", "4096", "--prefix", "none",
                            "--pid", str(process.pid)) as tracer:
            tracer.attached()
            tracer.process.send_signal(signal.SIGSTOP)
            harness.wait_for("it stops", lambda: harness.state(tracer.process.pid) == "T")
            seen = told(process, "300")
            time.sleep(0.1)
            tracer.process.send_signal(signal.SIGCONT)
            tracer.wait()
    events = events_of(tracer)
    lost = [e for e in events if e["event"] == "LOST"]
    assert {e["reason"] for e in lost} == {"ring_full"} and len(seen) == 300
    assert len(collections(events)) + sum(e["count"] for e in lost) == 300


def test_check_tells_of_it(space):
    with collecting(space) as process:
        _, out, _ = harness.run([harness.TRACER, "--check", "--json", "--gc", "--pid",
                                 str(process.pid)], check=0)
        _, without, _ = harness.run([harness.TRACER, "--check", "--json", "--pid",
                                     str(process.pid)], check=0)
    said, without = json.loads(out), json.loads(without)
    blind = bool(BLIND.match(space.interpreter.name))
    assert any("garbage collections (--gc)" in text for text in said["unseen"]) == blind
    seen = [hook["sees"] for hook in said["hooks"]]
    assert ("collection begins" in seen, "collection ends" in seen) == (not blind, not blind)
    assert "garbage" not in str(without) and "collection" not in str(without)
