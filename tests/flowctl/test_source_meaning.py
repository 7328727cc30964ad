# SPDX-License-Identifier: MIT
"""A program does the same with the lines in it, traced and not, with the agent and without it."""
import json
import textwrap

import harness
import pytest
from source import DECORATOR, GUARD, as_json, flowctl, system, with_agent

# Prints what it sees of itself; each kind of function that a decorator could break.
PROGRAM = '''\
"""A program."""
from __future__ import annotations
import abc, asyncio, contextlib, dataclasses, enum, functools, inspect, pickle, typing
from typing import TYPE_CHECKING, Protocol, overload
if TYPE_CHECKING:
    def only_for_checkers() -> int: return 1
routes = {}
def route(path):
    def register(function):
        routes[path] = function
        return function
    return register
@route("/")
def index(name="x", *args, key: int = 3, **more) -> str:
    """The doc of index."""
    return name * key
class Shape(abc.ABC):
    def __new__(cls, *args):
        made = super().__new__(cls)
        made.made_by = __class__.__name__
        return made
    def __init__(self, size): self.__size = size
    def __init_subclass__(cls, **more):
        super().__init_subclass__(**more)
        cls.known = True
    def __class_getitem__(cls, item): return (cls.__name__, item)
    @property
    def size(self): return self.__size
    @size.setter
    def size(self, value): self.__size = value
    @functools.cached_property
    def doubled(self): return self.size * 2
    @staticmethod
    def static(a, b=2): return a + b
    @classmethod
    def of(cls, size): return cls(size)
    @abc.abstractmethod
    def area(self): ...
    @abc.abstractmethod
    def described(self):
        return "a shape"
    def __repr__(self): return "<%s>" % type(self).__name__
class Square(Shape):
    def area(self): return self.size ** 2
    def described(self): return super().described() + ", square"
    def __eq__(self, other): return self.size == other.size
    def __hash__(self): return 7
class Named(Protocol):
    def name(self) -> str: ...
class Colour(enum.Enum):
    RED = 1
    def lower(self): return self.name.lower()
    @classmethod
    def first(cls): return next(iter(cls))
    @property
    def twice(self): return self.value * 2
@dataclasses.dataclass(slots=True)
class Point:
    x: int = 0
    def __post_init__(self): self.x += 1
    def moved(self): return dataclasses.replace(self)
class Pair(typing.NamedTuple):
    a: int
    def sum(self): return self.a + self.a
@overload
def parse(x: int) -> int: ...
@overload
def parse(x: str) -> str: ...
def parse(x): return x
@functools.singledispatch
def show(x): return "any"
@show.register
def _(x: int): return "int"
@show.register(list)
def show_list(x): return "list"
@contextlib.contextmanager
def opened(name):
    try: yield name
    finally: print("closed", name)
def counter(n):
    total = 0
    def add(k):
        nonlocal total
        total += k
        return total
    for i in range(n): got = yield add(i)
    return total
def delegating(): return (yield from counter(3))
async def waited(x):
    await asyncio.sleep(0)
    return x
async def stream(n):
    for i in range(n):
        yield i
async def main():
    print(await asyncio.gather(waited(1), waited(2)), [i async for i in stream(3)])
def wrapped(function):
    @functools.wraps(function)
    def inner(*args): return function(*args)
    return inner
@wrapped
def twice(x):
    return 2 * x
@functools.lru_cache(maxsize=None)
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def failing():
    raise ValueError("it failed")
def one_line(): return 1; return 2

print(index("y", key=2), routes["/"] is index, inspect.signature(index), index.__doc__)
print(inspect.signature(index).return_annotation, typing.get_type_hints(index))
s = Square.of(3)
s.size += 1
print(s, s.size, s.doubled, s.static(1), Square.static(1, 1), s.area(), s.described(), s.made_by)
print(Square.known, Shape["k"], s == Square(4), hash(s), {s: 1})
try: Shape(1)
except TypeError as why: print(why)
print(Colour.RED.lower(), Colour.first(), Colour.RED.twice, list(Colour))
print(Point().moved(), Pair(2).sum(), parse(3), show(1), show([]), show(""))
with opened("door") as door: print(door)
print(list(counter(3)), list(delegating()), inspect.isgeneratorfunction(counter))
print(inspect.iscoroutinefunction(waited), inspect.isasyncgenfunction(stream))
asyncio.run(main())
print(twice(4), fib(20), fib.cache_info(), pickle.loads(pickle.dumps(twice)) is twice)
try: failing()
except ValueError as why: print(why, why.__traceback__.tb_next.tb_frame.f_code.co_name)
print(one_line(), sorted(n for n in globals() if n.startswith("_flow")) == MINE)
print(*[c.__qualname__ for c in (index, Square.area, Shape.size.fget, twice)])
'''
LEFT = ["only_for_checkers", "Shape.area", "Named.name", "parse", "parse"]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """(folder with the program as it was and as it is, how it is started, what it printed)."""
    interpreter, _ = system()
    folder = tmp_path_factory.mktemp("program")
    (folder / "before.py").write_text(PROGRAM.replace("MINE", "[]"))
    (folder / "after.py").write_text(PROGRAM.replace("MINE", '["_flowtrace_trace"]'))
    flowctl("instrument", folder / "after.py")
    out = harness.run(interpreter.argv(folder / "before.py"), check=0)[1]
    return folder, interpreter, out


