# SPDX-License-Identifier: MIT
"""A call handles one exception and is left by an older one, which no traceback tells and C code may
swallow: only whoever sees it leave knows which it is."""
import outside
from gt.left_by import again, fails


def note(text):
    return text


def handles_its_own_first():
    """A bare `raise` of what its caller handles."""
    try:
        fails("handled by helper")
    except ValueError:
        pass
    raise


def keeps_its_own():
    """The other way round: the caller's comes later."""
    fails("not handled by helper")


def swallows_helper():
    try:
        fails("handled by caller, raised again")
    except ValueError:
        outside.swallow(keeps_its_own)
        hasattr(Asked(), "at all")
        raise


class Asked:
    """By C code, which takes an AttributeError or a TypeError for an answer."""

    def __getattr__(self, name):
        try:
            raise AttributeError("raised again: " + name)
        except AttributeError:
            try:
                fails("handled meanwhile")
            except ValueError:
                note("handled")
            raise

    def __length_hint__(self):
        try:
            raise TypeError("finally")
        finally:
            try:
                fails("handled in finally")
            except ValueError:
                note("handled")

    def __iter__(self):
        return iter(())


def closes_late():
    """Left by GeneratorExit."""
    try:
        yield 1
    finally:
        try:
            fails("handled while closing")
        except ValueError:
            note("closing")


def closed(generator):
    next(generator)
    generator.close()


def dropped(generator):
    next(generator)


def swallowed_by_c():
    hasattr(Asked(), "first")
    getattr(Asked(), "second", None)
    list(Asked())
    closed(closes_late())
    dropped(closes_late())
    fails("after all")


def main():
    for function, args in ((again, (handles_its_own_first,)), (swallows_helper, ()),
                           (swallowed_by_c, ())):
        outside.swallow(function, *args)
        outside.swallow(fails, "in between")
