# SPDX-License-Identifier: MIT
"""Every kind of parameter, and arguments that an inner function captures."""


def plain(a, b, c):
    return a


def defaults(a, b=2, c="three"):
    return b


def posonly(a, b=1, /, c=2):
    return a


def kwonly(*, key, other="o"):
    return key


def mixed(a, /, b, *rest, key, default=None, **extra):
    return len(rest) + len(extra)


def only_args(*args):
    return len(args)


def only_kwargs(**kwargs):
    return sorted(kwargs)


def captured(a, b, *rest, key=None, **extra):
    """Every argument lives in a cell from the start."""
    def inner():
        return a, rest, key, extra
    return inner


def captured_second(a, b):
    """Only the second argument lives in a cell."""
    return [a, (lambda: b)()]


def rebound(a):
    """The argument at entry counts, not what becomes of it."""
    a = a + 1
    return a


def mutated(items):
    """The list at entry counts."""
    items.append("late")
    return items


def none():
    pass


def many(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9):
    return a0 + b9


def main():
    plain(1, 2, 3)
    plain(c=1, b=2, a=3)
    defaults(1)
    defaults(1, c=3)
    posonly(1)
    posonly(1, 2, c=3)
    kwonly(key=1)
    kwonly(other=2, key=1)
    mixed(1, 2, key=3)
    mixed(1, 2, 3, 4, key=5, x=6, y="seven")
    only_args()
    only_args(1, "two", None)
    only_kwargs()
    only_kwargs(b=1, a=2)
    captured(1, 2, 3, key=4, five=5)()
    captured_second("a", "b")
    rebound(1)
    mutated(["early"])
    none()
    many(*range(20))
