# SPDX-License-Identifier: MIT
"""Three greenlets of one thread: the first and one wait, two runs. Runs after tests/live/render.py;
says where the innermost frame of each is, and the code at the bottom of each. Where there is no
greenlet for the interpreter it says "none"."""
import sys

sys.path.append("/usr/lib/python3/dist-packages")
try:
    import ctypes

    import greenlet
except ImportError:
    greenlet = None

LINES, KEPT = [], []


def say(what, addr, text=""):
    LINES.append("%s %d %s\n" % (what, addr, text))


def wait():
    sys.stdout.buffer.write("".join(LINES).encode() + b"end\n")
    sys.stdout.flush()
    sys.stdin.read()


def say_of(name, frame):
    """Of a stack: the frame objects, innermost first, and their code."""
    while frame:
        say(name + ".object", id(frame))
        say(name + ".code", id(frame.f_code), frame.f_code.co_name)
        KEPT.append(frame)
        frame = frame.f_back


def one_bottom():
    one_inner()


def one_inner():
    two.switch()


def two_bottom():
    two_inner()


def two_inner():
    ctypes.pythonapi.PyThreadState_Get.restype = ctypes.c_void_p
    say("state", ctypes.pythonapi.PyThreadState_Get())
    say_of("first", first.gr_frame)
    say_of("one", one.gr_frame)
    say_of("two", sys._getframe())
    for what, text in (("name", b"greenlet._C_API"), ("other", b"datetime.datetime_CAPI")):
        say(what, id(text) + 32)
        KEPT.append(text)
    wait()


def base():
    one.switch()


if greenlet:
    first, one, two = (greenlet.getcurrent(), greenlet.greenlet(one_bottom),
                       greenlet.greenlet(two_bottom))
    base()
else:
    say("none", 0)
    wait()