def test_what_is_left_out(program):
    functions = as_json("analyze", program[0] / "after.py")["files"][0]["functions"]
    assert [f["name"] for f in functions if f["state"] != "instrumented"] == LEFT
    text = (program[0] / "after.py").read_text()
    assert text.count(DECORATOR) == len(functions) - len(LEFT) == 41


def test_without_the_agent(program):
    folder, interpreter, out = program
    assert harness.run(interpreter.argv("-I", folder / "after.py"), check=0)[1] == out


def test_with_the_agent_and_no_run(program):
    folder, interpreter, out = program
    assert harness.run(interpreter.argv(folder / "after.py"), check=0, env=with_agent())[1] == out


def test_traced(program):
    folder, interpreter, out = program
    start = ("import flowtrace_agent as f, runpy, sys\n"
             "f.init_decorator_logger(f.Config(logfile=sys.argv[1]))\n"
             "runpy.run_path(sys.argv[2], run_name='__main__')\n")
    log = folder / "trace.jsonl"
    assert harness.run(interpreter.argv("-c", start, log, folder / "after.py"), check=0,
                       env=with_agent())[1] == out
    events = [json.loads(line) for line in log.read_text().splitlines()]
    seen = {e["function"] for e in events if e["event"] == "ENTER"}
    wanted = {f["name"].split(".")[-1]
              for f in as_json("analyze", folder / "after.py")["files"][0]["functions"]
              if f["state"] == "instrumented"}
    assert wanted - seen == set()
    assert sum(e["event"] == "ENTER" for e in events) == sum(e["event"] == "EXIT" for e in events)


def test_functions_that_look_at_frames(tmp_path):
    path = tmp_path / "frames.py"
    path.write_text(textwrap.dedent("""\
        import inspect, sys, warnings
        def a(): return sys._getframe(1)
        def b(): return inspect.currentframe().f_back
        def c(): warnings.warn("x", stacklevel=2)
        def d(): return inspect.stack()
        def e(): return locals()
        def f():
            def g(): return sys._getframe(1)
            return g
        """))
    state = {f["name"].split(".")[-1]: f["state"]
             for f in as_json("analyze", path)["files"][0]["functions"]}
    assert [n for n in state if state[n] == "reads-frames"] == ["a", "b", "c", "d", "g"]
    out = flowctl("instrument", path)[0]
    assert "2 functions" in out and "5 left out: looks at the frames" in out
    out = flowctl("instrument", "--all", path)[0]
    assert "5 functions" in out
    assert path.read_text().count(DECORATOR) == 7


def test_what_compilers_take_is_left_out(tmp_path):
    path = tmp_path / "fast.py"
    path.write_text(textwrap.dedent("""\
        import numba
        from numba import njit
        @numba.jit(nopython=True)
        def a(x): return x
        @njit
        def b(x): return x
        @numba.cuda.jit
        def c(x): return x
        """))
    assert as_json("analyze", path)["total"]["left_out"]["compiled"] == 3


def test_traced_by_hand_already(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(textwrap.dedent("""\
        import flowtrace_agent as ft
        from flowtrace_agent import trace, trace as watch, Config
        @trace
        def a(): return 1
        @watch()
        def b(): return 1
        @ft.trace
        def c(): return 1
        @other.trace
        def d(): return 1
        """))
    before = path.read_text()
    assert as_json("analyze", path)["total"]["instrumented"] == 3
    flowctl("instrument", path)
    assert path.read_text().replace(DECORATOR + "\n", "").replace("\n".join(GUARD) + "\n", "") \
        == before
    assert path.read_text().count(DECORATOR) == 1


def test_analyze_counts(tmp_path):
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("from flask import Flask\n")
    (package / "views.py").write_text(textwrap.dedent("""\
        import django.http, starlette
        class A:
            async def f(self): return 1
            def g(self): yield 1
            def h(self):
                def inner(): return 1
                return inner
            async def i(self): yield 2
            class B:
                def j(self): pass
        """))
    (tmp_path / "run.py").write_text("import fastapi\ndef go(): return 1\n"
                                     "if __name__ == '__main__': go()\n")
    all_of_it = as_json("analyze", tmp_path)
    total = all_of_it["total"]
    assert {k: total[k] for k in ("files", "functions", "classes", "methods", "nested", "async",
                                  "generators", "instrumentable")} == {
        "files": 3, "functions": 7, "classes": 2, "methods": 5, "nested": 1, "async": 2,
        "generators": 2, "instrumentable": 6}
    assert sorted(all_of_it["frameworks"]) == ["Django", "FastAPI", "Flask", "Starlette"]
    assert all_of_it["prefixes"] == ["shop", "run", "__main__"]
    out = flowctl("analyze", "-v", tmp_path)[0]
    assert "--prefix shop,run,__main__ --" in out and "A.h.<locals>.inner" in out
