# SPDX-License-Identifier: MIT
"""A program that misleads whoever opens its libpython by name: a child of it swaps the directory of
the library and a link to another directory, again and again. Arguments: the two names."""
import ctypes
import os
import random
import signal
import sys
import time

AT_FDCWD, RENAME_EXCHANGE = -100, 2


def swap_for_ever(one, other):
    """Each state lasts from no time to about what loading BPF programs takes."""
    libc = ctypes.CDLL(None)
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    one, other = os.fsencode(one), os.fsencode(other)
    while True:
        assert not libc.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE)
        time.sleep(random.choice((0, 0.001, 0.01, 0.1, 0.3)) * random.random())


def tick(n):
    return n + 1


def main():
    if not os.fork():
        swap_for_ever(*sys.argv[1:])
    print("ready", flush=True)
    n = 0
    while True:
        n = tick(n)
        time.sleep(0.005)


main()
