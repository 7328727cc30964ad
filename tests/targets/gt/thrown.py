# SPDX-License-Identifier: MIT
"""What a generator or coroutine calls after an exception was thrown into it: its parent is the
generator, though that went on without a hook."""
import asyncio
import contextlib
import copy

import outside


class Copied:
    """Called by a function of the standard library, which is not traced."""

    def __copy__(self):
        return self


def work(n):
    return n


def busy(n):
    """Calls of all kinds: through untraced code, direct, nested, of another generator."""
    copy.copy(Copied())
    work(n)
    outside.call(nested, n)
    return sum(counts(n))


def nested(n):
    copy.copy(Copied())
    return work(n)


def counts(n):
    for i in range(n):
        copy.copy(Copied())
        yield i


def catches():
    """Goes on after what was thrown."""
    try:
        yield 1
    except KeyError:
        copy.copy(Copied())
        outside.call(busy, 2)
    copy.copy(Copied())
    yield 2
    copy.copy(Copied())


def catches_more():
    """Again and again."""
    while True:
        try:
            yield 0
        except KeyError as error:
            copy.copy(Copied())
            if error.args[0] > 2:
                return


def cleans():
    try:
        yield 1
    finally:
        copy.copy(Copied())


def keeps_on():
    """Does something when it is closed."""
    try:
        yield 1
    except GeneratorExit:
        copy.copy(Copied())
        work(3)


def delegates():
    """The thrown exception goes to the inner one, which handles it and goes on."""
    yield from catches()
    copy.copy(Copied())
    outside.call(work, 4)


def delegates_out():
    """The inner one is left by it."""
    try:
        yield from cleans()
    except KeyError:
        copy.copy(Copied())
    yield 5


def delegates_to_untraced():
    """The inner one is nobody's."""
    yield from outside.catching(copy.copy, Copied())
    copy.copy(Copied())


def delegates_twice():
    yield from delegates()
    copy.copy(Copied())


def thrown(make):
    """Thrown into, then run to its end."""
    generator = make()
    next(generator)
    generator.throw(KeyError(1))
    copy.copy(Copied())
    list(generator)
    copy.copy(Copied())


def thrown_often():
    generator = catches_more()
    next(generator)
    with contextlib.suppress(StopIteration):
        for i in range(5):
            generator.throw(KeyError(i))
            copy.copy(Copied())


def thrown_deep(n):
    """With calls below and above."""
    return outside.call(thrown_deep, n - 1) if n else outside.call(thrown, delegates_twice)


def closed():
    for make in (cleans, keeps_on, delegates_out):
        generator = make()
        next(generator)
        generator.close()
        copy.copy(Copied())


def dropped():
    for make in (cleans, keeps_on):
        next(make())
        copy.copy(Copied())


def through():
    """Not handled at all."""
    generator = cleans()
    next(generator)
    try:
        generator.throw(KeyError(1))
    except KeyError:
        copy.copy(Copied())


@contextlib.contextmanager
def manager():
    try:
        yield
    except KeyError:
        copy.copy(Copied())


def managed():
    """contextlib throws."""
    with manager():
        copy.copy(Copied())
        raise KeyError(1)
    copy.copy(Copied())


async def cancelled():
    """asyncio throws."""
    other = asyncio.ensure_future(asyncio.sleep(10))
    await asyncio.sleep(0)
    other.cancel()
    try:
        await other
    except asyncio.CancelledError:
        copy.copy(Copied())
    copy.copy(Copied())


async def inner():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        copy.copy(Copied())
        await asyncio.sleep(0)
        copy.copy(Copied())


async def outer():
    await inner()
    copy.copy(Copied())
    outside.call(work, 6)


async def cancels():
    """The exception is thrown into a chain of coroutines."""
    running = asyncio.ensure_future(outer())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    await running
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(timed(), 0.01)
    copy.copy(Copied())


async def timed():
    try:
        await asyncio.sleep(10)
    finally:
        copy.copy(Copied())


async def items():
    try:
        yield 1
        yield 2
    except KeyError:
        copy.copy(Copied())
        yield 3
    finally:
        copy.copy(Copied())


async def asynchronous():
    """athrow() and aclose()."""
    generator = items()
    await generator.__anext__()
    await generator.athrow(KeyError(1))
    copy.copy(Copied())
    await generator.aclose()
    copy.copy(Copied())


def main():
    for make in (catches, delegates, delegates_out, delegates_to_untraced, delegates_twice):
        thrown(make)
    thrown_often()
    thrown_deep(3)
    closed()
    dropped()
    through()
    managed()
    for coroutine in (cancelled, cancels, asynchronous):
        asyncio.run(coroutine())
