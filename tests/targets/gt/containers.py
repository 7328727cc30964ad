# SPDX-License-Identifier: MIT
"""Values with parts: lists, tuples, dicts, sets and what is derived from them."""
import collections
import enum
import types

Point = collections.namedtuple("Point", "x y")


class Color(enum.IntEnum):
    RED = 1
    BLUE = 2


class Mode(enum.Enum):
    READ = "r"


class Flag(enum.IntFlag):
    A = 1
    B = 2


class Level(str, enum.Enum):
    LOW = "low"


class Stack(list):
    """A list with attributes."""

    def __init__(self, *items):
        super().__init__(items)
        self.owner = "me"


class Table(dict):
    def __getitem__(self, key):
        raise RuntimeError("was run")

    def __iter__(self):
        raise RuntimeError("was run")


class Loud(list):
    def __iter__(self):
        raise RuntimeError("was run")

    def __len__(self):
        raise RuntimeError("was run")


class Pair(tuple):
    pass


class Bag(set):
    pass


def echo(value):
    return value


def lists():
    grown = []
    for i in range(20):
        grown.append(i)
    echo([])
    echo([1, "two", None, 3.0, True])
    echo([[1, [2, [3, [4]]]], []])
    echo(grown)
    echo(())
    echo((1,))
    echo((1, (2, (3, "x"))))
    echo([(1, 2), [3], {"four": 5}])
    echo(list(range(64)))
    echo([None] * 10)
    echo(["\u4e16", "caf\u00e9", "\U0001f40d", "\ud800"])


def dicts():
    echo({})
    echo({"a": 1, "b": [2, 3], "c": {"d": None}})
    echo({1: "one", 2: "two"})
    echo({None: 0, True: 1, 2.5: 2, b"b": 3, -7: 4, 2**70: 5})
    echo({"1": "text", 1: "number"})
    echo({"": "empty key", "caf\u00e9": 1, "\u4e16": 2, "quo\"te": 3})
    echo({i: i * i for i in range(40)})
    echo({"k%d" % i: i for i in range(60)})
    echo({"mixed": 1, 2: "keys"})
    echo(dict.fromkeys("abc"))
    echo({Color.RED: "red", Level.LOW: "low"})
    echo(dict([("pairs", 1), ("of", 2)]))
    echo(dict(key="word", args=1))


def changed_dicts():
    """Holes and tombstones in the table."""
    table = {"k%d" % i: i for i in range(12)}
    for i in range(0, 12, 2):
        del table["k%d" % i]
    echo(table)
    table["new"] = "value"
    echo(table)
    table.clear()
    echo(table)
    table.update(a=1)
    echo(table)
    popped = {1: 1, 2: 2, 3: 3}
    popped.pop(1)
    popped.popitem()
    echo(popped)


def sets():
    echo(set())
    echo({1, 2, 3})
    echo({"a", "b", "c"})
    echo({2, 1.5, "x", b"y", (1, 2)})
    echo(frozenset())
    echo(frozenset([4, 5]))
    holes = set(range(10))
    for i in range(0, 10, 3):
        holes.discard(i)
    echo(holes)
    echo({frozenset([1]), frozenset([2])})
    echo({True, False})


def derived():
    ordered = collections.OrderedDict([("z", 1), ("a", 2)])
    ordered.move_to_end("z")
    echo(ordered)
    default = collections.defaultdict(list)
    default["x"].append(1)
    echo(default)
    echo(collections.Counter("hello"))
    echo(Point(1, y="two"))
    echo([Point(0, 0)])
    echo(Color.BLUE)
    echo([Color.RED, Flag.A | Flag.B])
    echo(Mode.READ)
    echo(Level.LOW)
    echo(Stack(1, 2, 3))
    echo(Table(a=1))
    echo(Loud([1, 2]))
    echo(Pair((1, 2)))
    echo(Bag([1]))
    echo(types.MappingProxyType({"a": 1}))
    echo(collections.deque([1, 2]))
    echo(types.SimpleNamespace(a=1))


def mutating(items, table):
    """Values as they are at the moment of the event."""
    items.append(99)
    table["late"] = True
    return items, table


def main():
    lists()
    dicts()
    changed_dicts()
    sets()
    derived()
    mutating([1], {"early": True})
