# SPDX-License-Identifier: MIT
"""Instances, their __dict__, exceptions as values, classes, functions, modules."""
import collections
import threading


class Order:
    """A plain object; its repr must not be run."""

    def __init__(self, number, items):
        self.number = number
        self.items = items

    def __repr__(self):
        raise RuntimeError("repr was run")

    def total(self):
        return len(self.items)


class Slots:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a = 1


class Meta(type):
    """A metaclass."""


class WithMeta(metaclass=Meta):
    class Nested:
        """Its repr shows the enclosing class."""


class Sly:
    """Answers every attribute; nobody may ask."""

    def __getattribute__(self, name):
        raise RuntimeError("attribute was read")

    @property
    def __class__(self):
        raise RuntimeError("class was read")


class Failure(Exception):
    pass


class LoudFailure(Exception):
    def __str__(self):
        raise RuntimeError("str was run")

    __repr__ = __str__


def echo(value):
    return value


def generator():
    yield 1


def instance_dicts():
    """The keys of an instance's dict are shared with its class."""
    order = Order(1, ["a"])
    echo(vars(order))
    order.extra = "more"
    echo(vars(order))
    del order.number
    echo(vars(order))
    second = Order(2, [])
    second.total()
    echo(second.__dict__)
    wide = Order(3, [])
    for i in range(40):
        setattr(wide, "attribute%d" % i, i)
    echo(vars(wide))


def plain_objects():
    for value in (object(), Order(1, []), Slots(), WithMeta(), WithMeta.Nested(), Sly(),
                  threading.Lock(), collections.deque(), memoryview(b"x"), iter([]),
                  NotImplemented):
        echo(value)


def callables():
    for value in (Order, WithMeta, int, type, echo, len, [].append, Order(1, []).total,
                  lambda: None, collections, generator(), property(echo), staticmethod(echo)):
        echo(value)


def exceptions():
    for value in (ValueError("Invalid input"), ValueError(), ValueError("a", 1), KeyError("k"),
                  OSError(2, "No such file"), Failure("own"), Failure(None, True, 1.5, b"b"),
                  LoudFailure("hidden"), ValueError("it's"), ValueError('say "x"'),
                  ValueError("new\nline"), StopIteration(3), SystemExit(1)):
        echo(value)


def nested_objects():
    order = Order(1, [])
    echo([order, {"order": order}, (ValueError("in a tuple"),)])


def main():
    instance_dicts()
    plain_objects()
    callables()
    exceptions()
    nested_objects()
