# SPDX-License-Identifier: MIT
"""Calls in sub-interpreters: in this thread, in threads of their own, left by exception."""
import sys
import threading

try:
    import _interpreters as interpreters  # 3.13
except ImportError:
    import _xxsubinterpreters as interpreters

CODE = """
def inner(n):
    return [n, "sub"]


def failing(n):
    raise KeyError(n)


def work(n):
    try:
        failing(n)
    except KeyError:
        pass
    return inner(n)


for i in range(3):
    work(%d + i)
"""


def run(number):
    """Runs CODE in a new sub-interpreter."""
    made = interpreters.create()
    interpreters.run_string(made, CODE % number)
    interpreters.destroy(made)


def fail(number):
    """What is raised inside does not come out as itself."""
    made = interpreters.create()
    try:
        # 3.13 returns what was raised, before it was raised again.
        interpreters.run_string(made, CODE % number + "failing(%d)" % number)
    except Exception:
        pass
    interpreters.destroy(made)
    return number


def drive(number):
    """A call that waits while a sub-interpreter runs on its thread."""
    run(number)
    fail(number + 10)
    return number


def main():
    drive(100)
    for n in (200, 300):
        thread = threading.Thread(target=drive, args=(n,), name="T%d" % n)
        thread.start()
        thread.join()
    return sys.version_info[1]


main()
