# SPDX-License-Identifier: MIT
"""Values that are longer than a record of the collector: captured whole, cut in lines, kept in
segments."""
import json
import stat

import pytest

MEBIBYTE = 1 << 20

PROGRAM = """
import sys
from flowtrace_agent import Config, start_tracing, stop_tracing

def same(value):
    return value

def fails(text):
    raise ValueError(text)

def number(digits):
    return 10 ** digits

def run(**settings):
    start_tracing(Config(package_prefix="__main__", **settings))
    try:
        work()
    finally:
        stop_tracing()

def work():
%s

if __name__ == "__main__":
    run(**eval(sys.argv[1]))
"""

NESTED = ('{"name": "x" * 3000, "rows": [list(range(60))] * 60, '
          '"text": "\\u20ac\\U0001f600\\n\\"" * 500, "none": None}')


def events_of(agent, body, settings, env=None, file="flowtrace.jsonl"):
    """The events of a program whose work() has this body: those of what it calls, and LOST."""
    lines = "\n".join("    " + line for line in body.splitlines())
    agent.run(PROGRAM % lines, repr(settings), env=env)
    return [event for event in agent.events(file)
            if event.get("function") in ("same", "fails", "number", None)]


def whole(agent, event):
    """The event with what its segment has in place of what was cut."""
    if "fullLogFile" not in event:
        return event
    path = agent.path / event["fullLogFile"]
    assert path.parent == agent.path / "flowtrace-jsonsl"
    assert path.name.startswith("flowtrace-%d-%s-%d-" % (event["timestamp"], event["event"],
                                                        event["tid"]))
    text = path.read_text("utf-8")
    full = json.loads(text)
    assert text == json.dumps(full, indent=2, ensure_ascii=False) + "\n"
    same = [key for key in event if key not in ("truncatedFields", "fullLogFile")]
    assert list(full) == same
    assert all(full[key] == event[key] for key in same
               if key not in ("args", "result", "exception"))
    return full


@pytest.mark.parametrize("length", (0, 100000))
@pytest.mark.parametrize("value", ("'a' * 10000", "'a' * 900000", "'\\u20ac' * 10000",
                                   "b'\\0' * 9000", "{'a': ['b' * 20000] * 60}", NESTED))
def test_without_segments(agent, value, length):
    """max_arg_length alone: up to 1 MiB, and 0 stands for it."""
    settings = {"max_arg_length": length, "max_items": 256}
    enter, leave = events_of(agent, "same(%s)" % value, settings)
    most = length or MEBIBYTE
    wanted = eval(value)
    for text, name in ((enter["args"], "args"), (leave["result"], "result")):
        assert len(text) <= most
        seen = json.loads(text)
        if "truncatedFields" in enter:
            assert len(text) > most - 20 or isinstance(wanted, dict)
            assert len(json.dumps(wanted, default=str)) > most
        elif name == "args":
            assert seen == {"value": wanted if isinstance(wanted, (str, dict)) else str(wanted)}
        else:
            assert seen == (wanted if isinstance(wanted, (str, dict)) else str(wanted))
    assert not (agent.path / "flowtrace-jsonsl").exists()


def test_more_than_the_maximum(agent):
    """A string of 2,000,000 characters is cut at 1 MiB of captured text, and says so."""
    enter, leave = events_of(agent, "same('a' * 2000000)", {"max_arg_length": 0})
    assert MEBIBYTE - 1000 < len(enter["args"]) <= MEBIBYTE
    assert json.loads(enter["args"])["value"].endswith("aaa...")
    assert enter["truncatedFields"]["args"]["threshold"] == MEBIBYTE
    assert MEBIBYTE - 1000 < len(leave["result"]) <= MEBIBYTE


@pytest.mark.parametrize("value", ("'a' * 10000", "'a' * 900000", "'\\u20ac' * 10000",
                                   "{'a': ['b' * 12000] * 60}", NESTED))
def test_segments(agent, value):
    """The line is cut as ever, the file has all of it."""
    settings = {"enable_segmentation": True}
    enter, leave = events_of(agent, "same(%s)" % value, settings)
    wanted = eval(value)
    assert json.loads(whole(agent, enter)["args"]) == {"value": wanted}
    assert json.loads(whole(agent, leave)["result"]) == wanted
    for event, name in ((enter, "args"), (leave, "result")):
        assert len(event[name]) <= 1000
        json.loads(event[name])
        assert event["truncatedFields"] == {name: {
            "threshold": 1000, "originalLength": len(whole(agent, event)[name])}}
    folder = agent.path / "flowtrace-jsonsl"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 2


def test_segments_by_variable(agent):
    """FLOWTRACE_ENABLE_SEGMENTATION, and a limit of the user's own."""
    enter, leave = events_of(agent, "same('abc' * 40)", {},
                             env={"FLOWTRACE_ENABLE_SEGMENTATION": "true",
                                  "FLOWTRACE_MAX_ARG_LENGTH": "100"})
    assert json.loads(whole(agent, enter)["args"]) == {"value": "abc" * 40}
    assert json.loads(whole(agent, leave)["result"]) == "abc" * 40
    assert "fullLogFile" in enter and "fullLogFile" in leave


