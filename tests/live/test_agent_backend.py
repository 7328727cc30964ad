# SPDX-License-Identifier: MIT
"""--backend agent: the collector listens at the probes of flowtrace_agent. What it then writes is
what the agent in the process writes itself."""
import collections
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import harness
import pytest

sys.path.append(str(harness.REPO / "agent_ext"))
import intree  # noqa: E402

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
SYSTEM = harness.Interpreter("system")
OTHERS = [i for i in intree.distinct(harness.interpreters()) if i.root]
PROBES = ("function__entry", "function__return", "function__exception", "name", "listener")
UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


class Place:
    """A folder that an interpreter sees too, with the package and the target."""

    def __init__(self, interpreter, path):
        self.interpreter, self.path = interpreter, path
        shutil.copytree(intree.BUILD / interpreter.name, path / "package")
        shutil.copy(harness.TARGETS / "agent_calls.py", path)
        self.own = path / "own.jsonl"

    def inside(self, path):
        root = self.interpreter.root
        return str(path) if root is None else "/" + str(path.relative_to(root))

    @contextlib.contextmanager
    def target(self, *words, before=()):
        """The target, which runs; its standard input ends it."""
        argv = [*before, *self.interpreter.argv(self.inside(self.path / "agent_calls.py"),
                                                self.inside(self.own), *words)]
        env = harness.environment(PYTHONPATH=self.inside(self.path / "package"))
        process = harness.start(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.stdin.close()
            process.stdout.close()
            harness.kill_session(process)


def place_of(interpreter):
    reason = interpreter.why_not() or intree.build([interpreter])[interpreter]
    if isinstance(reason, (str, intree.LeftOut)):
        pytest.skip(str(reason))
    assert reason is None, str(reason)
    return tempfile.TemporaryDirectory(prefix="flowtrace-agent-",
                                       dir=interpreter.root and interpreter.root / "tmp")


@pytest.fixture
def place():
    """With the system's own Python."""
    with place_of(SYSTEM) as path:
        yield Place(SYSTEM, Path(path))


@pytest.fixture(params=[SYSTEM, *OTHERS], ids=repr)
def any_place(request):
    """With each interpreter that the extension can be built for."""
    with place_of(request.param) as path:
        yield Place(request.param, Path(path))


def finish(process):
    """Lets the target end as it would."""
    process.stdin.close()
    assert process.wait(timeout=harness.PATIENCE) == 0


def step(process):
    """What SIGUSR1 does to it."""
    process.send_signal(signal.SIGUSR1)
    assert process.stdout.readline() == b"stepped\n"


def semaphores(pid):
    """{probe: the number of those who listen}."""
    for line in Path("/proc/%d/maps" % pid).read_text().splitlines():
        start, _, offset, _, _, path = (line.split(None, 5) + [""])[:6]
        if re.search(r"/flowtrace_agent/_core\.[^/]*\.so$", path) and int(offset, 16) == 0:
            bias, file = int(start.split("-")[0], 16), "/proc/%d/root%s" % (pid, path)
            break
    else:
        return {}
    if not os.path.exists(file):  # seen from outside of its root
        file = path
    notes = harness.run(["readelf", "-n", file], check=0)[1]
    found = re.findall(r"Provider: flowtrace\n\s+Name: (\w+)\n.*Semaphore: (0x\w+)", notes)
    values = {}
    with open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for name, where in found:
            memory.seek(bias + int(where, 16))
            values[name] = int.from_bytes(memory.read(2), "little")
    assert set(values) == set(PROBES)
    return values


def listened(pid, number):
    """Waits until so many listen at each probe."""
    harness.wait_for("%d listeners" % number, lambda: set(semaphores(pid).values()) == {1} or
                     semaphores(pid)["listener"] == number > 1)
    time.sleep(0.2)  # the last of them


@contextlib.contextmanager
def listening(directory, pid, *options, number=1):
    """A collector at the agent's probes."""
    directory.mkdir(exist_ok=True)
    with harness.Tracer(directory, "-v", "--backend", "agent", "--pid", pid, *options) as tracer:
        listened(pid, number)
        yield tracer


def read(path):
    """The lines of a trace."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def calls_of(events):
    """{number of the round: the tree of its calls} of those that began and ended in the trace."""
    calls, inside, roots = {}, collections.defaultdict(list), {}
    for event in events:
        assert event["event"] != "LOST", event
        if event["event"] == "ENTER":
            calls[event["span"]] = {**event, "ends": []}
            inside[event["parent"]].append(event["span"])
        elif event["event"] in ("EXIT", "EXCEPTION"):
            calls[event["span"]]["ends"].append(event)

    def tree(span):
        call = calls[span]
        return ([call[key] for key in ("thread", "class", "function", "args", "line", "pid", "tid")],
                [[end["event"], end.get("result"), end.get("exception"), end["durationMicros"]]
                 for end in call["ends"]], [tree(child) for child in inside[span]])

    for span, call in calls.items():
        if call["function"] == "round_of" and call["ends"]:
            number = json.loads(call["args"])["number"]
            assert number not in roots, "seen twice: %d" % number
            roots[number] = tree(span)
    return roots


LEAST = 20  # rounds of a thread: enough to compare


def of_thread(seen, first):
    """The numbers of the rounds of the thread that began with this one."""
    return [n for n in seen if first <= n < first + 10 ** 6]


def enough(tracer):
    """Has the trace what assert_same() needs?"""
    with contextlib.suppress(KeyError):  # an end whose entry is not written yet
        seen = calls_of(tracer.events())
        return all(len(of_thread(seen, first)) >= LEAST for first in (0, 10 ** 6))
    return False


def assert_same(seen, own):
    """All rounds between the first and the last of each thread are there, as the agent has them.

    The last may lack calls: what shows entries is taken off before what shows ends.
    """
    seen = dict(seen)
    for first in (0, 10 ** 6):
        numbers = of_thread(seen, first)
        assert len(numbers) >= LEAST
        assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1))
        del seen[max(numbers)]
    wrong = [(n, own.get(n), seen[n]) for n in sorted(seen) if own.get(n) != seen[n]]
    assert not wrong, wrong[0]


def test_what_the_agent_writes(any_place):
    """Late: functions, classes and threads are named all the same. Values, exceptions, spans."""
    with any_place.target("__main__") as process:
        time.sleep(0.3)
        with listening(any_place.path / "1", process.pid, "-P", "__main__") as tracer:
            time.sleep(1)
            assert tracer.stop() == 0
            assert harness.backend_of(tracer.stderr()) == "agent"
            assert harness.lost_in_summary(tracer.stderr()) == 0
        assert set(semaphores(process.pid).values()) == {0}
        finish(process)
    seen = calls_of(tracer.events())
    assert_same(seen, calls_of(read(any_place.own)))
    number = min(seen)
    head, _, inner = seen[number]
    assert head[:3] == ["MainThread", "__main__", "round_of"]
    assert [call[0][2] for call in inner][:2] == ["__init__", "add"]
    assert json.loads(inner[1][0][3])["secret"] == "***"
    assert ["EXCEPTION", None, {"type": "Refused", "message": "('no %d', [%d])" % (number, number)}
            ] in [end[:3] for end in inner[2][1]]
    assert seen[max(seen)][0][0] == "worker"


REQUESTS = """
import select, sys, time
from flowtrace_agent import Config, stop_tracing
from flowtrace_agent.frameworks.wsgi import FlowTraceMiddleware

def helper(n):
    return n

def app(environ, start_response):
    start_response("200 OK", [])
    return [b"%d" % helper(environ["n"])]

served = FlowTraceMiddleware(app, Config(package_prefix="__main__", logfile=sys.argv[1]))
print("ready", flush=True)
for n in range(1, 100000):
    list(served({"n": n, "PATH_INFO": "/%d" % n, "REQUEST_METHOD": "GET"}, lambda *args: None))
    if n % 50 == 0 and select.select([0], [], [], 0)[0]:
        break
    time.sleep(0.0005)
stop_tracing()
"""


def test_requests(place, tmp_path):
    """HTTP requests reach the collector too, and so do calls with the ids of theirs."""
    program = tmp_path / "requests.py"
    program.write_text(REQUESTS)
    env = harness.environment(PYTHONPATH=str(place.path / "package"))
    process = harness.start([harness.PYTHON, "-B", program, place.own], env=env,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        with listening(tmp_path / "seen", process.pid, "-P", "__main__") as tracer:
            time.sleep(0.5)
            assert tracer.stop() == 0
        finish(process)
    finally:
        process.stdout.close()
        harness.kill_session(process)
    seen, own = tracer.events(), read(place.own)
    http = {(e["event"], e["request_id"]): [e[key] for key in e if key != "timestamp"]
            for e in own if e["event"].startswith("HTTP")}
    of_path = {e["path"]: e["request_id"] for e in own if e["event"] == "HTTP_REQUEST"}
    found = [e for e in seen if e["event"].startswith("HTTP")]
    assert len(found) > 100
    for event in found:
        assert http[event["event"], event["request_id"]] == [event[key] for key in event
                                                             if key != "timestamp"]
    # The first is of a request whose beginning was before the collector's.
    calls = [e for e in seen if e["event"] == "ENTER" and e["function"] == "helper"][1:]
    assert len(calls) > 50
    for event in calls:
        assert event["request_id"] == of_path["/%d" % json.loads(event["args"])["n"]]


def test_again_and_two_at_once(place):
    """A second collector after the first, and two beside each other."""
    with place.target("__main__") as process:
        for name in "12":
            with listening(place.path / name, process.pid) as tracer:
                harness.wait_for("calls", lambda: enough(tracer))
                assert tracer.stop() == 0
            assert set(semaphores(process.pid).values()) == {0}
        with listening(place.path / "3", process.pid) as one:
            with listening(place.path / "4", process.pid, number=2) as other:
                harness.wait_for("calls", lambda: enough(one) and enough(other))
                assert other.stop() == 0
            listened(process.pid, 1)
            time.sleep(0.2)
            assert one.stop() == 0
        assert set(semaphores(process.pid).values()) == {0}
        finish(process)
    own = calls_of(read(place.own))
    for name in "1234":
        assert_same(calls_of(read(place.path / name / "trace.jsonl")), own)


def check(pid, *options):
    """The object of --check --json."""
    return json.loads(harness.run([harness.TRACER, "--check", "--json", "--pid", str(pid),
                                   *options], check=0)[1])


@pytest.mark.parametrize("words, asked, backend", [
    (["__main__"], ["-P", "__main__"], "agent"),
    (["__main__"], [], "uprobe"),
    (["__main__", "json"], ["-P", "__main__"], "agent"),
    (["__main__", "__main__.x"], ["-P", "__main__"], "uprobe"),
    (["json"], ["-P", "__main__"], "uprobe"),
    ([""], [], "agent"),
    ([""], ["-P", "__main__"], "uprobe"),
    (["-", "__main__"], ["-P", "__main__"], "uprobe"),
    (["x" * 2000 + ",__main__"], ["-P", "__main__"], "uprobe"),
], ids=str)
def test_auto(place, words, asked, backend):
    """The agent's probes where they tell all, else the interpreter's; every call once."""
    with place.target(*words) as process:
        assert check(process.pid, *asked)["backend"] == backend
        assert check(process.pid, *asked, "--backend", "agent")["backend"] == "agent"
        with harness.Tracer(place.path, "-v", *asked, "--pid", process.pid) as tracer:
            tracer.attached()
            time.sleep(0.7)
            assert tracer.stop() == 0
            assert harness.backend_of(tracer.stderr()) == backend
        assert set(semaphores(process.pid).values()) == {0}
    seen = calls_of(tracer.events())  # none twice
    for first in (0, 10 ** 6):
        numbers = [n for n in seen if first <= n < first + 10 ** 6]
        assert numbers and sorted(numbers) == list(range(min(numbers), max(numbers) + 1))


def test_it_stopped(place):
    """No longer active: the interpreter's hooks again."""
    with place.target("-", "__main__") as process:
        step(process)
        said = check(process.pid, "-P", "__main__")
        assert said["backend"] == "agent" and said["agent"]["active"]
        assert said["agent"]["prefix"] == ["__main__"]
        assert [hook["name"] for hook in said["hooks"]] == [
            "name", "listener", "function__exception", "function__return", "function__entry"]
        step(process)
        said = check(process.pid, "-P", "__main__")
        assert said["backend"] == "uprobe" and not said["agent"]["active"]


def test_nothing_is_traced_yet(place):
    """It waits, and then sees the very first call."""
    with place.target("-", "__main__") as process:
        with listening(place.path / "1", process.pid) as tracer:
            time.sleep(0.3)
            assert tracer.events() == []
            step(process)
            time.sleep(0.5)
            step(process)
            assert tracer.stop() == 0
    own = read(place.own)
    seen = tracer.events()
    assert len(seen) == len(own)
    assert calls_of(seen) == calls_of(own) != {}


def test_not_loaded(tmp_path):
    """One line, status 6."""
    process = harness.start([harness.PYTHON, "-c", "import time; print(1, flush=True); "
                             "time.sleep(60)"], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        harness.refused(6, "--backend", "agent", "-o", tmp_path / "trace.jsonl", "--pid",
                        str(process.pid), says=["flowtrace_agent/_core.*.so", "import",
                                                "start_tracing()"])
    finally:
        process.stdout.close()
        harness.kill_session(process)
    harness.refused(2, "--backend", "agent", "--", "true", says=["--pid"])


def test_options_of_the_collector(place):
    """They filter and cut further."""
    with place.target("__main__") as process:
        with listening(place.path / "1", process.pid, "--no-args", "--max-arg-length", "20",
                       "-x", "__main__") as tracer:
            time.sleep(0.3)
            tracer.stop()
            assert tracer.events() == []
        with listening(place.path / "2", process.pid, "--no-args", "--max-arg-length",
                       "20") as tracer:
            time.sleep(0.3)
            tracer.stop()
    events = tracer.events()
    assert {event["args"] for event in events if event["event"] == "ENTER"} == {"{}"}
    assert any(event.get("truncatedFields") == {"result": {"threshold": 20}} or
               "result" in event.get("truncatedFields", {}) for event in events)


def test_children(place):
    """--follow: a child that was forked is heard from its first call."""
    with place.target("fork", "__main__") as process:
        step(process)
        with listening(place.path / "1", process.pid, "--follow") as tracer:
            step(process)
            time.sleep(0.3)
            tracer.stop()
    results = [event["result"] for event in tracer.events()
               if event["event"] == "EXIT" and event["function"] == "in_child"]
    pids = {event["pid"] for event in tracer.events() if event["function"] == "in_child"}
    assert [json.loads(result)[1] for result in results] == list(range(5))
    assert {json.loads(result)[0] for result in results} == pids and process.pid not in pids


def test_pid_namespace(place):
    """Ids are the collector's; a span that wandered to another thread stays one."""
    with place.target("__main__", before=UNSHARE) as process:
        child = int(harness.run(["pgrep", "-P", str(process.pid)], check=0)[1])
        assert check(child, "-P", "__main__")["backend"] == "agent"
        tids = {int(tid) for tid in os.listdir("/proc/%d/task" % child)}
        with listening(place.path / "1", child) as tracer:
            time.sleep(1)
            tracer.stop()
        events = tracer.events()
        assert {event["pid"] for event in events} == {child}
        rounds = {event["tid"] for event in events if event["function"] == "round_of"}
        assert len(rounds) == 2 and rounds <= tids
        assert {event["thread"] for event in events} >= {"MainThread", "worker", "beginner"}
        assert_same(calls_of(events), calls_of(events))
        wandered = collections.defaultdict(list)
        for event in events:
            if event["function"] == "handed_over":
                wandered[event["span"]].append(event)
        ended = [pair for pair in wandered.values() if len(pair) == 2]
        assert len(ended) > 5 and len(wandered) - len(ended) <= 1
        assert all(enter["tid"] != leave["tid"] and {enter["tid"], leave["tid"]}.isdisjoint(range(9))
                   for enter, leave in ended)


@pytest.mark.parametrize("below", ["", "unshare --pid --fork --mount-proc "],
                         ids=["beside", "below"])
def test_collector_in_a_pid_namespace(place, below):
    """The target beside it, or in a namespace below its own."""
    script = ('sleep 30 | PYTHONPATH="$1" %s"$2" "$3" "$4" __main__ >/dev/null & sleep 1; '
              'pid=$(pgrep -f -o "^$2 $3"); "$5" -v -d 1 -P __main__ -o "$6" --pid $pid; '
              'echo $pid' % below)
    trace = place.path / "trace.jsonl"
    _, out, errors = harness.run(
        [*UNSHARE, "sh", "-c", script, "sh", place.path / "package", harness.PYTHON,
         place.path / "agent_calls.py", place.own, harness.TRACER, trace], check=0)
    assert harness.backend_of(errors) == "agent", errors
    events = read(trace)
    assert {event["pid"] for event in events} == {int(out)} and int(out) < 100
    assert_same(calls_of(events), calls_of(events))
    wandered = collections.Counter(event["span"] for event in events
                                   if event["function"] == "handed_over")
    assert len(wandered) > 5 and list(wandered.values()).count(2) >= len(wandered) - 1


LIAR = r"""
#include <string.h>
#include <unistd.h>
#include "probes.h"

static const struct probed_function function = {"c", "f", 1};

static struct ft_rec *record(unsigned type, unsigned size)
{
	static _Alignas(8) char bytes[1 << 16];

	memset(bytes, 0x5a, sizeof(bytes));
	*(struct ft_rec *)bytes = (struct ft_rec){size, type, 0xffff, 1, 1, 1};
	return (struct ft_rec *)bytes;
}

void lie(void)
{
	static const unsigned sizes[] = {0, 1, 8, 16, 24, 25, 40, 48, 56, 64, 512, 8696, 8704,
					 8712, 60000, 0x80000000, 0xfffffff8, 0xffffffff};

	for (unsigned type = 0; type < 16; type++) {
		for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			probe_entry(function, record(type, sizes[i]));
			probe_return(function, record(type, sizes[i]));
			probe_exception(function, record(type, sizes[i]));
			probe_name(record(type, sizes[i]));
		}
	}
}
"""


def test_records_that_lie(tmp_path):
    """Whatever the probes come with, the collector goes on and counts."""
    folder = tmp_path / "flowtrace_agent"
    folder.mkdir()
    (tmp_path / "liar.c").write_text(LIAR)
    csrc = harness.REPO / "agent_ext" / "csrc"
    harness.run(["gcc", "-std=gnu11", "-O1", "-fPIC", "-shared", "-D_GNU_SOURCE", "-I", csrc, "-I",
                 harness.REPO / "user" / "core", "-I", harness.REPO / "bpf", "-o",
                 folder / "_core.liar.so", tmp_path / "liar.c", csrc / "probes.c"], check=0)
    process = harness.start([harness.PYTHON, "-c", "import ctypes, sys; "
                             "lib = ctypes.CDLL(sys.argv[1]); print(1, flush=True); "
                             "[lib.lie() for line in sys.stdin]", folder / "_core.liar.so"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        assert check(process.pid)["backend"] == "uprobe"
        with listening(tmp_path, process.pid, "--record", tmp_path / "raw") as tracer:
            for _ in range(3):
                process.stdin.write(b"\n")
                process.stdin.flush()
            time.sleep(1)
            assert tracer.stop() == 0
        lost = [event for event in tracer.events() if event["event"] == "LOST"]
        assert sum(event["count"] for event in lost if event["reason"] == "bad_record") > 1000
        assert {event["pid"] for event in lost} == {process.pid}
    finally:
        process.stdin.close()
        process.stdout.close()
        harness.kill_session(process)


LONG = """
import os, sys, time
from flowtrace_agent import Config, start_tracing, stop_tracing

def echo(n, text, rest):
    return [n, rest, text]

start_tracing(Config(package_prefix="__main__", logfile=sys.argv[1], max_arg_length=0))
os.write(1, b"ready\\n")
n = 0
while not os.path.exists(sys.argv[1] + ".end"):
    length = (10, 8000, 8100, 9000, 300000)[n % 5]
    echo(n, "\\u20ac" * length if n % 2 else "x" * length, {"list": [["y" * 50] * 8] * 20, "n": n})
    n += 1
    time.sleep(0.002)
stop_tracing()
"""


def test_longer_than_a_collector_takes(place, tmp_path):
    """What the agent may capture inside, up to 1 MiB a field, reaches the collector cut to what it
    takes, and named as cut; nothing is lost."""
    program = place.path / "long.py"
    program.write_text(LONG)
    process = harness.start(
        [harness.PYTHON, program, place.own], stdout=subprocess.PIPE,
        env=harness.environment(PYTHONPATH=str(place.path / "package")))
    assert process.stdout.readline() == b"ready\n"
    with listening(tmp_path / "c", process.pid, "--max-arg-length", "0") as tracer:
        time.sleep(1)
        assert tracer.stop() == 0, tracer.stderr()
    Path(str(place.own) + ".end").touch()
    assert process.wait(timeout=harness.PATIENCE) == 0
    own = {event["args"].split(",")[0]: event for event in read(place.own)
           if event["event"] == "ENTER" and event["function"] == "echo"}
    seen = [event for event in tracer.events() if event["event"] == "ENTER"]
    assert len(seen) > 50 and not [e for e in tracer.events() if e["event"] == "LOST"]
    for event in seen:
        whole, cut = own[event["args"].split(",")[0]], "truncatedFields" in event
        wanted, found = json.loads(whole["args"]), json.loads(event["args"])
        assert cut == (len(wanted["text"]) > 10 or found != wanted)
        assert wanted["text"].startswith(found["text"].rstrip(".")) and found["n"] == wanted["n"]
