# SPDX-License-Identifier: MIT
"""o[i] with a __getitem__ in Python: up to 3.11.3 the interpreter has a way there that asks nobody."""
import collections

import pytest

WAYS = """
import sys
from flowtrace_agent import Config, init_decorator_logger, start_tracing, stop_tracing, trace

def loop(o):
    for _ in range(20):  # warm before the first o[i], which is specialised at once
        pass
    for i in range(100):
        o[i]

def getter(self, k): return k
def called_before(self, k): return k
def called_twice(self, k): return k
def wrap(f):
    def wrapped(self, k): return f(self, k)
    return wrapped

class Before:
    def __getitem__(self, k): return k
    def method(self, k): return k

class Cold:
    def __getitem__(self, k): return k

class Late: pass
class Late2: pass
class Late3: pass
class Late4: pass

class OfClasses(type):
    def __getitem__(cls, k): return k

class Klass(metaclass=OfClasses): pass

class List(list):
    def __getitem__(self, k): return k

for i in range(100):
    called_before(1, 2)
    Before().method(1)
loop(Before())
sys.settrace(%s)  # getattr(frame, "call", None): one in C
start_tracing(Config(package_prefix="__main__", logfile="log"))
loop(Before())
loop(type("Sub", (Before,), {})())
loop(Cold())
Late.__getitem__ = getter
loop(Late())
Late2.__getitem__ = called_before
loop(Late2())
Late3.__getitem__ = lambda self, k: k
loop(Late3())
Late4.__getitem__ = Before.method
loop(Late4())
loop(Klass)
loop(List())

def inner():
    class A:
        def __getitem__(self, k): return k

    class B(A): pass

    class C:
        __getitem__ = wrap(getter)

    loop(A())
    loop(B())
    loop(C())

inner()
stop_tracing()

class Marked:
    @trace
    def __getitem__(self, k): return k

init_decorator_logger(Config(logfile="marked"))
loop(Marked())
"""


def counts(agent, file):
    return collections.Counter(event["function"] for event in agent.events(file)
                               if event["event"] == "ENTER")


@pytest.mark.parametrize("tracer", ["None", "getattr"], ids=["plain", "traced"])
def test_every_way(agent, tracer):
    """Also of functions that were called before, and come to a class later; and under a tracer."""
    agent.write("ways.py", WAYS % tracer)
    _, out, errors = agent.python("-X", "dev", "ways.py", env={"PYTHONMALLOC": "debug"})
    assert (out, errors) == ("", "")
    seen = counts(agent, "log")
    assert {name: seen[name] for name in ("__getitem__", "getter", "called_before", "<lambda>",
                                          "method", "wrapped")} == {
        "__getitem__": 700, "getter": 200, "called_before": 100, "<lambda>": 100, "method": 100,
        "wrapped": 100}
    assert counts(agent, "marked") == {"__getitem__": 100}


def test_marked_only(agent):
    """Where nothing but @trace was ever on."""
    agent.run("""
        from flowtrace_agent import Config, init_decorator_logger, trace

        class Marked:
            @trace
            def __getitem__(self, k):
                return k

        def loop(o):
            for _ in range(20):
                pass
            for i in range(100):
                o[i]

        init_decorator_logger(Config(logfile="log"))
        loop(Marked())
        """)
    assert counts(agent, "log") == {"__getitem__": 100}


def test_start_is_short(agent):
    """However much the program has: its objects are not looked at. 400 ms of CPU time when they
    were; other processes that are busy do not count."""
    if agent.minor() != 11:
        pytest.skip("of 3.11")
    program = agent.write("many.py", """
        import time
        from flowtrace_agent import Config, start_tracing
        lists = [[] for _ in range(2000000)]
        config = Config(package_prefix="__main__", logfile="log")
        began = time.thread_time()
        start_tracing(config)
        print(time.thread_time() - began)
        """)
    assert min(float(agent.python(program)[1]) for _ in range(3)) < 0.15
