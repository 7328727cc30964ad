# SPDX-License-Identifier: MIT
"""Threads with names, threads that live 2 ms, a subclass, exceptions and generators in threads."""
import threading
import time

from outside import call


def work(n):
    return sum(square(i) for i in range(n))


def square(i):
    return i * i


def brief(n):
    """Lives about 2 ms."""
    time.sleep(0.002)
    return n


def once(n):
    """A thread whose only traced call this is."""
    return n


def fails(n):
    try:
        raise ValueError("thread %d" % n)
    finally:
        square(n)


def survives(n):
    try:
        fails(n)
    except ValueError:
        return "survived"


class Worker(threading.Thread):
    """A subclass with its own run()."""

    def __init__(self, n):
        super().__init__(name="worker-%d" % n)
        self.n = n

    def run(self):
        self.step(self.n)

    def step(self, n):
        return n + 1


def start(target, n, name=None):
    thread = threading.Thread(target=target, args=(n,), name=name)
    thread.start()
    return thread


def finish(threads):
    for thread in threads:
        thread.join()


def one_after_the_other():
    """Unnamed threads: the interpreter numbers them in order."""
    for n in range(3):
        finish([start(work, n + 2)])


def short_lived():
    for n in range(12):
        finish([start(brief, n, "brief-%d" % n)])


def at_once():
    """They overlap; each one's own order is known."""
    finish([start(work, 20, "named-%d" % n) for n in range(6)])
    finish([start(survives, n, "survivor-%d" % n) for n in range(3)])


def tiny():
    finish([start(once, n, "tiny-%d" % n) for n in range(20)])


def subclassed():
    workers = [Worker(n) for n in range(3)]
    for worker in workers:
        worker.start()
    finish(workers)


def awkward_names():
    for name in ("caf\u00e9", "\u4e16\u754c", "\U0001f40d", "quo\"te\\", "x" * 100):
        finish([start(once, 1, name)])


def through_outside():
    thread = threading.Thread(target=call, args=(work, 3), name="outsider")
    thread.start()
    thread.join()


def main():
    one_after_the_other()
    short_lived()
    at_once()
    tiny()
    subclassed()
    awkward_names()
    through_outside()
