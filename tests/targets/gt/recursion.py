# SPDX-License-Identifier: MIT
"""Recursion: a tree of calls, 64 deep (what a uretprobe can nest), 5,000 deep."""
import sys


def fib(n):
    """A tree of calls."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def depth(n):
    """One call a level."""
    if n == 0:
        return 0
    return 1 + depth(n - 1)


def is_even(n):
    """Half of a mutual recursion."""
    return True if n == 0 else is_odd(n - 1)


def is_odd(n):
    """The other half."""
    return False if n == 0 else is_even(n - 1)


def fall(n):
    """An exception that leaves every level."""
    if n == 0:
        raise ValueError("bottom")
    return fall(n - 1)


def catch(n):
    """Catches what fall() raises."""
    try:
        return fall(n)
    except ValueError as error:
        return str(error)


def walk(n):
    """A generator inside a generator inside a generator."""
    if n:
        yield n
        for item in walk(n - 1):
            yield item


def main():
    """Every depth that has been a limit somewhere."""
    sys.setrecursionlimit(20000)
    fib(10)
    for n in (63, 64, 65, 200, 5000):
        depth(n)
    is_even(300)
    for n in (10, 64, 100, 1000):
        catch(n)
    sum(walk(40))
