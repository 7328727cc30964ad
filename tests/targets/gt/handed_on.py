# SPDX-License-Identifier: MIT
"""throw() and close() of an iterator's or awaitable's own, to which a generator or coroutine that
waits for it hands on what is thrown into it."""
import asyncio
import copy
import types

import outside


class Copied:
    """Called by a function of the standard library, which is not traced."""

    def __copy__(self):
        return self


def work(n):
    return n


class Keeps:
    """Takes what is thrown, and goes on."""

    def __iter__(self):
        return self

    __await__ = __iter__

    def __next__(self):
        return work(1)

    def throw(self, *error):
        work(2)
        copy.copy(Copied())
        return outside.call(work, 3)

    def close(self):
        work(4)
        copy.copy(Copied())


class Ends(Keeps):
    """Is over then."""

    def throw(self, *error):
        work(5)
        raise StopIteration(6)


class Raises(Keeps):
    """Something else."""

    def throw(self, *error):
        try:
            raise ValueError("other")
        finally:
            copy.copy(Copied())


class Passes(Keeps):
    """What was thrown."""

    def throw(self, *error):
        copy.copy(Copied())
        raise error[0]

    def close(self):
        raise OSError(5, "closed")


class Drives(Keeps):
    """By a generator of its own."""

    def __init__(self):
        self.inner = within(Keeps())

    def __next__(self):
        return next(self.inner)

    def throw(self, *error):
        return self.inner.throw(error[0])

    def close(self):
        self.inner.close()


class Calls(Keeps):
    """What is not traced itself calls what is."""

    def __next__(self):
        return 1

    throw, close = outside.methods(work)


def within(iterator):
    """Hands on."""
    result = yield from iterator
    copy.copy(Copied())
    return work(result)


def handles(iterator):
    """What comes back from it."""
    try:
        yield from iterator
    except (KeyError, ValueError):
        copy.copy(Copied())
        work(7)
    yield outside.call(work, 8)


def two(iterator):
    yield from within(iterator)
    work(9)


def three(iterator):
    yield from two(iterator)
    copy.copy(Copied())


def between(iterator):
    """One that is not traced stands between."""
    yield from outside.delegating(iterator)
    work(10)


def around(iterator):
    """... or below."""
    yield from outside.delegating(within(iterator))


async def awaits(awaitable):
    await awaitable
    copy.copy(Copied())


async def awaits_two(awaitable):
    await awaits(awaitable)
    work(11)


@types.coroutine
def old_style(awaitable):
    yield from awaitable.__await__()
    copy.copy(Copied())


MAKERS = (within, handles, two, three, between, around, awaits, awaits_two, old_style)
KINDS = (Keeps, Ends, Raises, Passes, Drives, Calls)


def started(make, kind):
    """Waits within."""
    generator = make(kind())
    generator.send(None)
    return generator


def goes_on(generator):
    """What it calls then, and the caller."""
    try:
        for _ in range(3):
            generator.send(None)
            copy.copy(Copied())
    except (StopIteration, AttributeError, RuntimeError):
        pass
    work(12)


def tried(call, *args):
    """Whatever comes of it."""
    try:
        call(*args)
    except BaseException:
        copy.copy(Copied())
    copy.copy(Copied())


def thrown(make, kind):
    generator = started(make, kind)
    tried(generator.throw, KeyError(1))
    copy.copy(Copied())
    goes_on(generator)
    tried(generator.close)


def thrown_often(make, kind):
    """And not resumed in between."""
    generator = started(make, kind)
    for n in range(3):
        tried(generator.throw, KeyError(n))
    tried(generator.close)


def thrown_exit(make, kind):
    """What close() raises, but thrown."""
    tried(started(make, kind).throw, GeneratorExit())


def closed(make, kind):
    tried(started(make, kind).close)
    copy.copy(Copied())


def deep(n, call, *args):
    """With calls below."""
    return outside.call(deep, n - 1, call, *args) if n else call(*args)


async def waits():
    """Cancelled by asyncio while it waits for a thing of ours."""
    await Waits()
    copy.copy(Copied())


class Waits:
    """An awaitable around a future."""

    def __init__(self):
        self.waiting = None

    def __await__(self):
        self.waiting = asyncio.get_running_loop().create_future().__await__()
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.waiting)

    def send(self, value):
        return self.waiting.send(value)

    def throw(self, *error):
        work(13)
        try:
            return self.waiting.throw(*error)
        except asyncio.CancelledError:
            copy.copy(Copied())
            raise StopIteration(14) from None


async def cancels():
    running = asyncio.ensure_future(waits())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    await running
    copy.copy(Copied())


async def items(kind):
    """One that waits between its items."""
    await kind()
    yield 1
    copy.copy(Copied())


def of_items(kind):
    """Thrown into what an asynchronous generator's __anext__() gave."""
    waiting = items(kind).__anext__()
    waiting.send(None)
    tried(waiting.throw, KeyError(1))
    tried(waiting.close)


def main():
    for kind in KINDS:
        for make in MAKERS:
            for part in (thrown, thrown_often, thrown_exit, closed):
                part(make, kind)
        deep(3, thrown, three, kind)
        of_items(kind)
    asyncio.run(cancels())
