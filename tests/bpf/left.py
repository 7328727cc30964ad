# SPDX-License-Identifier: MIT
"""Calls that an exception left, and those that run, in memory. Runs after tests/live/render.py; says
what is where, and what is told of each exception: its type and message."""
import sys

try:
    import ctypes
except ImportError:
    ctypes = None

LINES, KEPT = [], []


def say(what, addr, text=""):
    LINES.append("%s %d %s\n" % (what, addr, text))


def state():
    """The address of this thread's PyThreadState; 0: cannot be told."""
    if ctypes is None:
        return 0
    ctypes.pythonapi.PyThreadState_Get.restype = ctypes.c_void_p
    return ctypes.pythonapi.PyThreadState_Get()


class Failure(Exception):
    pass


class Outer:
    class Inner(KeyError):
        pass


RAISED = [
    (ValueError("bad"), "ValueError|bad"), (ValueError(), "ValueError|"),
    (Failure("no", 1), "Failure|('no', 1)"), (KeyError("k"), "KeyError|'k'"),
    (OSError(2, "No such file", "/x"), "FileNotFoundError|[Errno 2] No such file: '/x'"),
    (OSError(5, "Bad"), "OSError|[Errno 5] Bad"), (OSError("only"), "OSError|only"),
    (Outer.Inner(1), "Inner|1"), (ValueError(7), "ValueError|7"),
    (ValueError("\u0416 \U0001f600"), "ValueError|\u0416 \U0001f600"),
    (SystemExit(3), "SystemExit|3"), (ValueError(None), "ValueError|None"),
]


def inner(_):
    raise Failure("no", 1)


def middle():
    return list(map(inner, [1]))


def outermost():
    try:
        middle()
    except Failure as error:
        report(error)


def entries(error):
    """Its way, the outermost first."""
    trace = error.__traceback__
    while trace:
        yield trace
        trace = trace.tb_next


def report(error):
    say("state", state())
    say("exc", id(error))
    say("traceback", id(error.__traceback__), "[%s]" % ", ".join(
        '"%s:%d %s"' % (entry.tb_frame.f_code.co_filename, entry.tb_lineno,
                        entry.tb_frame.f_code.co_name) for entry in entries(error)))
    for entry, name in zip(entries(error), ("outer", "middle", "inner")):
        say(name + ".entry", id(entry))
        say(name + ".object", id(entry.tb_frame))
        say(name + ".code", id(entry.tb_frame.f_code))
    for value, text in RAISED:
        say("raised", id(value), text)
    waiting = suspended()
    next(waiting)
    KEPT.append(waiting)
    say("gen.frame", id(waiting.gi_frame))
    say("gen.code", id(waiting.gi_code))
    say("scratch", id(SCRATCH) + 32)
    wait()


def suspended():
    yield 1


def wait():
    frame = sys._getframe()
    say("here.object", id(frame))
    for name in ("here", "report", "outermost", "module"):
        say("live", id(frame.f_code), name)
        frame = frame.f_back
    sys.stdout.buffer.write("".join(LINES).encode() + b"end\n")
    sys.stdout.flush()
    sys.stdin.read()


SCRATCH = b"s" * 64
outermost()
