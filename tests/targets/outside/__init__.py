# SPDX-License-Identifier: MIT
"""What stands between traced functions and is not traced itself.

Its name does not begin with "gt": a prefix is a text prefix, and "gtlib" would match.
"""


def call(function, *args):
    """Passes on arguments, result and exception."""
    return function(*args)


def swallow(function, *args):
    """Turns an exception into None."""
    try:
        return function(*args)
    except Exception:
        return None


def replace(function, *args):
    """Turns an exception into another one."""
    try:
        return function(*args)
    except Exception as error:
        raise RuntimeError("replaced") from error


def cleanup(function, after, *args):
    """Calls after() while an exception of function passes."""
    try:
        return function(*args)
    finally:
        after()


def retry(function, *args):
    """Calls function again after it failed."""
    try:
        return function(*args)
    except Exception:
        return function(*args)


def deep(levels, function, *args):
    """Puts that many frames between the caller and function."""
    if levels == 0:
        return function(*args)
    return deep(levels - 1, function, *args)


def deep_swallow(levels, function, *args):
    """As deep(); the outermost of its frames swallows the exception."""
    try:
        return deep(levels, function, *args)
    except Exception:
        return "swallowed"


def drain(iterable):
    """Runs a generator to its end."""
    return list(iterable)


def first(iterable):
    """Takes one item of a generator."""
    return next(iter(iterable))


def catching(function, *args):
    """A generator that handles what is thrown into it, and calls function before and after."""
    try:
        yield "waiting"
    except KeyError:
        function(*args)
    function(*args)
    yield "handled"


def delegating(iterator):
    """A generator that waits for another one."""
    return (yield from iterator)


def methods(function):
    """throw() and close() that call function."""
    def throw(self, *error):
        return function(error[0])

    def close(self):
        function(self)

    return throw, close
