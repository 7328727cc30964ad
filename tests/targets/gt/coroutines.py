# SPDX-License-Identifier: MIT
"""Coroutines under gather: interleaved, nested, cancelled, failing."""
import asyncio


async def leaf(n):
    await asyncio.sleep(0)
    return n * 2


async def nested(n):
    a = await leaf(n)
    b = await leaf(a)
    return a + b


async def sleeper(name, seconds):
    """Distinct times, so that the order of the ends is known."""
    await asyncio.sleep(seconds)
    return name


async def fails(n):
    await asyncio.sleep(0)
    raise ValueError("task %d" % n)


async def handles(n):
    try:
        await fails(n)
    except ValueError as error:
        return str(error)


async def forever():
    """Cancelled while it waits."""
    while True:
        await asyncio.sleep(3600)


async def tidy(log):
    """Runs its finally when it is cancelled."""
    try:
        await asyncio.sleep(3600)
    finally:
        log.append(await leaf(1))


class Lock:
    """An asynchronous context manager."""

    def __init__(self, name):
        self.name = name

    async def __aenter__(self):
        await asyncio.sleep(0)
        return self.name

    async def __aexit__(self, kind, value, traceback):
        await asyncio.sleep(0)
        return kind is KeyError


async def locked():
    async with Lock("one") as name:
        await leaf(len(name))
    async with Lock("two"):
        raise KeyError("swallowed by __aexit__")
    return "after"


async def locked_fails():
    async with Lock("three"):
        raise IndexError("passes __aexit__")


class Awaitable:
    """An object with __await__ written as a generator."""

    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return "awaited"


async def awaits_object():
    return await Awaitable()


async def timed_out():
    try:
        await asyncio.wait_for(forever(), 0.02)
    except asyncio.TimeoutError:
        return "timeout"


async def cancelled():
    log = []
    task = asyncio.ensure_future(tidy(log))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return log


def never_awaited():
    """Closed before it starts: no event."""
    leaf(1).close()


async def many():
    await asyncio.gather(*[nested(n) for n in range(5)])
    await asyncio.gather(*[sleeper("s%d" % n, 0.05 * n) for n in (3, 1, 2)])
    await asyncio.gather(*[handles(n) for n in range(3)])
    await asyncio.gather(fails(8), fails(9), return_exceptions=True)


async def amain():
    await many()
    await locked()
    try:
        await locked_fails()
    except IndexError:
        pass
    await awaits_object()
    await timed_out()
    await cancelled()
    never_awaited()
    return "all"


def main():
    asyncio.run(amain())
