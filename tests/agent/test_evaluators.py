# SPDX-License-Identifier: MIT
"""Others that have bodies evaluated by a function of theirs (PEP 523), as debuggers do, who come
and go in any order."""
import collections
import subprocess

import pytest

EVALUATOR = """
typedef void *(*evaluator)(void *thread, void *frame, int throwing);
evaluator next, last;
long asked;
int chained;

void *evaluate(void *thread, void *frame, int throwing)
{
	asked++;
	return (chained ? next : last)(thread, frame, throwing);
}
"""

OTHER = """
import ctypes, time
from flowtrace_agent import Config, start_tracing, stop_tracing

api, lib = ctypes.pythonapi, ctypes.CDLL("./evaluator.so")
api.PyInterpreterState_Get.restype = ctypes.c_void_p
get, put = api._PyInterpreterState_GetEvalFrameFunc, api._PyInterpreterState_SetEvalFrameFunc
get.restype, get.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
put.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
interpreter = api.PyInterpreterState_Get()
address = lambda function: ctypes.cast(function, ctypes.c_void_p).value
default = address(api._PyEval_EvalFrameDefault)
ctypes.c_void_p.in_dll(lib, "last").value = default
asked = ctypes.c_long.in_dll(lib, "asked")
mode = ctypes.c_int.in_dll(lib, "chained")

def come(chained):
    ctypes.c_void_p.in_dll(lib, "next").value = get(interpreter)
    mode.value = chained
    put(interpreter, address(lib.evaluate))

def go(to=None):
    put(interpreter, to or default)

def start():
    start_tracing(Config(package_prefix="__main__", logfile="log"))

def call(n):
    return n

def calls(n, wait=0):
    end = time.monotonic() + wait
    while time.monotonic() < end:  # it is noticed
        pass
    before = asked.value
    for i in range(10):
        call(n)
    return asked.value - before
"""


@pytest.fixture
def other(agent):
    """Runs a program in which there is such a function; returns {argument: calls seen}, losses."""
    if not 9 <= agent.minor() <= 11:
        pytest.skip("of 3.9 to 3.11: 3.8 has no function to set it, 3.12 has sys.monitoring")
    (agent.path / "evaluator.c").write_text(EVALUATOR)
    subprocess.run(["gcc", "-shared", "-fPIC", "-nostdlib", "-o", agent.path / "evaluator.so",
                    agent.path / "evaluator.c"], check=True)

    def run(program):
        agent.write("other.py", OTHER + program)
        _, out, errors = agent.python("-X", "dev", "other.py", env={"PYTHONMALLOC": "debug"})
        assert (out, errors) == ("alive\n", "")
        events = agent.events("log")
        ended = collections.Counter(
            event["args"][6:-1] for event in events
            if event["event"] == "ENTER" and event["function"] == "call")
        lost = collections.Counter()
        for event in events:
            if event["event"] == "LOST":
                lost[event["reason"]] += event["count"]
        return {int(n): count for n, count in ended.items()}, dict(lost)

    return run


def test_there_before(other):
    """It is asked by us, and is there when we are gone."""
    assert other("""
come(True)
start()
assert calls(1) >= 10
stop_tracing()
assert calls(2) >= 10
assert get(interpreter) == address(lib.evaluate)
print("alive")
""") == ({1: 10}, {})


def test_comes_later(other):
    """One that asks us: we stay when we end first, do nothing, and are asked once when we go on."""
    assert other("""
start()
ours = get(interpreter)
come(True)
assert calls(1, 0.3) >= 10
stop_tracing()
assert calls(2) >= 10
start()
assert calls(3) >= 10
go(ours)
assert calls(4, 0.3) == 0
stop_tracing()
assert calls(5) == 0
assert get(interpreter) == default
print("alive")
""") == ({1: 10, 3: 10, 4: 10}, {})


def test_takes_the_place(other):
    """One that asks nobody: we come back above it, and again when it ends; told as lost."""
    assert other("""
start()
come(False)
assert calls(2, 0.3) >= 10
go()
assert calls(4, 0.3) == 0
stop_tracing()
print("alive")
""") == ({2: 10, 4: 10}, {"displaced": 2})


def test_unnoticed_until_the_end(other):
    """It is told all the same; and the next start does not take our place for ours."""
    assert other("""
start()
calls(1)
go()
stop_tracing()
come(False)
start()
calls(2)
stop_tracing()
print("alive")
""") == ({1: 10, 2: 10}, {"displaced": 1})


def test_ring(other):
    """One that asks nobody at first, and us later, who stand above it by then."""
    assert other("""
start()
come(False)
assert calls(1, 0.3) >= 10
mode.value = True
assert calls(2) >= 10
stop_tracing()
assert calls(3) >= 10
start()
assert calls(4) >= 10
stop_tracing()
print("alive")
""") == ({1: 10, 2: 10, 4: 10}, {"displaced": 1})
