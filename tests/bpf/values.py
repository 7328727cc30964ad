# SPDX-License-Identifier: MIT
"""Values in memory, each with what it is rendered as. Runs behind tests/live/render.py, in one
text, in each interpreter; says where they are and waits for its end."""
import collections
import enum
import json
import re
import sys


class Colour(enum.IntEnum):
    RED = 3


class Plain:
    def __init__(self):
        self.a = 1


class Words(str):
    pass


class Numbers(int):
    pass


class Failure(ValueError):
    pass


def grown(n):
    """A dict that had more keys than it has."""
    result = {}
    for i in range(n):
        result["k%d" % i] = i
    for i in range(0, n, 2):
        del result["k%d" % i]
    return result


def split():
    """A dict whose keys are shared with others of its class."""
    one, other = Plain(), Plain()
    other.b = [1, None]
    return [one.__dict__, other.__dict__]


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value, 1]
    return value


Pair = collections.namedtuple("Pair", "left right")

VALUES = [
    None, True, False, 0, 1, -1, 255, 2**30 - 1, 2**30, -(2**30), 2**31, 2**60 - 1, 2**60,
    -(2**62), 2**63, 2**64 + 1, 10**30, -(10**40), 1 << 3000, 1 << 5000,
    0.0, -0.0, 1.5, -2.25e300, 5e-324, float("inf"), float("-inf"), float("nan"), 0.1,
    "", "a", "seven..", "eight...", "nine.....", "x" * 31, "x" * 32, "x" * 400, "x" * 600,
    "\xe9t\xe9", "\u0416\u0438", "\U0001f600", "tab\t\"quoted\"\n", "\x00nul", "\ud800",
    b"", b"bytes", b"\x00\xff", b"y" * 40, bytearray(), bytearray(b"array"),
    [], [1], [1, 2, 3], [[], [[]], ()], (), (1,), (None, "two", 3.0), list(range(64)),
    {}, {"a": 1}, {"a": {"b": {"c": []}}}, {1: 2, None: 3, True: 4, 2.5: 5, b"k": 6, (): 7},
    dict.fromkeys(range(20), 0), grown(8), grown(20), split(),
    set(), {1}, frozenset(("a",)), frozenset(),
    Colour.RED, Pair(1, [2]), Words("sub"), Numbers(5), collections.OrderedDict(x=1),
    collections.defaultdict(list, y=[1]), collections.Counter("aab"),
    ValueError("bad"), Failure("bad", 1), KeyError("k"), OSError(2, "No such file"), Plain,
    Plain(), len, Plain.__init__, sys, type, nested(4), nested(5), nested(9),
    [1, Plain(), {"a": Words("w")}, (Failure(),)],
]



def as_written(text):
    """JSON as the collector writes it: UTF-8, but for lone surrogates."""
    pair = r"\\ud[89ab]..\\ud[c-f].."
    other = r"\\u(?!d[89a-f]|00[0-7])...."
    return re.sub("%s|%s" % (pair, other), lambda found: json.loads('"%s"' % found.group()), text)


for value in VALUES:
    sys.stdout.buffer.write(b"value %d %s\n" % (id(value), as_written(render(value)).encode()))  # noqa
sys.stdout.buffer.write(b"end\n")
sys.stdout.flush()
sys.stdin.read()
