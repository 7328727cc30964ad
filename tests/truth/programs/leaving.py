# SPDX-License-Identifier: MIT
"""Calls that handle one exception and are left by another, or by none: what left them only those
know who see it leave. What dies is in a list that is emptied: of a local variable the interpreter's
own tracing keeps a copy."""
import contextlib
import functools
import gc
import sys
import weakref

KINDS = (ValueError, KeyError, TypeError, ZeroDivisionError, StopIteration, OSError)


def fails(kind=ValueError, *args):
    raise kind(*args)


def swallows(function, *args):
    try:
        return function(*args)
    except BaseException as error:
        return type(error).__name__


# ---- bare raise ------------------------------------------------------------------------------


def raised_inside(kind):
    try:
        fails(kind, "inner")
    except kind:
        pass
    raise  # what the caller handles


def again_by_helper(outer, inner):
    try:
        fails(outer, "outer")
    except outer:
        raised_inside(inner)


def again_after_helper(outer, inner):
    try:
        fails(outer, "outer")
    except outer:
        swallows(fails, inner, "inner")
        raise


def again_in_the_middle(outer, inner):
    try:
        try:
            fails(outer, "outer")
        except outer:
            swallows(raised_inside, inner)
            raise
    except outer as error:
        held = error
    raise held


def deeper(n, kind):
    if not n:
        raise
    try:
        fails(kind, n)
    except kind:
        deeper(n - 1, kind)


def again_from_below(kind):
    try:
        fails(OSError, 2, "no such", "file")
    except OSError:
        deeper(4, kind)


# ---- finally, with ---------------------------------------------------------------------------


def returned_in_finally(kind):
    try:
        fails(kind, "never seen")
    finally:
        return "returned"


def raised_in_finally(kind):
    try:
        fails(ValueError, "replaced")
    finally:
        fails(kind, "in finally")


def handled_in_finally(kind):
    try:
        fails(ValueError, "goes on")
    finally:
        swallows(fails, kind, "handled in finally")


def continued(kind):
    for i in range(3):
        try:
            fails(kind, i)
        except kind:
            continue
        finally:
            swallows(fails, KeyError, i)
    return "continued"


class Manager:
    def __init__(self, answer, kind=None):
        self.answer, self.kind = answer, kind

    def __enter__(self):
        return self

    def __exit__(self, *info):
        swallows(fails, TypeError, "in __exit__")
        if self.kind:
            raise self.kind("of __exit__")
        return self.answer


def within(manager):
    with manager:
        fails(ValueError, "within")
    return "behind"


def within_both(outer, inner):
    with outer, inner:
        fails(ValueError, "within both")


@contextlib.contextmanager
def managed(kind):
    try:
        yield kind
    except ValueError:
        swallows(fails, kind, "while handling")
        raise


@contextlib.contextmanager
def translating(kind):
    try:
        yield
    except ValueError as error:
        raise kind("translated") from error


def in_managed(manager):
    with manager:
        fails(ValueError, "in managed")


# ---- generators ------------------------------------------------------------------------------


def generator(kind):
    while True:
        try:
            yield "ready"
        except kind:
            swallows(fails, KeyError, "in generator")
        except TypeError:
            fails(ZeroDivisionError, "replaced in generator")
        except GeneratorExit:
            swallows(fails, kind, "while closing")
            return


def stubborn():
    try:
        yield 1
    except GeneratorExit:
        yield 2


def delegating(kind):
    try:
        yield from generator(kind)
    except ZeroDivisionError:
        swallows(fails, ValueError, "in delegating")
        raise


def thrown_into(make, kind):
    box = [make(kind)]
    next(box[0])
    box[0].throw(kind("handled inside"))
    swallows(box[0].throw, TypeError("replaced inside"))
    swallows(next, box[0])
    box.clear()


def closed(make, kind):
    box = [make(kind)]
    next(box[0])
    box[0].close()


def closed_stubborn():
    box = [stubborn()]
    next(box[0])
    swallows(box[0].close)
    box.clear()


