# SPDX-License-Identifier: MIT
"""Starts short programs at a steady rate, of each interpreter in turn, and works meanwhile.

storm.py RATE SECONDS COMMAND...: each COMMAND is the start of one, words apart. It says "ready",
waits for a line, starts one of each that stays, waits for another line, and says at the end how many
it started and how many seconds that took.
"""
import os
import sys
import threading
import time

STAYS = """
import time
def stays(n):
    return n
while True:
    stays(%d)
    time.sleep(0.05)
"""
CHILD = "def first(n):\n    return n\nfirst(%d)"
MOST = 64  # at once: more than that is not for the collector to bear


def beat(n):
    return n


def work(over):
    n = 0
    while not over.is_set():
        beat(n)
        n += 1
        time.sleep(0.001)


def reap(running, options):
    while running and os.waitpid(0, options)[0]:
        running.pop()


def storm(rate, seconds, commands):
    start, running, number = time.monotonic(), [], 0
    while number < rate * seconds:
        command = [*commands[number % len(commands)], "-S", "-E", "-c", CHILD % number]
        running.append(os.posix_spawn(command[0], command, os.environ))
        number += 1
        reap(running, 0 if len(running) > MOST else os.WNOHANG)
        time.sleep(max(0, start + number / rate - time.monotonic()))
    while running:
        reap(running, 0)
    return number, time.monotonic() - start


def main():
    commands = [command.split() for command in sys.argv[3:]]
    over = threading.Event()
    print("ready", flush=True)
    sys.stdin.readline()
    staying = [os.posix_spawn(c[0], [*c, "-S", "-E", "-c", STAYS % i], os.environ)
               for i, c in enumerate(commands)]
    sys.stdin.readline()
    worker = threading.Thread(target=work, args=[over])
    worker.start()
    started, took = storm(int(sys.argv[1]), int(sys.argv[2]), commands)
    over.set()
    worker.join()
    for pid in staying:
        os.kill(pid, 9)
    print(started, took, flush=True)


main()
