# SPDX-License-Identifier: MIT
"""Calls for the tests of the agent's probes, in two threads, without end.

    agent_calls.py LOGFILE PREFIX [EXCLUDE]    traced by itself from the start
    agent_calls.py LOGFILE - PREFIX            traced from its first SIGUSR1 to its second
    agent_calls.py LOGFILE fork PREFIX         ... in which it forks a child that makes calls

It ends when its standard input does, and then stops its own tracing.
"""
import os
import signal
import sys
import threading
import time

import flowtrace_agent

ended = threading.Event()


class Cart:
    """A class that values name."""

    def __init__(self, number):
        self.number = number

    def add(self, item, secret=None):
        return {"item": item, "of": self}


class Refused(ValueError):
    """An exception of our own."""


def refuse(number):
    raise Refused("no %d" % number, [number])


def count(number):
    for i in range(number % 3):
        yield i


def round_of(number):
    """All of it belongs to this number."""
    cart = Cart(number)
    cart.add("tea", secret="hidden")
    try:
        refuse(number)
    except Refused:
        pass
    return [number, sum(count(number))]


def rounds(first):
    """Round after round, each number once."""
    number = first
    while not ended.is_set():
        round_of(number)
        number += 1
        time.sleep(0.002)


def begin(generator):
    """On a thread of its own."""
    return next(generator)


def wander():
    """A generator that begins on one thread and ends on another."""
    generator = handed_over()
    thread = threading.Thread(target=begin, args=(generator,), name="beginner")
    thread.start()
    thread.join()
    return list(generator)


def handed_over():
    yield os.getpid()
    yield threading.get_native_id()


def wanderings():
    while not ended.is_set():
        wander()
        time.sleep(0.02)


def fork():
    """A child that goes on as its parent does."""
    child = os.fork()
    if not child:
        for number in range(5):
            in_child(number)
        flowtrace_agent.stop_tracing()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def in_child(number):
    return [os.getpid(), number]


def main(logfile, *words):
    words = list(words)
    forks = words[0] == "fork"
    waits = words[0] == "-" or forks
    prefix, *exclude = words[waits:]
    config = flowtrace_agent.Config(package_prefix=prefix, logfile=logfile, exclude_patterns=exclude,
                                    redact=["secret"])
    steps = [lambda: flowtrace_agent.start_tracing(config), flowtrace_agent.stop_tracing]
    if forks:
        steps = [lambda: flowtrace_agent.start_tracing(config), fork]

    def step(*_):
        if steps:
            steps.pop(0)()
            os.write(1, b"stepped\n")

    signal.signal(signal.SIGUSR1, step)
    if not waits:
        flowtrace_agent.start_tracing(config)
    threads = [threading.Thread(target=rounds, args=(10 ** 6,), name="worker"),
               threading.Thread(target=wanderings, name="wanderer")]
    for thread in threads:
        thread.start()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    os.write(1, b"ready\n")
    rounds(0)
    for thread in threads:
        thread.join()
    flowtrace_agent.stop_tracing()


if __name__ == "__main__":
    main(*sys.argv[1:])
