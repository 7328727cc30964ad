# SPDX-License-Identifier: MIT
"""Exceptions after which no traced code of their thread runs any more."""
import threading

from outside import call, swallow


def fails(n):
    raise ValueError("last words %d" % n)


def passes(n):
    return fails(n)


def quietly(n):
    """Ends its thread without a word."""
    raise SystemExit(n)


def ignore(args):
    """No traceback on standard error."""


def in_thread(number, target, *args):
    """Runs in a thread of its own until it has ended."""
    thread = threading.Thread(target=target, args=args, name="uncaught-%d" % number)
    thread.start()
    thread.join()


def main():
    """Uncaught in threads, swallowed at a thread's end, and at the program's end."""
    threading.excepthook = ignore
    in_thread(1, fails, 1)
    in_thread(2, passes, 2)
    in_thread(3, call, passes, 3)
    in_thread(4, swallow, passes, 4)
    in_thread(5, quietly, 5)
    passes(6)
