# SPDX-License-Identifier: MIT
"""A process that does not stay what it is.

    lives.py WHAT [ARG...]: prints "ready", waits for a line on standard input, makes some
    calls, and then
    exec ARG...   becomes another program
    last          begins a little later, and ends as it should
    exit          ends inside three calls, by os._exit
    kill          ends inside three calls, by a signal
    fork          a child makes calls too
"""
import os
import signal
import sys
import time


def step(n):
    return n + 1


def some(name):
    for n in range(10):
        step(n)
    return name


def deep(n, end):
    if n == 0:
        end()
    return deep(n - 1, end)


def fork():
    pid = os.fork()
    if not pid:
        some("child")
        os._exit(0)
    os.waitpid(pid, 0)
    some("parent")


def main(what, args):
    if what == "last":
        time.sleep(1.5)  # until it is found and hooked
    else:
        print("ready", flush=True)
        os.read(0, 1)
    some(what)
    if what == "exec":
        os.execv(args[0], args)
    elif what == "exit":
        deep(2, lambda: os._exit(3))
    elif what == "kill":
        deep(2, lambda: os.kill(os.getpid(), signal.SIGKILL))
    elif what == "fork":
        fork()


main(sys.argv[1], sys.argv[2:])