@pytest.mark.parametrize("folder", ("cut", "a/b/c", "../up", "a b\"\u20ac/", "absolute", "linked"))
def test_segment_directory(agent, folder):
    """By the variable: beside the log, or anywhere; made with what leads to it."""
    if folder != "a/b/c" and agent.minor() not in (9, 11, 15):
        pytest.skip("the same in every release")
    sub = agent.path / "sub"
    sub.mkdir()
    if folder == "absolute":
        folder = agent.inside(agent.path / "other" / "place")
    elif folder == "linked":  # the log's folder is a link: up from it is not where it stands
        (agent.path / "real" / "deep").mkdir(parents=True)
        sub.rmdir()
        sub.symlink_to("real/deep")
        folder = agent.inside(agent.path / "other")
    events = events_of(agent, "same('abc' * 400)", {"logfile": "sub/log"}, file="sub/log",
                       env={"FLOWTRACE_ENABLE_SEGMENTATION": "true",
                            "FLOWTRACE_SEGMENT_DIRECTORY": folder, "LC_ALL": "C.UTF-8"})
    assert len(events) == 2
    for event in events:
        name = event["fullLogFile"]
        assert not name.startswith("/")
        with open(str(sub.resolve()) + "/" + name) as file:
            assert len(json.load(file).get("args", "")) in (0, 1213)
        assert stat.S_IMODE((sub / name).parent.stat().st_mode) == 0o700
    assert not (sub / "flowtrace-jsonsl").exists()


def test_short_values_make_no_segments(agent):
    """What is not cut, and what is cut because it lies too deep: there is no more of it."""
    deep = "[[[[[[[[[1]]]]]]]]]"
    events = events_of(agent, "same(1)\nsame(%s)" % deep, {"enable_segmentation": True})
    assert "truncatedFields" in events[2]
    assert not any("fullLogFile" in event for event in events)
    assert not (agent.path / "flowtrace-jsonsl").exists()


def test_exception_in_segments(agent):
    """A long message: both the EXCEPTION and the EXIT have it whole."""
    body = "try:\n    fails('m' * 5000)\nexcept ValueError:\n    pass"
    enter, raised, leave = events_of(agent, body, {"enable_segmentation": True})
    assert json.loads(whole(agent, enter)["args"]) == {"text": "m" * 5000}
    assert whole(agent, raised)["exception"] == {"type": "ValueError", "message": "m" * 5000}
    assert whole(agent, leave)["exception"] == {"type": "ValueError", "message": "m" * 5000}
    assert json.loads(whole(agent, leave)["result"]) == {"exception": "ValueError: " + "m" * 5000}
    assert len(leave["result"]) <= 1000 and len(raised["exception"]["message"]) <= 1000


def test_long_integer_in_segments(agent):
    """By its size in the line, by its digits in the file."""
    _, leave = events_of(agent, "number(3000)", {"enable_segmentation": True})
    assert leave["result"] == '"<int of 9966 bits>"'
    assert whole(agent, leave)["result"] == "1" + "0" * 3000


def test_segments_of_standard_output(agent):
    """They lie below the folder that was the current one at the start."""
    body = "import os; os.chdir('/')\nsame('a' * 5000)"
    lines = "\n".join("    " + line for line in body.splitlines())
    _, out, _ = agent.run(PROGRAM % lines, repr({"enable_segmentation": True, "logfile": "-"}))
    cut = [event for event in map(json.loads, out.splitlines()) if "fullLogFile" in event]
    assert [event["event"] for event in cut] == ["ENTER", "EXIT"]
    assert json.loads(whole(agent, cut[0])["args"]) == {"value": "a" * 5000}


THREADS = """
import threading
def many(n):
    for i in range(20):
        same({"thread": n, "turn": i, "text": chr(97 + n) * (1000 << i % 9)})
threads = [threading.Thread(target=many, args=(n,), name="t%d" % n) for n in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("settings", ({"max_arg_length": 0}, {"enable_segmentation": True}),
                         ids=("whole", "segments"))
def test_threads(agent, settings):
    """Long and short values of six threads: none is torn, mixed up or missing, and each thread's
    are in order."""
    events = [event for event in events_of(agent, THREADS, settings)
              if event["function"] == "same"]
    assert len(events) == 2 * 6 * 20
    for n in range(6):
        mine = [event for event in events if event["thread"] == "t%d" % n]
        for i in range(20):
            wanted = {"thread": n, "turn": i, "text": chr(97 + n) * (1000 << i % 9)}
            enter, leave = mine[2 * i:2 * i + 2]
            assert enter["event"] == "ENTER" and leave["event"] == "EXIT"
            assert json.loads(whole(agent, enter)["args"]) == {"value": wanted}
            assert json.loads(whole(agent, leave)["result"]) == wanted


DROPPED = """
values = []
for i in range(100):
    values.append("%d:" % i + "v" * 500000)
