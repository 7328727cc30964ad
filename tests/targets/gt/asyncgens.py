# SPDX-License-Identifier: MIT
"""Asynchronous generators and comprehensions, async for, aclose, athrow."""
import asyncio


async def ticks(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


async def no_await(n):
    for i in range(n):
        yield None


async def guarded(log):
    try:
        yield 1
        yield 2
    except ValueError as error:
        yield str(error)
    finally:
        log.append("closed")


class Countdown:
    """An asynchronous iterator by hand."""

    def __init__(self, n):
        self.n = n

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.n == 0:
            raise StopAsyncIteration
        self.n -= 1
        return self.n


async def sums():
    total = 0
    async for i in ticks(4):
        total += i
    async for i in Countdown(3):
        total += i
    async for _ in no_await(2):
        total += 1
    return total


async def comprehends():
    return [i async for i in ticks(3) if i], {i: i async for i in Countdown(2)}


async def breaks():
    generator = ticks(10)
    async for i in generator:
        if i == 2:
            break
    await generator.aclose()


async def throws():
    log = []
    generator = guarded(log)
    await generator.__anext__()
    await generator.athrow(ValueError("thrown"))
    await generator.aclose()
    return log


async def fails():
    async for i in ticks(3):
        if i == 1:
            raise RuntimeError("in async for")


async def amain():
    await sums()
    await comprehends()
    await breaks()
    await throws()
    try:
        await fails()
    except RuntimeError:
        pass
    await asyncio.gather(sums(), sums())


def main():
    asyncio.run(amain())
