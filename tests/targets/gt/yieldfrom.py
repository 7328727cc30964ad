# SPDX-License-Identifier: MIT
"""yield from: values, results and exceptions through several generators."""


def leaf(n):
    """Yields None among the rest."""
    got = yield n
    yield None
    return got


def middle(n):
    result = yield from leaf(n)
    return ("middle", result)


def top(n):
    first = yield from middle(n)
    second = yield from middle(n + 1)
    return [first, second]


def catching_leaf():
    try:
        yield 1
    except ValueError:
        yield "caught"
    yield 2


def catching_top():
    try:
        yield from leaf(7)
    except KeyError as error:
        yield "top caught %s" % error
    return "end"


def over_iterator():
    yield from iter([1, 2])
    yield from range(2)
    yield from "ab"


def over_catching():
    yield from catching_leaf()


def pure_pass():
    yield from leaf(1)


def exhaust():
    list(top(1))
    list(over_iterator())


def send_through():
    generator = top(5)
    next(generator)
    generator.send("sent")
    next(generator)
    generator.close()


def throw_caught_in_leaf():
    generator = over_catching()
    next(generator)
    generator.throw(ValueError("to the leaf"))
    return list(generator)


def throw_caught_in_top():
    generator = catching_top()
    next(generator)
    generator.throw(KeyError("to the top"))
    return list(generator)


def throw_through():
    generator = top(3)
    next(generator)
    try:
        generator.throw(OSError(5, "through all"))
    except OSError:
        return "out"


def close_through():
    generator = pure_pass()
    next(generator)
    generator.close()
    generator = top(9)
    next(generator)
    del generator


def main():
    for part in (exhaust, send_through, throw_caught_in_leaf, throw_caught_in_top,
                 throw_through, close_through):
        part()
