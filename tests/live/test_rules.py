# SPDX-License-Identifier: MIT
"""Rules of the configuration file: what is asked for of a process, by the pod that it is in."""
import contextlib
import json
import os
import signal
import subprocess

import event_schema
import harness
import pytest
import test_containers as containers

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]

# Two modules, of which each call is made when asked for. hold(): a call that is open meanwhile.
PROGRAM = """
import os, sys, time, types
def module(name):
    m = types.ModuleType(name)
    exec('''
import time
def call(text):
    return text * 2
def gen(text):
    for i in range(3):
        yield text
def hold(path):
    import os
    print("done", flush=True)
    while os.path.exists(path):
        time.sleep(0.01)
    return "held"
''', m.__dict__)
    return m
rulesa, rulesb = module("rulesa"), module("rulesb")
print("ready", flush=True)
for line in sys.stdin:
    what, *rest = line.split()
    if what == "calls":
        rulesa.call("a"), rulesb.call("b")
        list(rulesa.gen("a")), list(rulesb.gen("b"))
    elif what == "fork":
        pid = os.fork()
        if not pid:
            while os.path.exists(rest[0]):
                time.sleep(0.01)
            rulesa.call("child"), rulesb.call("child")
            os._exit(0)
    elif what == "wait":
        os.wait()
    elif what == "hold":
        rulesa.hold(rest[0])
        continue
    print("done", flush=True)
"""


