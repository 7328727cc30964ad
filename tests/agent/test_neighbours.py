# SPDX-License-Identifier: MIT
"""Others in the process that use what the agent uses, or are the agent once more."""
import shutil

EXTRAS = """
import ctypes, gc, sys
names = ("PyUnstable_Eval_RequestCodeExtraIndex", "PyUnstable_Code_SetExtra")
if sys.version_info < (3, 12):
    names = ("_PyEval_RequestCodeExtraIndex", "_PyCode_SetExtra")
ask, put = (getattr(ctypes.pythonapi, name) for name in names)
ask.restype, ask.argtypes = ctypes.c_ssize_t, [ctypes.c_void_p]
put.argtypes = [ctypes.py_object, ctypes.c_ssize_t, ctypes.c_void_p]
"""


def calls(agent, file):
    """The calls of `call` and `marked`."""
    names = [event["function"] for event in agent.events(file) if event["event"] == "ENTER"]
    return [name for name in names if name in ("call", "marked")]


def test_code_extras(agent):
    """Another user of co_extra: our function that frees is called for code that we never saw."""
    _, out, errors = agent.python("-X", "dev", agent.write("extras.py", EXTRAS + """
from flowtrace_agent import Config, start_tracing, stop_tracing

def call(n):
    return n

start_tracing(Config(package_prefix="__main__", logfile="log"))
call(1)
index = ask(None)
for n in range(100):
    space = {}
    exec("def other(): return 1", space)
    if n % 2:
        space["__name__"] = "__main__"
        space["other"]()
    put(space["other"].__code__, index, 1)
    del space
    gc.collect()
stop_tracing()
print("alive")
"""), env={"PYTHONMALLOC": "debug"})
    assert (out, errors) == ("alive\n", "")
    assert calls(agent, "log")[0] == "call"


def test_imported_again(agent):
    """However often: one index of co_extra, one run, and what was marked stays so."""
    _, out, errors = agent.python("-X", "dev", agent.write("again.py", EXTRAS + """
import importlib
import flowtrace_agent
from flowtrace_agent import Config, start_tracing, stop_tracing, trace

def call(n):
    return n

@trace
def marked(n):
    return n

def forget():
    for name in [name for name in sys.modules if name.startswith("flowtrace_agent")]:
        del sys.modules[name]

start_tracing(Config(package_prefix="__main__", logfile="one"))
call(1)
before = ask(None)
for n in range(300):
    importlib.reload(flowtrace_agent)
    del sys.modules["flowtrace_agent._core"]
    import flowtrace_agent._core
assert ask(None) == before + 1
call(2)
forget()
import flowtrace_agent as other
assert other.start_tracing is not start_tracing
other.start_tracing(other.Config(package_prefix="__main__", logfile="two"))
call(3)
other.init_decorator_logger(other.Config(logfile="three"))
other.stop_tracing()
call(4)
marked(5)
stop_tracing()
print("alive")
"""), env={"PYTHONMALLOC": "debug"})
    assert (out, errors) == ("alive\n", "")
    assert calls(agent, "one") == ["call"] * 2
    assert calls(agent, "two") == ["call"]
    assert calls(agent, "three") == ["marked"]


def test_two_copies(agent):
    """Two installations in one process, ended in either order: each traces for itself."""
    shutil.copytree(agent.package, agent.path / "other")
    agent.run("""
        import sys
        import flowtrace_agent as one
        for name in [name for name in sys.modules if name.startswith("flowtrace_agent")]:
            del sys.modules[name]
        sys.path.insert(0, "other")
        import flowtrace_agent as two
        assert one._core.__file__ != two._core.__file__

        def call(n):
            return n

        for turn in range(4):
            for first, second in ((one, two), (two, one)):
                first.start_tracing(one.Config(package_prefix="__main__", logfile="first"))
                call(turn)
                second.start_tracing(two.Config(package_prefix="__main__", logfile="second"))
                call(turn)
                (first if turn % 2 else second).stop_tracing()
                call(turn)
                (second if turn % 2 else first).stop_tracing()
                call(turn)
        """)
    assert len(calls(agent, "first")) + len(calls(agent, "second")) == 8 * 4
    assert len(calls(agent, "first")) == 4 * 3 + 4 * 2
