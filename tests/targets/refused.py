# SPDX-License-Identifier: MIT
"""Calls that the recursion limit refuses: no body of theirs begins. Those that begin count themselves,
without a call, for that may be refused too."""
import sys

begun = 0


def deep():
    global begun
    begun += 1
    deep()


def told(count):
    return count


def main():
    sys.setrecursionlimit(150)
    for _ in range(3):
        try:
            deep()
        except RecursionError:
            pass
    sys.setrecursionlimit(1000)
    told(begun)


main()
