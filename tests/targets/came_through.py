# SPDX-License-Identifier: MIT
"""Exceptions that come through several functions. Prints what the interpreter has as their
tracebacks, one JSON array a line: for each call of main()'s, the entries from it on."""
import asyncio
import json
import sys
import traceback


def inner(n):
    """Deep."""
    if n:
        inner(n - 1)
    else:
        raise ValueError(
            "deep")


def through_c(function, *args):
    """C between two functions."""
    return sorted([1], key=lambda x: function(*args))


def handled():
    """Another one is raised."""
    try:
        inner(1)
    except ValueError as error:
        raise KeyError("again") from error


def bare():
    """Raised again after another one was handled."""
    try:
        inner(0)
    except ValueError:
        try:
            raise KeyError("B")
        except KeyError:
            pass
        raise


def numbers():
    """A generator in between."""
    yield 1
    through_c(inner, 0)


def uses():
    """Its consumer."""
    for _ in numbers():
        pass


def finally_():
    """Passed on by a finally clause."""
    try:
        inner(0)
    finally:
        len("x")


def generated(lines):
    """Code with an odd name, and a long way in it."""
    body = "".join("x = %d\n" % i for i in range(lines))
    namespace = {"__name__": "elsewhere", "inner": inner}
    exec(compile("def \u00e9t\u00e9():\n  inner(0)\n" + body + "\u00e9t\u00e9()\n", "<a \"b\"\n>", "exec"),
         namespace)


def elsewhere():
    """Such code."""
    generated(300)


def huge():
    """Its table of lines is longer than a record."""
    generated(6000)


def deep():
    """More entries than are told."""
    inner(150)


async def waits():
    """A coroutine that is awaited."""
    await asyncio.sleep(0)
    inner(0)


async def awaits():
    """And who awaits it."""
    await waits()


def loop():
    """In a loop."""
    asyncio.run(awaits())


def main():
    """All of it."""
    for function in (handled, bare, uses, finally_, elsewhere, huge, deep, loop):
        try:
            function()
        except Exception as error:
            entries = traceback.extract_tb(error.__traceback__.tb_next)
            print(json.dumps(["%s:%d %s" % (e.filename, e.lineno, e.name) for e in entries]))


sys.setrecursionlimit(1000)
main()
