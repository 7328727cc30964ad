# SPDX-License-Identifier: MIT
"""Generators: exhausted, partial, send, throw, close, dropped, never started."""
import gc

from outside import drain, first


def count(n):
    """Runs to its end; the result is what it returns."""
    for i in range(n):
        yield i
    return "done"


def echo():
    """What is sent comes back."""
    got = yield "first"
    while got is not None:
        got = yield got
    return "over"


def yields_none():
    """None is what a return without a value looks like, too."""
    yield None
    yield


def guarded(log):
    """Handles what is thrown, and goes on."""
    while True:
        try:
            yield len(log)
        except ValueError as error:
            log.append(str(error))
            yield "handled"


def unguarded():
    """What is thrown leaves it."""
    yield 1
    yield 2


def with_finally(log):
    """Cleans up when it is closed."""
    try:
        yield 1
        yield 2
    finally:
        cleanup(log)


def cleanup(log):
    log.append("clean")


def swallows_exit():
    """Ends by return when it is closed."""
    try:
        yield 1
    except GeneratorExit:
        return "closed"


def raises():
    """Ends by an exception of its own."""
    yield 1
    raise LookupError("own")


def stops():
    """StopIteration inside a generator turns into RuntimeError outside of it."""
    yield 1
    raise StopIteration("inner")


def exhausted():
    list(count(3))
    drain(count(2))
    sum(count(4))
    list(yields_none())
    generator = count(0)
    next(generator, None)
    next(generator, None)


def sending():
    generator = echo()
    next(generator)
    generator.send("a")
    generator.send(2)
    try:
        generator.send(None)
    except StopIteration as stop:
        return stop.value


def throwing():
    log = []
    generator = guarded(log)
    next(generator)
    generator.throw(ValueError("one"))
    next(generator)
    generator.throw(ValueError("two"))
    generator.close()
    generator = unguarded()
    next(generator)
    try:
        generator.throw(KeyError("gone"))
    except KeyError:
        return log


def closing():
    log = []
    generator = with_finally(log)
    next(generator)
    generator.close()
    generator = swallows_exit()
    next(generator)
    generator.close()
    generator = unguarded()
    next(generator)
    generator.close()
    return log


def dropped():
    """The last reference goes while the generator is suspended."""
    log = []
    generator = with_finally(log)
    next(generator)
    del generator
    first(with_finally(log))
    first(count(3))
    return log


def abandoned():
    """A generator goes with the one that reads it, and another takes its place."""
    log = []
    any(n for n in with_finally(log))
    return sum(n for n in with_finally(log))


def collected():
    """A generator in a reference cycle is closed by the collector."""
    box = []
    generator = with_finally(box)
    next(generator)
    box.append(generator)
    del generator, box
    gc.collect()
    return "collected"


def never_started():
    """None of these runs a line of its body: no events but those of this function."""
    generator = unguarded()
    try:
        generator.throw(ValueError("early"))
    except ValueError:
        pass
    unguarded().close()
    unused = unguarded()
    del unused


def failing():
    for make in (raises, stops):
        try:
            list(make())
        except (LookupError, RuntimeError) as error:
            type(error)


def interleaved():
    """Two generators take turns."""
    return [a + b for a, b in zip(count(4), count(3))]


def main():
    for part in (exhausted, sending, throwing, closing, dropped, abandoned, collected,
                 never_started, failing, interleaved):
        part()
