# SPDX-License-Identifier: MIT
"""Names that are late, missing, odd or no text: of modules, classes, functions, keys and threads;
and more parameters than are captured."""
import enum
import sys
import threading
import types


class Mixin:
    """A first base that is none of the built-in ones."""


class Real(Mixin, float):
    pass


class Some(Mixin, set):
    pass


class Frozen(Mixin, frozenset):
    pass


class Octets(Mixin, bytearray):
    pass


class Missing(Mixin, KeyError):
    pass


class Failed(Mixin, OSError, ValueError):
    pass


class Word(Mixin, str, enum.Enum):
    ONE = "one"


class Level(Mixin, enum.IntEnum):
    LOW = 1


class Order(type):
    """Its classes say themselves in which order they inherit."""

    def mro(cls):
        return [cls, Mixin, float, object]


class Ordered(float, metaclass=Order):
    pass


CLASSES = [
    ("NoModule", {"__module__": None}),
    ("NumberedModule", {"__module__": 12345}),
    ("Computed", {"__module__": property(lambda self: "computed")}),
    ("CutModule", {"__module__": "a\0b"}),
    ("CutPath", {"__qualname__": "q\0r"}),
    ("Dotted.name", {}),
    ("Builtin", {"__module__": "builtins"}),
    ("LastOf100", {"k%d" % i: i for i in range(100)}),
    ("LastOf3000", dict([("k%d" % i, i) for i in range(3000)] + [("__module__", "late")])),
    ("\xdcn\xef", {"__module__": "m\xf6dule"}),
    ("\u65e5\u672c", {"__module__": "\u65e5\u672c.x"}),
    ("Astral", {"__module__": "\U0001f40d"}),
    ("Surrogate", {"__qualname__": "s\ud800t"}),
]


def echo(value):
    return value


def keywords(**named):
    return named


def deep(n):
    base = Mixin
    for i in range(n):
        base = type("D%d" % i, (base,), {})
    return base


def show_classes():
    for name, members in CLASSES:
        made = type(name, (), dict(members))
        echo(made())
        echo([made(), made])
    made = type("Changed", (), {})
    for member, value in (("__module__", "other"), ("__qualname__", "X.Y"), ("__module__", None),
                          ("__name__", "Renamed"), ("__module__", "third")):
        setattr(made, member, value)
        echo(made())


def show_kinds():
    for value in (Real(1.5), Some([1]), Frozen([2]), Octets(b"x"), Missing("k"), Failed(2, "no"),
                  Word.ONE, Level.LOW, Ordered(2.5)):
        echo(value)
    echo(type("Deep", (deep(70), float), {})(4.5))
    echo(type("Deep", (float, deep(70)), {})(5.5))


def show_odd():
    echo({"a\0b": "c\0d", b"\0": 1})
    keywords(**{"x\0y": 2})
    code = echo.__code__.replace(co_name="f\0n", co_varnames=("p\0q",))
    if sys.version_info >= (3, 11):
        code = code.replace(co_qualname="C\0D.f\0n")
    types.FunctionType(code, globals())(1)
    thread = threading.Thread(target=echo, args=(7,), name="th\0read")
    thread.start()
    thread.join()


def as_module(name, others=0):
    """Code that runs with these globals: the name is behind others."""
    space = {"k%d" % i: i for i in range(others)}
    if name is not None:
        space["__name__"] = name
    exec("def f(): return 1\nf()\n", space)


def show_modules():
    for others in (0, 1, 7, 8, 9, 20, 63, 64, 100, 255, 256, 1000, 70000):
        as_module("gt.late%d" % others, others)
        as_module("outside.late%d" % others, others)
        as_module(None, others)
    for name in ("gt\0z", "gt.\xfc", "gt.\u65e5", "gt.\U0001f40d", "gt" + "x" * 300, "g\xfct", 5,
                 b"gt", ["gt"], None, ""):
        as_module(name)
    space = {"k%d" % i: i for i in range(100)}
    space["__name__"] = "gt.deleted"
    del space["__name__"], space["k7"]
    exec("def f(): return 1\nf()\n", space)
    space["__name__"] = "gt.again"
    exec("f()\n", space)


def show_parameters():
    for n in (63, 64, 65, 70, 300):
        names = ["a%d" % i for i in range(n)]
        space = {"__name__": "gt.many"}
        exec("def many(%s): return a62\n" % ", ".join(names), space)
        space["many"](*range(n))
        exec("def more(%s, *, last=0, **kw): return kw\n" % ", ".join(names[:-1]), space)
        space["more"](*[None] * (n - 1), extra=5)


def main():
    show_classes()
    show_kinds()
    show_odd()
    show_modules()
    show_parameters()
