# SPDX-License-Identifier: MIT
"""Trees of calls. Every call has the number of its tree as its argument."""
import asyncio

LEAVES = 3


def leaf(tree):
    return tree


def numbers(tree):
    for _ in range(LEAVES):
        yield leaf(tree)


def fails(tree):
    leaf(tree)
    raise ValueError(tree)


def by_c(tree):
    return sorted([tree, tree], key=leaf)


def calls(tree):
    leaf(tree)
    try:
        fails(tree)
    except ValueError:
        by_c(tree)
    return sum(numbers(tree))


BELOW = {"calls": 1, "leaf": 4 + LEAVES, "fails": 1, "by_c": 1, "numbers": 1}


def root(number):
    """One of those that differ by their name alone."""
    names = {"calls": calls, "__name__": __name__}
    exec("def root%d(tree):\n    return calls(tree)\n" % number, names)
    return names["root%d" % number]


def opens(tree):
    """Others continue what it begins."""
    generator = numbers(tree)
    next(generator)
    return generator


def continues(tree, generator):
    """Continues it in the middle of its own calls."""
    leaf(tree)
    list(generator)
    leaf(tree)


def left(tree):
    """Left by an exception."""
    fails(tree)


async def inner(tree):
    leaf(tree)
    await asyncio.sleep(0)
    leaf(tree)


async def task(tree):
    await inner(tree)
    leaf(tree)
