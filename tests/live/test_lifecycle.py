# SPDX-License-Identifier: MIT
"""Targets that become another program, fork, or end while they are traced."""
import collections
import contextlib
import json
import random
import signal
import subprocess
import time

import harness
import pytest
from compare import Trace


class Life:
    """A run of lives.py that is attached to before it does anything. After it: calls by name and
    outcome, what the collector said, the target's status."""

    def __init__(self, space, tmp_path, *args, options=(), late=0):
        """late: programs at most whose first calls may have come before their hooks."""
        target = harness.start(
            space.interpreter.argv(space.inside(space.path / "targets/lives.py"), *args),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert target.stdout.readline() == b"ready\n"
            with harness.Tracer(tmp_path, "-v", "-P", "__main__", *options, "--backend",
                                space.interpreter.backend,
                                "--pid", str(target.pid)) as tracer:
                tracer.attached()
                target.stdin.write(b"\n")
                target.stdin.close()
                self.status = target.wait(timeout=harness.PATIENCE)
                assert tracer.wait() == 0, tracer.stderr()
                self.errors = tracer.stderr()
        finally:
            harness.kill_session(target)
        self.trace = Trace(tracer.output)
        self.calls = collections.Counter((call.function, call.outcome())
                                         for call in self.trace.calls)
        assert not self.trace.problems, self.trace.problems
        assert self.trace.lost == self.trace.reasons["late"] <= late, self.trace.reasons

    def results(self, function):
        return [call.result for call in self.trace.calls if call.function == function]


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_exec_of_the_same_python(space, tmp_path):
    """It is found and hooked again: its addresses are others."""
    python = space.interpreter.python
    script = space.inside(space.path / "targets/lives.py")
    life = Life(space, tmp_path, "exec", python, script, "last")
    assert life.results("some") == ['"exec"', '"last"'], life.errors
    assert life.calls["step", "exit"] == 20
    assert life.errors.count("CPython 3.") == 2, life.errors


def spaces_of(*names):
    """Workspaces of interpreters in one root; skips when one is missing."""
    found = {i.name: i for i in harness.interpreters()}
    for name in names:
        reason = found[name].why_not() if name in found else "no interpreter " + name
        if reason:
            pytest.skip(reason)
    return [found[name] for name in names]


@pytest.mark.live
@pytest.mark.parametrize("names", [("sid-3.14", "sid-3.15"), ("sid-3.15", "sid-3.13")], ids="-".join)
def test_exec_of_another_python(names, tmp_path):
    """Another release, in the same process; it may begin before its hooks are in, which is counted."""
    first, second = spaces_of(*names)
    with first.workspace() as space:
        script = space.inside(space.path / "targets/lives.py")
        life = Life(space, tmp_path, "exec", second.python, script, "last", late=1)
    assert life.results("some") == ['"exec"', '"last"'], life.errors
    assert life.calls["step", "exit"] == 20
    assert life.errors.count("CPython 3.") == 2, life.errors


@pytest.mark.live
def test_exec_of_a_python_of_another_kind(tmp_path):
    """Its hooks need programs that were not loaded: said in one line, the trace goes on to its end."""
    system, other = spaces_of("system", "own-3.12.1")
    with system.workspace() as space:
        script = space.path / "targets/lives.py"
        life = Life(space, tmp_path, "exec", other.python, script, "last")
        assert life.results("some") == ['"exec"']
        assert "is not traced" in life.errors and "restart the trace" in life.errors, life.errors
        (tmp_path / "trace.jsonl").unlink()
        life = Life(space, tmp_path, "exec", other.python, script, "last", options=["--follow"],
                    late=1)
    assert life.results("some") == ['"exec"', '"last"'], life.errors


@pytest.mark.live
def test_exec_of_no_python(space, tmp_path):
    """What it became is said; the trace ends with it."""
    life = Life(space, tmp_path, "exec", "/bin/true")
    assert life.results("some") == ['"exec"']
    assert life.status == 0


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("how,status", [("exit", 3), ("kill", -9)])
def test_end_in_the_middle(space, tmp_path, how, status):
    """Calls that never ended stay open and are counted as unfinished."""
    life = Life(space, tmp_path, how)
    assert life.status == (status if space.interpreter.root is None or status > 0 else -9)
    assert life.calls["deep", "open"] == 3 and life.calls["step", "exit"] == 10
    open_calls = sum(n for (_, outcome), n in life.calls.items() if outcome == "open")
    assert "%d unfinished" % open_calls in life.errors


LEAVES = {
    "sys.exit": ("import sys\ndef f(): sys.exit(3)\nf()", 3, "SystemExit", 0),
    "caught": ("import os, sys\ndef f(): sys.exit(3)\ntry: f()\nexcept SystemExit: os._exit(4)", 4,
               None, 1),
}


def ends(interpreter, script, path, how):
    """Ends a program that way; the type of the exception that its module was left by."""
    source, status, left, unfinished = LEAVES[how]
    script.write_text(source)
    got, _, errors = harness.run(
        [harness.TRACER, "-P", "__main__", "-o", path, "--backend", interpreter.backend, "--",
         *interpreter.argv("/" + str(script.relative_to(interpreter.root or "/")))], timeout=30)
    assert got == status and " %d unfinished" % unfinished in errors, errors
    trace = Trace(path)
    assert not trace.problems and not trace.lost, trace.problems
    exits = {event["function"]: event["exception"]["type"] for event in
             map(json.loads, path.read_text().splitlines()) if event["event"] == "EXIT"}
    assert exits == {"f": "SystemExit", **({"<module>": left} if left else {})}


@pytest.mark.live
def test_sys_exit(space, tmp_path):
    """No code runs any more that would show that the module was left."""
    ends(space.interpreter, space.path / "end.py", tmp_path / "trace", "sys.exit")


@pytest.mark.live
def test_an_end_that_is_no_exit(tmp_path):
    """A module that handles the exception, and then ends the process, was not left by it."""
    for interpreter in spaces_of("system", "own-3.8.18", "own-3.12.1"):
        with interpreter.workspace() as space:
            ends(interpreter, space.path / "end.py", tmp_path / interpreter.name, "caught")


@pytest.mark.live
@pytest.mark.parametrize("follow", [False, True], ids=["alone", "follow"])
def test_fork(space, tmp_path, follow):
    """A child is traced with --follow, and only then."""
    life = Life(space, tmp_path, "fork", options=["--follow"] if follow else [])
    assert life.status == 0
    assert sorted(life.results("some")) == sorted(
        ['"fork"', '"parent"'] + (['"child"'] if follow else []))


# Starts itself again, which forks at once; all three make calls until they are ended.
DORMANT = """
import os, sys, time
def tick(n):
    return n + 1
if len(sys.argv) == 1:
    print("ready", flush=True)
    sys.stdin.readline()
    if not os.fork():
        os.execv(sys.executable, [sys.executable, __file__, "again"])
else:
    os.fork()
    print(os.getpid(), flush=True)
n = 0
while True:
    n = tick(n)
    time.sleep(0.005)
"""


@contextlib.contextmanager
def followed(tmp_path, text, *args):
    """A program that waits for a line, and its collector with --follow; yields both."""
    script = tmp_path / "script.py"
    script.write_text(text)
    target = harness.start([harness.PYTHON, script, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert target.stdout.readline() == b"ready\n"
        with harness.Tracer(tmp_path, "-v", "-f", "-P", "__main__", "-p", target.pid) as tracer:
            tracer.attached()
            yield target, tracer
    finally:
        target.stdout.close()
        harness.kill_session(target)


@contextlib.contextmanager
def unwatched(target, tracer):
    """The program goes on while the collector is stopped."""
    tracer.process.send_signal(signal.SIGSTOP)
    target.stdin.write(b"\n")
    target.stdin.flush()
    yield
    tracer.process.send_signal(signal.SIGCONT)


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_fork_while_dormant(tmp_path):
    """After an exec a process is not hooked until user space has looked at it. A child that it
    forks before that is hooked then too."""
    with followed(tmp_path, DORMANT) as (target, tracer):
        with unwatched(target, tracer):
            pids = {target.pid, *(int(target.stdout.readline()) for _ in range(2))}
            time.sleep(0.2)
        harness.wait_for("calls of all; " + tracer.stderr(),
                         lambda: {e["pid"] for e in tracer.events()} == pids)
        assert tracer.stop() == 0, tracer.stderr()
    trace = Trace(tracer.output)
    assert not trace.problems and not trace.lost, trace.problems


# Starts others that are over at once: by fork and exec, vfork and exec, and one that execs itself.
SHORT = """
import os, subprocess, sys
def short(n):
    return n
argv = [sys.executable, __file__]
if len(sys.argv) == 2:
    short(1)
    if sys.argv[1] == "2":
        os.execv(sys.executable, argv + ["1"])
else:
    print("ready", flush=True)
    sys.stdin.readline()
    subprocess.run(argv + ["1"], check=True)
    subprocess.run(argv + ["1"], check=True, close_fds=False)
    subprocess.run(argv + ["2"], check=True)
    print("over", flush=True)
    sys.stdin.readline()
    short(0)
"""


def calls_and_losses(tracer):
    """How often each (event, argument) came; how much was lost, by reason."""
    calls, lost = collections.Counter(), collections.Counter()
    for event in tracer.events():
        if event["event"] == "LOST":
            lost[event["reason"]] += event["count"]
        elif event.get("function") == "short":
            n = json.loads(event["args"])["n"] if "args" in event else int(event["result"])
            calls[event["event"], n] += 1
    return calls, lost


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_programs_over_before_they_are_looked_at(tmp_path):
    """Others with their file are hooked: from their first call on they are traced all the same."""
    if harness.kernel() < (5, 15):
        pytest.skip("the kernel has no cookies of probes (5.15)")
    with followed(tmp_path, SHORT) as (target, tracer):
        with unwatched(target, tracer):
            assert target.stdout.readline() == b"over\n"
        target.stdin.close()
        assert target.wait(20) == 0 and tracer.wait() == 0, tracer.stderr()
    calls, lost = calls_and_losses(tracer)
    assert not lost
    assert calls == {("ENTER", 0): 1, ("EXIT", 0): 1, ("ENTER", 1): 4, ("EXIT", 1): 4}


# Starts one of another interpreter, whose file has no hooks before that is looked at.
OTHER = """
import subprocess, sys
CODE = '''
import sys
def short(n):
    return n
short(1)
print("over", flush=True)
sys.stdin.readline()
%s
'''
print("ready", flush=True)
sys.stdin.readline()
subprocess.run([sys.argv[1], "-c", CODE], check=True)
"""


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("again", [True, False], ids=["calls again", "never again"])
def test_program_that_began_before_its_hooks(tmp_path, again):
    """It is counted, whether later calls of it are seen or there are none."""
    _, other = spaces_of("system", "own-3.12.1")
    code = OTHER % ("short(2)" if again else "")
    with followed(tmp_path, code, other.python) as (target, tracer):
        with unwatched(target, tracer):
            assert target.stdout.readline() == b"over\n"
        harness.wait_for("hooks", lambda: "CPython 3.12" in tracer.stderr())
        target.stdin.close()
        assert target.wait(20) == 0 and tracer.wait() == 0, tracer.stderr()
    calls, lost = calls_and_losses(tracer)
    assert calls == ({("ENTER", 2): 1, ("EXIT", 2): 1} if again else {}) and lost == {"late": 1}


FORKED = """
import os, time
def fail():
    raise ValueError("child")
def child():
    try:
        fail()
    except ValueError:
        pass
    time.sleep(0.3)
    os._exit(0)
%s
os.fork() or child()
os.wait()
"""


@pytest.mark.live
@pytest.mark.parametrize("before", ["", "try: fail()\nexcept ValueError: pass"],
                         ids=["first", "again"])
def test_names_of_classes_in_a_child(tmp_path, before):
    """The page with the name of a built-in exception is not there for BPF in a fresh child."""
    with harness.Tracer(tmp_path, "-P", "__main__", "--", harness.PYTHON, "-c",
                        FORKED % before) as tracer:
        assert tracer.wait(20) == 0
    types = {event["exception"]["type"] for event in tracer.events()
             if event["event"] == "EXCEPTION"}
    assert types == {"ValueError"}


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_end_while_attaching(tmp_path):
    """Whenever it ends: status 0, or 3 with one line; nothing stays behind."""
    chance = random.Random(2)
    for _ in range(12):
        target = harness.start([harness.PYTHON, "-c", "import time\ndef f(): pass\nwhile 1: f()"])
        try:
            with harness.Tracer(tmp_path, "-q", "-P", "__main__", "--pid", str(target.pid)) as tracer:
                time.sleep(chance.uniform(0, 0.5))
                target.kill()
                target.wait()
                status = tracer.wait()
                assert status in (0, 3), tracer.stderr()
                assert (status == 3) == bool(tracer.stderr()), tracer.stderr()
                assert harness.lines_said(tracer.stderr()) <= 1
        finally:
            harness.kill_session(target)


@pytest.mark.live
@pytest.mark.parametrize("options,calls", [([], ["child", "parent"]), (["--no-follow"], ["parent"])])
def test_children_of_a_command(options, calls, tmp_path):
    """They are traced unless --no-follow says that only the command is."""
    program = """
import subprocess, sys
def parent():
    subprocess.run([sys.executable, "-c", "def child(): pass\\nchild()"], check=True)
parent()
"""
    _, _, errors = harness.run([harness.TRACER, "-P", "__main__", "-o", tmp_path / "out", *options,
                                "--", harness.PYTHON, "-c", program], check=0)
    events = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert sorted(event["function"] for event in events if event["event"] == "ENTER" and
                  event["function"] != "<module>") == calls
    assert harness.lost_in_summary(errors) == 0


@pytest.mark.live
def test_no_follow_of_a_shell(tmp_path):
    """It says why nothing was traced."""
    status, _, errors = harness.run([harness.TRACER, "-o", tmp_path / "out", "--no-follow", "--", "sh",
                                     "-c", '"$0" -c pass; :', harness.PYTHON])
    assert (status, errors) == (3, "flowtrace-bpf: 'sh' ran no Python itself (--no-follow leaves its "
                                   "children out)\n")