for value in values:
    same(value)
"""


def test_overflow_drops_and_counts(agent):
    """More than the 8 MiB of a thread at once: what is left out is counted, the rest is whole."""
    events_of(agent, DROPPED, {"max_arg_length": 0, "overflow": "drop"})
    events = agent.events()  # 100 calls of same(), one of work()
    enters = [event for event in events if event["event"] == "ENTER"]
    exits = [event for event in events if event["event"] == "EXIT"]
    lost = [event for event in events if event["event"] == "LOST"]
    assert {event["reason"] for event in lost} <= {"ring_full"}  # the writer may keep up
    count = sum(event["count"] for event in lost) - sum("lost" in event for event in exits)
    assert len(enters) + len(exits) + count == 202
    for event in enters[1:]:
        value = json.loads(event["args"])["value"]
        assert value == value.partition(":")[0] + ":" + "v" * 500000


FORK = """
import os
for i in range(10):
    same("p%d" % i + "v" * 400000)
    if i % 3 == 0:
        child = os.fork()
        if not child:
            same("c%d" % i + "w" * 400000)
            stop_tracing()
            os._exit(0)
        children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.parametrize("settings", ({"max_arg_length": 0}, {"enable_segmentation": True}),
                         ids=("whole", "segments"))
def test_fork(agent, settings):
    """Values that are under way when the process forks are written once, by the parent."""
    events = events_of(agent, FORK.replace("import os", "import os; children = []", 1), settings)
    values = [json.loads(whole(agent, event)["args"])["value"] for event in events
              if event["event"] == "ENTER" and event["function"] == "same"]
    assert sorted(values) == sorted(
        ["c%d" % i + "w" * 400000 for i in (0, 3, 6, 9)] +
        ["p%d" % i + "v" * 400000 for i in range(10)])


AGAIN = """
import threading
stop_tracing()
def other():
    while not done:
        same("o" * 300000)
for turn in range(4):
    done = []
    start_tracing(Config(package_prefix="__main__", logfile="%d.jsonl" % turn, overflow="drop",
                         max_arg_length=turn % 2 and 1000))
    threads = [threading.Thread(target=other) for _ in range(2)]
    for thread in threads:
        thread.start()
    for i in range(20):
        same("m" * 300000)
    stop_tracing()
    done.append(1)
    for thread in threads:
        thread.join()
start_tracing(Config(package_prefix="__main__"))
"""


def test_runs_one_after_another(agent):
    """Long and short limits in turn, while threads go on calling."""
    events_of(agent, AGAIN, {"max_arg_length": 0})
    for turn in range(4):
        events = agent.events("%d.jsonl" % turn)
        assert any(event["event"] == "ENTER" for event in events)
        for event in events:
            if event.get("function") == "same" and event["event"] == "ENTER":
                value = json.loads(event["args"])["value"]
                assert len(value) == 300000 or value.endswith("...")
                assert value[:900] in ("o" * 900, "m" * 900)


def needs_proc(agent):
    """Where memory is read."""
    if agent.interpreter.root:
        pytest.skip("a root has no /proc")


RESIDENT = """
def resident():
    with open("/proc/self/status") as file:
        return int(file.read().split("VmHWM:")[1].split()[0])
value = "v" * 500000
same(value)
before = resident()
for i in range(500):
    same(value)
stop_tracing()
print(resident() - before)
"""


@pytest.mark.parametrize("settings", ({"max_arg_length": 0}, {"enable_segmentation": True}),
                         ids=("whole", "segments"))
def test_memory_is_bounded(agent, settings):
    """500 calls with 500 KB each: less than 64 MiB more."""
    needs_proc(agent)
    lines = "\n".join("    " + line for line in RESIDENT.splitlines())
    settings = {"logfile": "/dev/null", **settings} if "max_arg_length" in settings else settings
    _, out, _ = agent.run(PROGRAM % lines, repr(settings), timeout=120)
    assert int(out) < 64 * 1024, "grew by %s KiB" % out.strip()
    for path in agent.path.glob("flowtrace-jsonsl/*"):
        path.unlink()


FULL = """
def resident():
    with open("/proc/self/status") as file:
        return int(file.read().split("VmHWM:")[1].split()[0])
stop_tracing()
value = "v" * 500000
for turn in range(40):
    start_tracing(Config(package_prefix="__main__", max_arg_length=0, logfile="/dev/full"))
    for i in range(6):
        same(value)
    try:
        stop_tracing()
    except OSError:
        pass
    if turn == 4:
        before = resident()
print(resident() - before)
start_tracing(Config(package_prefix="__main__"))
"""


def test_nothing_stays_of_a_run_that_failed(agent):
    """Values that nobody will write are freed when the run ends."""
    needs_proc(agent)
    lines = "\n".join("    " + line for line in FULL.splitlines())
    _, out, _ = agent.run(PROGRAM % lines, "{}")
    assert int(out) < 8 * 1024, "grew by %s KiB" % out.strip()
