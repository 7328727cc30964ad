# SPDX-License-Identifier: MIT
"""Exceptions that C code swallows, passes on or replaces; callbacks from C code."""
import functools
import itertools
import json
import re


class Lazy:
    """Properties and hooks that raise into C code."""

    @property
    def missing(self):
        raise AttributeError("not here")

    @property
    def broken(self):
        raise ValueError("broken")

    def __getattr__(self, name):
        if name == "fallback":
            return 1
        raise AttributeError(name)


class Steps:
    """An iterator whose end is an exception."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        return self.n


class OldStyle:
    """Iterated by __getitem__ until IndexError."""

    def __getitem__(self, index):
        if index > 2:
            raise IndexError(index)
        return index


class Key:
    """A dict key with Python __eq__ and __hash__."""

    def __init__(self, n, broken=False):
        self.n = n
        self.broken = broken

    def __hash__(self):
        if self.n < 0:
            raise TypeError("unhashable today")
        return 1

    def __eq__(self, other):
        if self.broken:
            raise ValueError("no comparison")
        return self.n == other.n


class Sized:
    """__len__ and __bool__ from C; a hint that fails."""

    def __length_hint__(self):
        raise TypeError("no hint")

    def __iter__(self):
        return iter([1, 2])


class NoisyDel:
    """An exception in __del__ goes nowhere."""

    def __del__(self):
        quiet_failure("del")


def quiet_failure(where):
    try:
        raise RuntimeError(where)
    except RuntimeError:
        return where


def swallowed_attributes():
    lazy = Lazy()
    return (hasattr(lazy, "missing"), getattr(lazy, "missing", "default"),
            getattr(lazy, "nowhere", None), lazy.fallback, hasattr(lazy, "fallback"))


def passing_attribute():
    try:
        hasattr(Lazy(), "broken")
    except ValueError as error:
        return str(error)


def iterators():
    return (list(Steps(3)), sum(Steps(2)), next(Steps(0), "end"), tuple(OldStyle()),
            2 in Steps(4), list(zip(Steps(2), Steps(3))), list(Sized()))


def for_loop():
    total = 0
    for n in Steps(3):
        total += n
    return total


def negative(n):
    if n == 3:
        raise ValueError("three")
    return -n


def mapped():
    return list(map(negative, [1, 2]))


def mapped_fails():
    try:
        return list(map(negative, [1, 2, 3, 4]))
    except ValueError:
        return "map failed"


def sorted_fails():
    try:
        return sorted([1, 2, 3], key=negative)
    except ValueError:
        return "sort failed"


def sorted_fine():
    return sorted([2, 1], key=negative)


def dictionary():
    table = {Key(1): "one", Key(2): "two"}
    return table.get(Key(2)), table.get(Key(9), "none"), Key(1) in table


def dictionary_fails():
    results = []
    for key in (Key(1, broken=True), Key(-1)):
        try:
            {Key(1): 1}.get(key)
        except (ValueError, TypeError) as error:
            results.append(str(error))
    return results


def replacement(match):
    return match.group(0).upper()


def hook(pairs):
    return dict(pairs)


def encoder(value):
    raise TypeError("cannot encode")


def library_callbacks():
    text = re.sub("[ab]", replacement, "abc")
    data = json.loads('{"a": {"b": 1}}', object_pairs_hook=hook)
    try:
        json.dumps(Key, default=encoder)
    except TypeError:
        return text, data


def filtered():
    return (list(filter(lambda n: n % 2, range(5))),
            functools.reduce(max, map(abs, [-3, 2])),
            list(itertools.takewhile(lambda n: n < 2, range(9))))


def compare(a, b):
    return (a > b) - (a < b)


def main():
    swallowed_attributes()
    passing_attribute()
    iterators()
    for_loop()
    mapped()
    mapped_fails()
    sorted_fails()
    sorted_fine()
    dictionary()
    dictionary_fails()
    library_callbacks()
    filtered()
    sorted([3, 1, 2], key=functools.cmp_to_key(compare))
    NoisyDel()
