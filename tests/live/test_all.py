# SPDX-License-Identifier: MIT
"""--all: every Python process of the machine, those that run and those that come."""
import collections
import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import harness
import pytest
from test_containers import pod

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
MODULE = "node_program"  # no other process of the machine has it
SOURCE = """
import sys, time
def tick(number):
    return number
def run(count, pause):
    for number in range(count):
        tick(number)
        time.sleep(pause)
    print("done", flush=True)
    sys.stdin.read()
"""


class Node:
    """A folder with the module, and processes that run it until the end of the test."""

    def __init__(self, path, stack):
        self.path, self.stack = path, stack
        (path / (MODULE + ".py")).write_text(SOURCE)

    def begin(self, python, count, pause=0.01, before=()):
        program = "import %s; %s.run(%d, %g)" % (MODULE, MODULE, count, pause)
        process = harness.start([*before, python, "-c", program], cwd=self.path, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)
        self.stack.callback(harness.kill_session, process)
        self.stack.callback(process.stdout.close)
        self.stack.callback(process.stdin.close)
        return process

    def run(self, *args, **options):
        """One that comes to its end; returns its pid."""
        process = self.begin(*args, **options)
        assert process.stdout.readline() == b"done\n"
        process.stdin.close()
        assert process.wait(timeout=harness.PATIENCE) == 0
        return process.pid

    def tracer(self, *options):
        return NodeTracer(self.path, "-v", "--all", "-P", MODULE, *options)


def states(tracer):
    """[[state, reason]], of which each is later than the one before."""
    told = [event for event in tracer.events() if event["event"] == "STATE"]
    assert [event["timestamp"] for event in told] == sorted(event["timestamp"] for event in told)
    return [[event["state"], event.get("reason")] for event in told]


class NodeTracer(harness.Tracer):
    """Is attached when all that ran before is hooked, however busy the machine is."""

    def __init__(self, directory, *options, **how):
        super().__init__(directory, *options, **how)
        self.before = len(states(self))

    def attached(self, timeout=60):
        super().attached(timeout)
        harness.wait_for("its begin", lambda: len(states(self)) > self.before, timeout)


@pytest.fixture(name="node")
def a_node(tmp_path):
    with contextlib.ExitStack() as stack:
        yield Node(tmp_path, stack)


def calls(tracer):
    """{pid: the number of its calls that ended}"""
    return collections.Counter(event["pid"] for event in tracer.events()
                               if event["event"] == "EXIT" and event["function"] == "tick")


def test_old_and_new(node):
    """Those of before from now on; new ones from their first call, whoever starts them, where the
    interpreter is known; else what came first is counted."""
    own = harness.own_python()
    running = [node.begin(harness.PYTHON, 10000), node.begin(own, 10000)]
    other = node.path / "python-other"
    shutil.copy("/usr/bin/python3", other)
    with node.tracer() as tracer:
        tracer.attached()
        whole = [node.run(harness.PYTHON, 30), node.run(own, 30)]
        below = node.begin(harness.PYTHON, 30, before=["sh", "-c", '"$@"; :', "sh"])
        assert below.stdout.readline() == b"done\n"
        first = node.run(other, 200)
        second = node.run(other, 30)
        assert tracer.stop(signal.SIGINT) == 0
    seen = calls(tracer)
    assert all(seen[process.pid] > 10 for process in running), seen
    assert [seen[pid] for pid in whole] == [30, 30], seen
    assert 50 < seen[first] <= 200 and seen[second] == 30, seen
    assert len(seen) == 7 and min(seen.values()) >= 30, seen
    # Others on this machine may begin a Python that is new to the collector too.
    lost = [event for event in tracer.events() if event["event"] == "LOST"]
    assert {event["reason"] for event in lost} <= {"late"}, lost
    assert seen[first] == 200 or lost


def test_states(node):
    """The trace says when the node was traced: a run that is asked to end, one that is killed, one
    that has its number of events, one that has its time; all in one file."""
    with node.tracer() as tracer:
        tracer.attached()
        assert tracer.stop(signal.SIGINT) == 0
    assert tracer.events()[-1]["event"] == "STATE"
    with node.tracer() as tracer:
        tracer.attached()
        tracer.process.kill()
        tracer.process.wait(timeout=10)
    with node.tracer("-n", "5") as tracer:
        tracer.attached()
        node.begin(harness.PYTHON, 10)
        assert tracer.process.wait(timeout=30) == 0
    # Another Python of the machine may have been late, which is an event too.
    assert 0 < sum(event["event"] in ("ENTER", "EXIT") for event in tracer.events()) <= 5
    with node.tracer("-d", "5") as tracer:
        assert tracer.process.wait(timeout=30) == 0
    assert states(tracer) == [["attached", None], ["detached", "signal"], ["attached", None],
                              ["attached", None], ["detached", "events"], ["attached", None],
                              ["detached", "duration"]]


def test_one_process_has_no_states(node):
    process = node.begin(harness.PYTHON, 10000)
    with harness.Tracer(node.path, "-p", process.pid, "-d", "1") as tracer:
        assert tracer.process.wait(timeout=30) == 0
    assert tracer.events() and not states(tracer)


