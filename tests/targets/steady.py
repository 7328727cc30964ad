# SPDX-License-Identifier: MIT
"""Calls without end, on several threads: steady.py SECONDS. One function is always left by
ValueError, all others never by any exception."""
import sys
import threading
import time


def take(value):
    return value


def nested(value):
    return take(int(value).real)


def items(n):
    for i in range(n):
        yield take(i)


def boom(value):
    raise ValueError(value)


def turn():
    for i in range(50):
        nested(i)
    sum(items(5))
    try:
        boom(1)
    except ValueError:
        pass


def run(until):
    while time.monotonic() < until:
        turn()
        time.sleep(0.001)


def main(seconds):
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=run, args=(until,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    print("runs", flush=True)
    main(float(sys.argv[1]))
