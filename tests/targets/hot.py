# SPDX-License-Identifier: MIT
"""Loops that a JIT compiler takes up: calls, generators, exceptions, recursion."""
import sys

TURNS = 12000


def leaf(x):
    return x * 2


def countdown(n):
    while n:
        yield leaf(n)
        n -= 1
    return "over"


def refuse(x):
    if x % 3 == 0:
        raise ValueError(x)
    return x


def depth(n):
    return n and depth(n - 1) + 1


def calls(turns):
    total = 0
    for i in range(turns):
        total += leaf(i)
    return total


def generators(turns):
    total = 0
    for i in range(turns // 20):
        for value in countdown(20):
            total += value
    return total


def exceptions(turns):
    refused = 0
    for i in range(turns):
        try:
            refuse(i)
        except ValueError:
            refused += 1
    return refused


def recursion(turns):
    for i in range(turns // 20):
        depth(20)


def main():
    for part in (calls, generators, exceptions, recursion):
        part(TURNS)
    jit = getattr(sys, "_jit", None)
    print("jit" if jit and jit.is_enabled() else "no jit")


if __name__ == "__main__":
    main()
