# SPDX-License-Identifier: MIT
"""The process that makes the calls of the benchmark.

Reads lines "KIND CALLS", makes them, answers with ns of CPU a call. The modules "asked" and
"elsewhere" are of the same text: whose function is called, and whose loop calls it, is the kind.
"""

import cProfile
import contextlib
import sys
import time
import types

SOURCE = """
import time

def add(x, y):
    return x + y

def same(value):
    return value

def many_of(function, calls):
    start = time.thread_time_ns()
    for _ in range(calls):
        function(1000, 2000)
    return time.thread_time_ns() - start

def many_with(function, value, calls):
    start = time.thread_time_ns()
    for _ in range(calls):
        function(value)
    return time.thread_time_ns() - start
"""
VALUES = {
    "str": "0123456789abcdef" * 64,
    "float": 2.5,
    "list": list(range(10)),
    "dict": {"key%d" % n: {"id": n, "name": "item %d" % n} for n in range(64)},
}


def module(name):
    made = types.ModuleType(name)
    exec(compile(SOURCE, name + ".py", "exec"), made.__dict__)
    return made


asked, elsewhere = module("asked"), module("elsewhere")


@contextlib.contextmanager
def profiled(start, stop):
    start()
    try:
        yield
    finally:
        stop()


def nothing(frame, event, arg):
    pass


def monitored():
    """As little as a callback in Python can do, at the start and the end of each call."""
    m = sys.monitoring
    m.use_tool_id(m.PROFILER_ID, "bench")
    m.register_callback(m.PROFILER_ID, m.events.PY_START, lambda code, offset: None)
    m.register_callback(m.PROFILER_ID, m.events.PY_RETURN, lambda code, offset, value: None)
    m.set_events(m.PROFILER_ID, m.events.PY_START | m.events.PY_RETURN)


def monitored_no_more():
    m = sys.monitoring
    m.set_events(m.PROFILER_ID, 0)  # some releases keep them when the id is free
    m.free_tool_id(m.PROFILER_ID)


def peer(name):
    """What traces from inside."""
    if name == "cProfile":
        profile = cProfile.Profile()
        return profiled(profile.enable, profile.disable)
    if name == "sys.setprofile":
        return profiled(lambda: sys.setprofile(nothing), lambda: sys.setprofile(None))
    return profiled(monitored, monitored_no_more)


def spent(kind, calls):
    if kind == "rejected":
        return elsewhere.many_of(elsewhere.add, calls)
    if kind == "rejected,open":
        return asked.many_of(elsewhere.add, calls)
    if kind == "accepted":
        return elsewhere.many_of(asked.add, calls)
    if kind == "accepted,open":
        return asked.many_of(asked.add, calls)
    if kind in VALUES:
        return elsewhere.many_with(asked.same, VALUES[kind], calls)
    if kind == "sys.monitoring" and not hasattr(sys, "monitoring"):
        return 0
    with peer(kind):
        return elsewhere.many_of(elsewhere.add, calls)


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        kind, calls = line.split()
        print(spent(kind, int(calls)) / int(calls), flush=True)


main()
