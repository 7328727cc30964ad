# SPDX-License-Identifier: MIT
"""Frames in memory: those of a thread that waits, and of the first one. Runs behind
tests/live/render.py; says what stands where, innermost first."""
import sys
import threading

try:
    import ctypes
except ImportError:
    ctypes = None

NAME = "worker \u0416"
LINES = []


def say(what, addr, text):
    LINES.append("%s %d %s\n" % (what, addr, text))


def state():
    """The address of this thread's PyThreadState; 0: cannot be told."""
    if ctypes is None:
        return 0
    ctypes.pythonapi.PyThreadState_Get.restype = ctypes.c_void_p
    return ctypes.pythonapi.PyThreadState_Get()


def parameters(code):
    n = code.co_argcount + code.co_kwonlyargcount
    n += bool(code.co_flags & 4) + bool(code.co_flags & 8)
    return " ".join(code.co_varnames[:n])


def say_stack(what, frame):
    """One line for each frame: its code, and what is to be told of it."""
    while frame is not None:
        code = frame.f_code
        say(what, id(code), "|".join((frame.f_globals["__name__"], code.co_name, code.co_filename,
                                      str(code.co_firstlineno), parameters(code),
                                      "Order" if hasattr(Order, code.co_name) else "")))
        frame = frame.f_back


def worker(ready, forever):
    say("state", state(), NAME)
    say("bottom", id(threading.Thread._bootstrap.__code__), "")
    ready.set()
    forever.wait()


class Order:
    def total(self, price, *rest, tax=0, **more):
        held = price
        return self.outer(lambda: held, [i for i in rest])

    def outer(self, function, values):
        return list(map(self.innermost, [1]))

    def innermost(self, _):
        say("state", state(), "")
        say_stack("frame", sys._getframe())
        sys.stdout.buffer.write("".join(LINES).encode() + b"end\n")
        sys.stdout.flush()
        sys.stdin.read()


begun = threading.Event()
thread = threading.Thread(target=worker, args=(begun, threading.Event()), name=NAME, daemon=True)
thread.start()
begun.wait()
Order().total(1, 2)
