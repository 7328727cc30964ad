# SPDX-License-Identifier: MIT
"""Calls in a thread and in a forked child, whose results are the ids as the program sees them.

It prints "ready" when it can be attached to, and begins when its standard input ends.
"""
import os
import sys
import threading


def who(name):
    return [os.getpid(), threading.get_native_id(), name]


def in_child():
    who("child")
    thread = threading.Thread(target=who, args=("child's thread",))
    thread.start()
    thread.join()


def main():
    print("ready", flush=True)
    sys.stdin.read()
    who("main")
    thread = threading.Thread(target=who, args=("thread",))
    thread.start()
    thread.join()
    pid = os.fork()
    if not pid:
        in_child()
        os._exit(0)
    os.waitpid(pid, 0)


main()
