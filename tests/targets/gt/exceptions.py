# SPDX-License-Identifier: MIT
"""Exceptions: handled, passing, re-raised, chained, replaced in finally, of many types."""
import contextlib


class Custom(Exception):
    """An application's own."""


class WithArgs(Exception):
    """Its constructor takes other arguments than it stores."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Loud(Exception):
    """Its __str__ and __repr__ must not be run by a tracer."""

    calls = 0

    def __str__(self):
        Loud.calls += 1
        return "loud"

    __repr__ = __str__


def boom(kind, *args):
    raise kind(*args)


def handled_inside():
    try:
        raise ValueError("inside")
    except ValueError:
        return "handled"


def passes(kind, *args):
    return boom(kind, *args)


def reraises(kind, *args):
    try:
        boom(kind, *args)
    except Exception:
        raise


def reraises_by_name():
    try:
        boom(ValueError, "named")
    except ValueError as error:
        raise error


def helper_reraise():
    """A bare raise away from its except."""
    raise


def reraises_in_helper():
    try:
        boom(KeyError, "helped")
    except KeyError:
        helper_reraise()


def reraises_first():
    """Another exception is handled before the first goes on."""
    try:
        boom(ValueError, "first")
    except ValueError:
        try:
            boom(TypeError, "second")
        except TypeError:
            pass
        raise


def chained():
    try:
        boom(ValueError, "cause")
    except ValueError as error:
        raise Custom("effect") from error


def implicit_context():
    try:
        boom(ValueError, "before")
    except ValueError:
        boom(Custom, "during")


def finally_passes(log):
    try:
        boom(ValueError, "passing")
    finally:
        note(log)


def finally_replaces():
    try:
        boom(ValueError, "old")
    finally:
        raise Custom("new")


def finally_returns():
    """A return in finally drops the exception."""
    try:
        boom(ValueError, "dropped")
    finally:
        return "returned"  # noqa: B012


def loop_breaks():
    while True:
        try:
            boom(ValueError, "broken")
        finally:
            break  # noqa: B012
    return "out"


def note(log):
    log.append("note")


def no_match():
    try:
        boom(ValueError, "no match")
    except (KeyError, TypeError):
        return "wrong"


@contextlib.contextmanager
def manager(log):
    try:
        yield log
    finally:
        note(log)


@contextlib.contextmanager
def suppressing():
    try:
        yield
    except ValueError:
        pass


def in_with(log):
    with manager(log):
        boom(ValueError, "in with")


def in_suppressing():
    with suppressing():
        boom(ValueError, "suppressed")
    with contextlib.suppress(KeyError):
        boom(KeyError, "suppressed")
    return "after with"


def retried(times):
    """The same function fails and is called again."""
    for n in range(times):
        try:
            boom(ValueError, "try %d" % n)
        except ValueError:
            continue
    return times


def deep_finally(n, log):
    """One finally a level, each with a call in it."""
    if n == 0:
        boom(ValueError, "deep")
    try:
        deep_finally(n - 1, log)
    finally:
        note(log)


def by_interpreter(which):
    """Raised by C code: the value may be a bare string at that moment."""
    if which == "zero":
        return 1 // 0
    if which == "key":
        return {}["missing"]
    if which == "intkey":
        return {}[42]
    if which == "index":
        return [][1]
    if which == "name":
        return undefined_name  # noqa: F821
    if which == "attribute":
        return None.nothing
    if which == "type":
        return 1 + "x"
    if which == "int":
        return int("x")
    if which == "open":
        return open("/nonexistent/file")
    if which == "assert":
        assert which == "other", "asserted"
    if which == "unpack":
        a, b = [1]
        return a + b
    if which == "import":
        import no_such_module_of_ours  # noqa: F401
    if which == "next":
        return next(iter(()))
    raise SystemExit(3)


def same_object(error):
    """The same exception object leaves twice."""
    raise error


def quiet(function, *args):
    """Catches whatever comes, SystemExit too."""
    try:
        return function(*args)
    except BaseException as error:
        return type(error).__name__


def main():
    handled_inside()
    for kind, args in ((ValueError, ("plain",)), (Custom, ()), (Custom, ("own",)),
                       (WithArgs, (5, "text")), (Loud, ("quiet",)), (KeyError, ("key",)),
                       (KeyError, (7,)), (OSError, (2, "No such thing")), (OSError, ("one",)),
                       (OSError, (2, "No such thing", "/a/file")), (ValueError, ("a", 1, None)),
                       (ValueError, (12,)), (ValueError, (None,)), (ValueError, (b"raw",)),
                       (ValueError, ("caf\u00e9 \u4e16 \U0001f40d \"quoted\"",)),
                       (UnicodeError, ("u",)), (KeyboardInterrupt, ()), (StopIteration, (1,)),
                       (RuntimeError, ("long " * 50,))):
        quiet(passes, kind, *args)
        quiet(reraises, kind, *args)
    log = []
    for function, args in ((reraises_by_name, ()), (reraises_in_helper, ()),
                           (reraises_first, ()), (chained, ()), (implicit_context, ()),
                           (finally_passes, (log,)), (finally_replaces, ()),
                           (finally_returns, ()), (loop_breaks, ()), (no_match, ()),
                           (in_with, (log,)), (in_suppressing, ()), (retried, (3,)),
                           (deep_finally, (6, log))):
        quiet(function, *args)
    for which in ("zero", "key", "intkey", "index", "name", "attribute", "type", "int", "open",
                  "assert", "unpack", "import", "next", "exit"):
        quiet(by_interpreter, which)
    error = Custom("twice")
    quiet(same_object, error)
    quiet(same_object, error)
    assert Loud.calls == 0
