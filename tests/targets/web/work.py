# SPDX-License-Identifier: MIT
"""What the handlers do."""
import asyncio
import contextvars
import threading
import time


class Failed(Exception):
    """Nobody handles it."""


def helper(n):
    return n


def answer(n, began, request_id=None):
    """What the client compares: the request, how long its handler took, the id that it saw."""
    return "%d %d %s" % (helper(n), (time.monotonic_ns() - began) // 1000, request_id)


def fail(n):
    raise Failed(helper(n))


def explain(n):
    """After it failed."""
    return "%d failed" % n


def parts(n):
    for i in range(3):
        time.sleep(0.0005)
        yield b"%d.%d\n" % (helper(n), i)


async def aparts(n):
    for i in range(3):
        await asyncio.sleep(0.0005)
        yield b"%d.%d\n" % (helper(n), i)


# ---- elsewhere, in the request's context ------------------------------------------------------


def in_thread(n):
    time.sleep(0.0005)
    return helper(n)


async def in_task(n):
    await asyncio.sleep(0.0005)
    return helper(n)


def run_thread(n):
    thread = threading.Thread(target=contextvars.copy_context().run, args=(in_thread, n))
    thread.start()
    thread.join()


async def run_tasks(n):
    await asyncio.gather(asyncio.create_task(in_task(n)), asyncio.to_thread(in_thread, n))
