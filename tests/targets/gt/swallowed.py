# SPDX-License-Identifier: MIT
"""An exception of a traced function is swallowed by an untraced one between two traced ones."""
from outside import cleanup, replace, retry, swallow


def fails(n):
    raise ValueError("fails %d" % n)


def fails_once(log):
    log.append(len(log))
    if len(log) == 1:
        raise ValueError("once")
    return log


def fine(n):
    return n


def outer(n):
    """Goes on after the exception, with and without another call."""
    swallow(fails, n)
    return fine(n)


def outer_returns(n):
    return swallow(fails, n)


def outer_many(n):
    return [swallow(fails, i) for i in range(n)]


def outer_same(n):
    """The next call has the same function and the same parent."""
    swallow(fails, n)
    swallow(fails, n)
    swallow(fine, n)
    return fine(n)


def inner_level(n):
    return fails(n)


def two_levels(n):
    swallow(inner_level, n)
    return "two"


def replaced(n):
    try:
        replace(fails, n)
    except RuntimeError as error:
        return str(error)


def replaced_passes(n):
    return replace(fails, n)


def after():
    return "after"


def cleaned(n):
    try:
        cleanup(fails, after, n)
    except ValueError:
        return "cleaned"


def retried():
    return retry(fails_once, [])


def raises_after(n):
    """The swallowed exception must not be taken for the later one."""
    swallow(fails, n)
    raise KeyError("later")


def nested_swallow(n):
    return swallow(outer_raising, n)


def outer_raising(n):
    swallow(fails, n)
    fails(n + 1)


def main():
    outer(1)
    outer_returns(2)
    outer_many(3)
    outer_same(4)
    two_levels(5)
    replaced(6)
    swallow(replaced_passes, 7)
    cleaned(8)
    retried()
    swallow(raises_after, 9)
    nested_swallow(10)
