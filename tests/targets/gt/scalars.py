# SPDX-License-Identifier: MIT
"""Values without parts: None, bool, int, float, str, bytes."""
import sys

INTS = (0, 1, -1, 5, 255, 256, -5, -6, 2**15, 2**30 - 1, 2**30, -(2**30), 2**31, 2**59, 2**60 - 1,
        2**60, -(2**60), 2**62, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**18, 10**19,
        2**90, int("1234567890" * 20), -int("9876543210" * 20), 2**1000)
FLOATS = (0.0, -0.0, 1.0, -1.5, 0.1, 1 / 3, 1e16, 1e15, 123456789012345680.0, 1e-5, 1e-4, 1e22,
          1e23, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 3.141592653589793,
          float("nan"), float("inf"), float("-inf"), 100.0, 1e100, 0.30000000000000004)
STRINGS = ("", "a", "hello world", "caf\u00e9", "\xff\x80", "\u4e16\u754c", "\u20ac 5",
           "\U0001f40d snake", "mixed \u00e9 \u4e16 \U0001f40d", "\ud800", "a\udc80b",
           "\udfff\ud800",
           "quote \" and ' and \\ backslash", "tab\tnewline\nreturn\rnull\x00bell\x07del\x7f",
           "\u2028\u2029", "/slash/", "<b>&amp;", "x" * 300, "\u00e9" * 200, "\u4e16" * 200,
           "\U0001f40d" * 100, "\x1f\x01", "...")
BYTES = (b"", b"abc", b"\x00abc", b"\xff\xfe", b"it's", b'say "hi"', b"both ' and \"",
         b"\t\n\r\\", bytes(range(256)), bytearray(b""), bytearray(b"mutable\x00"),
         bytearray(b"quote'"))


class Text(str):
    """A str with attributes of its own."""


class Number(int):
    pass


class Ratio(float):
    pass


class Blob(bytes):
    pass


class Loud(str):
    """Must be rendered without these."""

    def __repr__(self):
        raise RuntimeError("repr was run")

    __str__ = __repr__


def echo(value):
    return value


def constants():
    """Results that are constants of the code."""
    return 7


def no_return():
    pass


def joined(a, b):
    """A string built at run time, and one grown in place."""
    text = a + b
    text += a
    return text


def main():
    for value in (None, True, False, ...):
        echo(value)
    for group in (INTS, FLOATS, STRINGS, BYTES):
        for value in group:
            echo(value)
    for value in (Text("sub"), Text("\u4e16"), Number(7), Number(-2**70), Ratio(0.5), Blob(b"b"),
                  Loud("loud")):
        echo(value)
    constants()
    no_return()
    joined("abc", "\u00e9")
    echo(sys.intern("interned"))
    echo(3 + 4j)
    echo(range(3))