def not_begun(make, kind):
    swallows(make(kind).throw, kind("never began"))


def dropped_by_exception(kind):
    box = [generator(kind), delegating(kind)]
    for running in range(2):
        next(box[running])
    try:
        fails(kind, "drops generators")
    finally:
        box.clear()


def pulled():
    """StopIteration out of a generator's body is a RuntimeError."""
    yield next(iter(()))


# ---- C code that replaces and swallows -------------------------------------------------------


class Awkward:
    def __getattr__(self, name):
        try:
            fails(KeyError, name)
        except KeyError:
            swallows(fails, ValueError, "in __getattr__")
            raise AttributeError(name)

    def __len__(self):
        swallows(fails, ValueError, "in __len__")
        raise TypeError("no length")

    def __eq__(self, other):
        fails(ZeroDivisionError, "compared")

    def __hash__(self):
        return 1

    def __iter__(self):
        return self

    def __next__(self):
        swallows(fails, ValueError, "in __next__")
        raise StopIteration("at the end")

    def __index__(self):
        return "no integer"

    def __bool__(self):
        try:
            fails(OSError, 13, "denied")
        finally:
            swallows(fails, KeyError, "in __bool__")

    def __repr__(self):
        return fails(ValueError, "no text")


def through_c(thing):
    hasattr(thing, "missing")
    getattr(thing, "missing", None)
    list(thing)
    for function, args in ((len, (thing,)), (bool, (thing,)), (range, (thing,)), (repr, (thing,)),
                           (sorted, ([thing, thing],)), ("%s".__mod__, (thing,)),
                           ([thing].index, (Awkward(),)), (getattr, (thing, "gone"))):
        swallows(function, *args)
    return list(map(swallows, [len, bool], [thing, thing]))


def replaced_in_c():
    """int() of a str, a class that cannot be made, a format that fails."""
    for function, args in ((int, ("x",)), (type, ("A", (bool,), {})), (format, (thing_of(), "x")),
                           (functools.reduce, (fails, [ValueError, "a", "b"])),
                           (sorted, ([3, 1, 2], )), (max, ((),)), (dict, ([fails],))):
        swallows(function, *args)


def thing_of():
    return Awkward()


# ---- finalizers and callbacks ----------------------------------------------------------------


class Dying:
    def __init__(self, kind):
        self.kind = kind

    def __del__(self):
        swallows(fails, KeyError, "in __del__")
        fails(self.kind, "out of __del__")


def dies_while_left(kind):
    box = [Dying(kind)]
    try:
        fails(ValueError, "while something dies")
    except ValueError:
        box.clear()
        raise


def called_back(reference):
    fails(TypeError, "out of a callback")


def referred(kind):
    box = [Dying(kind)]
    reference = weakref.ref(box[0], called_back)
    try:
        fails(kind, reference is None)
    finally:
        box.clear()


def ends():
    dying = Dying(ValueError)
    return dying.kind.__name__


def print_nothing(unraisable):
    swallows(fails, OSError, type(unraisable.exc_value).__name__)


def main():
    sys.unraisablehook = print_nothing
    for outer in KINDS:
        for inner in KINDS:
            swallows(again_by_helper, outer, inner)
            swallows(again_after_helper, outer, inner)
            swallows(again_in_the_middle, outer, inner)
    for kind in KINDS:
        for function in (again_from_below, returned_in_finally, raised_in_finally,
                         handled_in_finally, continued, dropped_by_exception, dies_while_left,
                         referred):
            swallows(function, kind)
        for manager in (Manager(True), Manager(False), Manager(True, kind)):
            swallows(within, manager)
            swallows(within_both, manager, Manager(False, kind))
        swallows(in_managed, managed(kind))
        swallows(in_managed, translating(kind))
        for make in (generator, delegating):
            swallows(thrown_into, make, kind)
            swallows(closed, make, kind)
            swallows(not_begun, make, kind)
        gc.collect()
    swallows(closed_stubborn)
    swallows(list, pulled())
    through_c(Awkward())
    replaced_in_c()
    ends()


if __name__ == "__main__":
    main()
