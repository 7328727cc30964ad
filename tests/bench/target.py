# SPDX-License-Identifier: MIT
"""The traced process of the benchmark: times rounds of calls of its own.

Reads a number of calls a line, makes them, answers with nanoseconds per call.
"""

import sys
import time


def add(x, y):
    return x + y


def rounds(n):
    start = time.perf_counter_ns()
    for _ in range(n):
        add(1000, 2000)
    return (time.perf_counter_ns() - start) / n


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        print(rounds(int(line)), flush=True)


main()