def test_other_programs(node):
    """What begins as Python and becomes another program is left alone, and found again."""
    program = "import os; os.execvp('sh', ['sh', '-c', 'sleep 0.3; exec \"$0\" \"$@\"', %s, '-c', %s])"
    again = "import %s; %s.run(30, 0)" % (MODULE, MODULE)
    with node.tracer() as tracer:
        tracer.attached()
        process = harness.start([harness.PYTHON, "-c", program % (repr(harness.PYTHON), repr(again))],
                                cwd=node.path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        assert process.wait(timeout=harness.PATIENCE) == 0
        assert tracer.stop(signal.SIGINT) == 0
    assert calls(tracer) == {process.pid: 30}
    assert "pid %d is not traced" % process.pid not in tracer.stderr(), tracer.stderr()


def test_too_many(node):
    """More processes than there is room for: counted, and said."""
    with node.tracer("--max-processes", "4") as tracer:
        tracer.attached()
        for process in [node.begin(harness.PYTHON, 30) for _ in range(8)]:
            assert process.stdout.readline() == b"done\n"
        assert tracer.stop(signal.SIGINT) == 0
    assert len(calls(tracer)) <= 4
    assert "procs_full: calls of processes for which there was no room: raise --max-processes" in (
        tracer.stderr()), tracer.stderr()


def inside(where):
    """What starts a program in the container of a pod."""
    return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', where.cgroup]


def begin_and_do(node, where, count):
    process = node.begin(harness.PYTHON, count, before=inside(where) if where else ())
    assert process.stdout.readline() == b"done\n"
    return process.pid


def test_chosen(node):
    """Nothing of another container, nor of none, is in the trace; what is says which it is of."""
    with pod() as ours, pod() as other:
        running = [node.begin(harness.PYTHON, 10000, before=inside(where)) for where in (ours, other)]
        with node.tracer("--container", ours.container[:20] + "*") as tracer:
            tracer.attached()
            for where in (other, None, ours, other, None):
                pid = begin_and_do(node, where, 200)
                if where is ours:
                    running.append(pid)
            assert tracer.stop(signal.SIGINT) == 0
        node.stack.close()
    seen = calls(tracer)
    assert set(seen) == {running[0].pid, running[2]}, (seen, running)
    assert seen[running[0].pid] > 10 and 100 < seen[running[2]] <= 200, seen
    lost = {event["reason"] for event in tracer.events() if event["event"] == "LOST"}
    assert lost <= {"late"} and (lost or seen[running[2]] == 200), lost
    told = [event for event in tracer.events() if event["event"] == "EXIT"]
    assert {event.get("container") for event in told} == {ours.container}
    assert {event["k8s"]["uid"] for event in told} == {ours.uid}


def test_who_it_is(node):
    """The first lines of a new process say it too, though it was not examined before."""
    with pod() as ours:
        with node.tracer() as tracer:
            tracer.attached()
            node.run(harness.PYTHON, 1)
            pid = begin_and_do(node, ours, 30)
            assert tracer.stop(signal.SIGINT) == 0
        node.stack.close()
    told = [event for event in tracer.events() if event["event"] == "ENTER" and event["pid"] == pid]
    assert len(told) >= 30 and {event.get("container") for event in told} == {ours.container}


@contextlib.contextmanager
def apart(node, program, count):
    """What starts it when it is called, and returns its pid: no process that the collector knows
    does, since it has seen that the shell is not Python."""
    shell = node.begin(program, count, before=["sh", "-c", 'read -r line; "$@"; :', "sh"])
    time.sleep(2)

    def start():
        shell.stdin.write(b"\n")
        shell.stdin.flush()
        children = Path("/proc/%d/task/%d/children" % (shell.pid, shell.pid))
        return int(harness.wait_for("it runs", children.read_text))
    yield start


def is_seen(pid, tracer):
    return lambda: calls(tracer)[pid] > 10


def test_another_name(node):
    """An interpreter in a program whose name does not say so; the second time from its first call."""
    program = shutil.copy("/usr/bin/python3", node.path / "business-logic")
    with node.tracer() as tracer:
        tracer.attached()
        with apart(node, program, 10000) as start:
            first = start()
            harness.wait_for("its calls", is_seen(first, tracer), 30)
        with apart(node, program, 30) as start:
            second = start()
            harness.wait_for("all calls", lambda: calls(tracer)[second] == 30)
        assert tracer.stop(signal.SIGINT) == 0
    began = [event["function"] for event in tracer.events()
             if event["event"] == "ENTER" and event["pid"] == first]
    lost = {event["reason"] for event in tracer.events() if event["event"] == "LOST"}
    assert lost <= {"late"} and (lost or began[0] == "<module>"), (lost, began[0])


def test_reports_of_the_kernel_are_lost(node):
    """The collector does not run while more is mapped than there is room for: it looks at all."""
    program = shutil.copy("/usr/bin/python3", node.path / "business-logic")
    flood = "i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i + 1)); done"
    with node.tracer() as tracer:
        tracer.attached()
        with apart(node, program, 10000) as start:
            tracer.process.send_signal(signal.SIGSTOP)
            for cpu in map(str, range(os.cpu_count())):
                harness.run(["taskset", "-c", cpu, "sh", "-c", flood], check=0)
            pid = start()
            time.sleep(1)
            tracer.process.send_signal(signal.SIGCONT)
            for cpu in map(str, range(os.cpu_count())):  # the kernel tells with the next report
                harness.run(["taskset", "-c", cpu, "/bin/true"], check=0)
            harness.wait_for("its calls", is_seen(pid, tracer), 30)
        assert tracer.stop(signal.SIGINT) == 0
