# SPDX-License-Identifier: MIT
"""Which exception left a call: one that C code or an untraced function swallowed, one that was
raised again without a trace, while the next that shows is another one."""
import asyncio
import copy
import json

import outside


class Found(Exception):
    """Ends a search."""


class Attributes:
    """Ask for one of them, and C code swallows what comes."""

    @property
    def inner(self):
        raise AttributeError("inner reason")

    def __getattr__(self, name):
        raise AttributeError("outer " + name)


class Slots:
    """What C code calls, and asks something else when it fails."""

    def __len__(self):
        raise TypeError("length")

    def __length_hint__(self):
        raise TypeError("hint")

    def __float__(self):
        raise KeyError("float")

    def __iter__(self):
        return self

    def __next__(self):
        raise LookupError("next")


def numbers():
    """Dropped while an exception passes through its caller."""
    for i in range(3):
        yield i


def guarded():
    """Likewise, with something to clean up."""
    try:
        yield 1
    finally:
        note("clean")


def note(text):
    return text


def find(make):
    for n in make():
        raise Found("found %d" % n)


def find_deep(n):
    """The dropped one is many frames from where it is seen."""
    if n:
        return outside.call(find_deep, n - 1)
    return find(guarded)


def fails(text):
    raise ValueError(text)


def unnormalized(which):
    """Raised by C code, whose exceptions have no instance at first."""
    return {"key": lambda: {}[which], "zero": lambda: 1 // 0, "int": lambda: int(which)}[which]()


def handles_one_raises_other():
    """What it handled last is not what leaves it: that is raised again without an entry."""
    try:
        fails("leaves")
    except ValueError:
        try:
            fails("handled")
        except ValueError:
            pass
        raise


def handles_in_finally():
    try:
        fails("leaves by finally")
    finally:
        try:
            fails("handled in finally")
        except ValueError:
            pass
        note("so that the truth is not misled")


def handles_before():
    """Nothing is left of the first when the second comes."""
    try:
        fails("gone")
    except ValueError:
        pass
    return outside.call(fails, "came later")


def raises_again():
    """Away from its except block: no entry in any traceback."""
    raise


def again(helper):
    try:
        fails("handled by caller")
    except ValueError:
        outside.call(helper)


def one_after_the_other():
    """Swallowed, and then another one that is raised by C, by Python, or not at all."""
    outside.swallow(fails, "swallowed")
    unnormalized("key")


def one_and_saved():
    """The second is an old one, whose traceback is long."""
    try:
        outside.call(fails, "saved")
    except ValueError as error:
        saved = error
    outside.swallow(fails, "swallowed")
    raise saved


def same_frame_again():
    for text in ("one", "two"):
        outside.swallow(handles_one_raises_other)
        outside.swallow(fails, text)
    outside.swallow(handles_in_finally)
    fails("three")


def attributes():
    found = Attributes()
    try:
        return found.inner
    except AttributeError as error:
        return hasattr(found, "nothing"), str(error)


def slots():
    results = []
    for function in (list, float, bool, copy.copy, next):
        try:
            results.append(type(function(Slots())).__name__)
        except (LookupError, TypeError) as error:
            results.append(str(error))
    return results


def encoder(value):
    raise TypeError("cannot encode")


def replaced():
    """C code makes another exception of it."""
    try:
        json.dumps(object(), default=encoder)
    except TypeError:
        pass
    try:
        class Named:
            field = Refuses()
    except (RuntimeError, ValueError) as error:
        return type(error).__name__


class Refuses:
    """Its failure becomes a RuntimeError (up to 3.11)."""

    def __set_name__(self, owner, name):
        raise ValueError("no name")


def stops():
    """StopIteration is replaced behind the frame."""
    yield 1
    raise StopIteration("inner")


def stopped():
    try:
        list(stops())
    except RuntimeError:
        fails("after it")


async def task(n):
    await asyncio.sleep(0)
    raise OSError("task %d" % n)


async def waits():
    await asyncio.sleep(5)


async def gathered():
    try:
        await asyncio.gather(task(1), waits())
    except OSError as error:
        return str(error)


async def waited():
    tasks = [asyncio.ensure_future(task(2)), asyncio.ensure_future(waits())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    tasks[1].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    return [type(result).__name__ for result in results]


def main():
    for function, args in ((find, (numbers,)), (find, (guarded,)), (find_deep, (20,)),
                           (handles_one_raises_other, ()), (handles_in_finally, ()),
                           (handles_before, ()), (again, (raises_again,)),
                           (one_after_the_other, ()), (one_and_saved, ()), (same_frame_again, ()), (attributes, ()),
                           (slots, ()), (replaced, ()), (stopped, ())):
        outside.swallow(function, *args)
    for which in ("key", "zero", "int"):
        outside.swallow(unnormalized, which)
        outside.swallow(fails, which)
    asyncio.run(gathered())
    asyncio.run(waited())
