# SPDX-License-Identifier: MIT
"""Makes trees of calls when it gets a line with a number: so many of each kind. The number of a tree
says its kind. Prints the calls that a tree of each kind has."""
import asyncio
import concurrent.futures
import json
import sys
import threading
import time

import trees

KIND = 1000000
NAMED = 10
ROOTS = [trees.root(kind) for kind in range(NAMED)]
OPENS, CONTINUES, LEFT, THREAD, TASK = range(NAMED, NAMED + 5)
TOLD = {kind: {"root%d" % kind: 1, **trees.BELOW} for kind in range(NAMED)}
TOLD[OPENS] = {"opens": 1, "numbers": 1, "leaf": trees.LEAVES}
TOLD[CONTINUES] = {"continues": 1, "leaf": 2}
TOLD[LEFT] = {"left": 1, "fails": 1, "leaf": 1}
TOLD[THREAD] = trees.BELOW
TOLD[TASK] = {"task": 1, "inner": 1, "leaf": 3}


def named(count):
    for i in range(count):
        for kind in range(NAMED):
            ROOTS[kind](KIND * kind + i)


def generators(count):
    opened = [trees.opens(KIND * OPENS + i) for i in range(count)]
    for i in range(0, count, 2):
        trees.continues(KIND * CONTINUES + i, opened[i])
        list(opened[i + 1])
        trees.continues(KIND * CONTINUES + i + 1, ())


def exceptions(count):
    for i in range(count):
        try:
            trees.left(KIND * LEFT + i)
        except ValueError:
            pass


def threads(count):
    def work(first):
        for i in range(first, count, 4):
            trees.calls(KIND * THREAD + i)
    started = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for one in started:
        one.start()
    for one in started:
        one.join()


def pool(count):
    """Below functions of the standard library, which are known as such by then."""
    with concurrent.futures.ThreadPoolExecutor(1) as one:
        one.submit(trees.calls, KIND * THREAD).result()
        time.sleep(0.5)
        for i in range(1, count):
            one.submit(trees.calls, KIND * THREAD + i).result()


def busy(seconds):
    """Returns how many trees it made."""
    end = time.monotonic() + seconds
    for count in range(KIND):
        if time.monotonic() > end:
            return count
        ROOTS[0](count)


async def tasks(count):
    await asyncio.gather(*[trees.task(KIND * TASK + i) for i in range(count)])


def main():
    print("ready", flush=True)
    count = int(sys.stdin.readline())
    if "pool" in sys.argv:
        pool(count)
    elif "busy" in sys.argv:
        TOLD[NAMED + 5] = {"trees": busy(count)}
    else:
        named(count)
    if not sys.argv[1:]:
        generators(count)
        exceptions(count)
        threads(count)
        asyncio.run(tasks(count))
    print(json.dumps(TOLD), flush=True)


main()
