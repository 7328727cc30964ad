# SPDX-License-Identifier: MIT
"""Traced and untraced frames in turn, and more untraced ones than anybody walks."""
from outside import call, deep, deep_swallow


def top(n):
    return call(middle, n)


def middle(n):
    return call(call, bottom, n)


def bottom(n):
    return n + 1


def zigzag(n):
    return 0 if n == 0 else 1 + call(zigzag, n - 1)


def fails(n):
    raise ValueError("deep %d" % n)


def over(levels):
    """A chain of untraced frames, then a traced one."""
    return deep(levels, bottom, levels)


def over_fails(levels):
    try:
        deep(levels, fails, levels)
    except ValueError as error:
        return str(error)


def over_swallowed(levels):
    result = deep_swallow(levels, fails, levels)
    return bottom(levels), result


def below(levels):
    """The exception passes traced frames at both ends of the chain."""
    return deep(levels, fails, levels)


def catches(levels):
    try:
        below(levels)
    except ValueError:
        return bottom(0)


def main():
    top(1)
    zigzag(30)
    for levels in (1, 2, 10, 100):
        over(levels)
        over_fails(levels)
        over_swallowed(levels)
        catches(levels)