@contextlib.contextmanager
def program(path, where=None):
    script = path / "rules_program.py"
    script.write_text(PROGRAM)
    process = harness.start([harness.own_python(), script], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        if where:
            where.add(process.pid)
        yield process
    finally:
        harness.kill_session(process)


def say(process, line="calls"):
    process.stdin.write(line + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


def config(path, *rules, **more):
    """Puts a file with these rules in the place of the one that is there, as an editor does."""
    file, new = path / "config.json", path / "config.new"
    new.write_text(json.dumps({"rules": rules, **more}))
    os.replace(new, file)
    return file


def calls(events, pid):
    """The functions of that process that have both lines, each once."""
    entered = {e["span"]: e for e in events if e["event"] == "ENTER" and e["pid"] == pid}
    left = {e["span"] for e in events if e["event"] == "EXIT" and e["pid"] == pid}
    return {"%s.%s" % (e["module"], e["function"]) for s, e in entered.items() if s in left}


def checked(tracer):
    events = tracer.events()
    for event in events:
        event_schema.check(json.dumps(event))
    return events


def wait_for_calls(tracer, process, want, timeout=20):
    """Until a new round of calls is traced as is wanted; the lines of that round."""
    def round_of_calls():
        before = len(tracer.events())
        say(process)
        harness.wait_for("its lines", lambda: quiet(tracer), pause=0.3)
        events = tracer.events()[before:]
        return events if calls(events, process.pid) == want else None
    return harness.wait_for("calls %s" % want, round_of_calls, timeout, pause=0.2)


def quiet(tracer):
    """No more lines come: what was called is written after a tenth of a second."""
    size = tracer.output.stat().st_size if tracer.output.exists() else -1
    if getattr(tracer, "size", None) == size:
        return True
    tracer.size = size
    return False


A = {"rulesa.call", "rulesa.gen"}
B = {"rulesb.call", "rulesb.gen"}


def test_each_pod_has_its_own(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    with containers.pod() as first, containers.pod() as second, \
            containers.logs(tmp_path, first, "web") as before, \
            program(tmp_path, first) as inside, program(tmp_path, second) as other:
        rules = config(tmp_path, {"namespace": "pr*", "container": "web", "prefix": ["rulesa"]},
                       {"container": second.container[:12], "prefix": "rulesb",
                        "capture": {"args": False, "max_arg_length": 50}},
                       {"prefix": ["nothing"]}, prefix="rulesa,rulesb")
        recording = tmp_path / "recording"
        pids = "%d,%d" % (inside.pid, other.pid)
        with harness.Tracer(tmp_path, "-c", rules, "--pid", pids, "--record", recording,
                            before=before) as tracer:
            tracer.attached()
            # Names that no log folder has yet are waited for.
            wait_for_calls(tracer, inside, A)
            wait_for_calls(tracer, other, B)
            assert tracer.stop() == 0
        events = checked(tracer)
        assert calls(events, inside.pid) == A
        assert calls(events, other.pid) == B
        enter = {e["module"]: e for e in events if e["event"] == "ENTER" and e["function"] == "call"}
        assert enter["rulesa"]["args"] == '{"text": "a"}' and "truncatedFields" not in enter["rulesa"]
        assert enter["rulesb"]["args"] == "{}"
        assert enter["rulesb"]["truncatedFields"] == {"args": {"threshold": 0}}
        # The recording gives the same lines, and with a prefix those of it that have it.
        for options, output in ([], one), (["--prefix", "rulesb"], two):
            harness.run([harness.TRACER, "--replay", recording, "-o", output, *options], check=0)
        assert lines_but_spans(one) == lines_but_spans(tracer.output)
        assert {json.loads(line)["module"] for line in two.read_text().splitlines()} == {"rulesb"}


def lines_but_spans(path):
    """Numbers of spans are random."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    for event in found:
        event.pop("span", None)
        event.pop("parent", None)
    return found


@pytest.mark.parametrize("how", ["file", "SIGHUP", "link"])
def test_a_change_holds_from_then_on(tmp_path, how):
    gate, gate_of_child = tmp_path / "gate", tmp_path / "child"
    gate.touch(), gate_of_child.touch()
    if how == "link":  # as a mounted ConfigMap changes
        for name, prefix in ("old", "rulesa"), ("new", "rulesb"):
            (tmp_path / name).mkdir()
            config(tmp_path / name, {"prefix": prefix})
        (tmp_path / "data").symlink_to("old")
        file = tmp_path / "data" / "config.json"
    else:
        file = config(tmp_path, {"prefix": "rulesa"})
    with program(tmp_path) as process:
        with harness.Tracer(tmp_path, "-c", file, "--pid", process.pid, "--follow") as tracer:
            tracer.attached()
            wait_for_calls(tracer, process, A)
            say(process, "fork %s" % gate_of_child)
            say(process, "hold %s" % gate)
            if how == "link":
                (tmp_path / "next").symlink_to("new")
                os.replace(tmp_path / "next", tmp_path / "data")
            else:
                config(tmp_path, {"prefix": "rulesb"})
            if how == "SIGHUP":
                tracer.process.send_signal(signal.SIGHUP)
            harness.wait_for("the rules are read",
                             lambda: "were read anew: 1" in tracer.stderr())
            gate.unlink()
            events = wait_for_calls(tracer, process, B)
            assert not [e for e in events if e.get("module") == "rulesa" and e["event"] == "ENTER"]
            gate_of_child.unlink()
            say(process, "wait")
            assert tracer.stop() == 0
        events = checked(tracer)
        assert ({e["span"] for e in events if e["event"] == "EXIT"}
                == {e["span"] for e in events if e["event"] == "ENTER"})
        held = [e["event"] for e in events if e.get("function") == "hold"]
        assert held == ["ENTER", "EXIT"]
        [result] = [e["result"] for e in events if e["event"] == "EXIT" and e["function"] == "hold"]
        assert result == '"held"'
        children = {e["pid"] for e in events if "pid" in e} - {process.pid}
        assert len(children) == 1
        assert calls(events, children.pop()) == {"rulesb.call"}
        assert not [e for e in events if e["event"] == "LOST"]


def test_a_broken_file_changes_nothing(tmp_path):
    file = config(tmp_path, {"prefix": "rulesa"})
    with program(tmp_path) as process:
        with harness.Tracer(tmp_path, "-c", file, "--pid", process.pid) as tracer:
            tracer.attached()
            wait_for_calls(tracer, process, A)
            config(tmp_path, {"prefix": "rulesb"}, {"prefix": "x", "color": "red"})
            harness.wait_for("a note", lambda: "rules[1].color" in tracer.stderr())
            wait_for_calls(tracer, process, A)
            file.unlink()
            harness.wait_for("a note", lambda: "cannot read" in tracer.stderr())
            wait_for_calls(tracer, process, A)
            config(tmp_path)
            harness.wait_for("the rules are read", lambda: "read anew: 0" in tracer.stderr())
            wait_for_calls(tracer, process, A | B)
            assert tracer.stop() == 0
        assert tracer.stderr().count("rules stay") == 2


def test_a_rule_that_comes_later_chooses_among_all(tmp_path):
    """With --all, and no rules at the start."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"prefix": "rulesa"}))
    with program(tmp_path) as process:
        with harness.Tracer(tmp_path, "-c", file, "--all") as tracer:
            tracer.attached()
            wait_for_calls(tracer, process, A)
            config(tmp_path, {"prefix": "rulesb"})
            wait_for_calls(tracer, process, B)
            with program(tmp_path) as new:
                wait_for_calls(tracer, new, B)
            assert tracer.stop() == 0


@pytest.mark.parametrize("rule, says", [
    ({"namespaces": "x"}, "rules[1].namespaces: unknown key"),
    ({"sample": -1}, "rules[1].sample: \"-1\" is not a whole number"),
    ({"namespace": 5}, "rules[1].namespace: 5 is not a text"),
    ({"label": []}, "rules[1].label: needs a pattern"),
    ({"prefix": [["a"]]}, "rules[1].prefix:"),
    ({"capture": {"max-depth": 99}}, "rules[1].capture.max-depth: 99 is too large"),
    ({"capture": {"args": "no"}}, "rules[1].capture.args:"),
    ({"capture": {"output": "x"}}, "rules[1].capture.output: unknown key"),
    ({"capture": []}, "rules[1].capture:"),
    ({"output": "x"}, "rules[1].output: unknown key"),
    ("x", "rules[1]:"),
])
def test_a_wrong_rule_is_wrong_usage(tmp_path, rule, says):
    file = config(tmp_path, {"prefix": "a"}, rule)
    harness.refused(2, "-c", file, "--pid", os.getpid(), says=[str(file), says])


@pytest.mark.parametrize("value, says", [({}, "rules: { } is not a list"),
                                         ([{}] * 65, "rules: more than 64")])
def test_wrong_rules_are_wrong_usage(tmp_path, value, says):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"rules": value}))
    harness.refused(2, "-c", file, "--pid", os.getpid(), says=[says])
