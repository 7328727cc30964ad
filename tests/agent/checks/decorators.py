# SPDX-License-Identifier: MIT
"""@trace: what it returns is as it was before, and its calls are in the trace."""
import abc
import asyncio
import dataclasses
import functools
import gc
import inspect
import os
import pickle
import sys
import traceback
import types
import typing
import weakref

from flowtrace_agent import Config, init_decorator_logger, start_tracing, stop_tracing, trace
from flowtrace_agent import _codes
from support import calls, decorated, events, from_release, raises


def names(found):
    """The functions that were entered."""
    return [event["function"] for event in found if event["event"] == "ENTER"]


def results(found):
    """Of each function its results, as they stand in the trace."""
    return [(e["function"], e["result"]) for e in found if e["event"] == "EXIT"]


def plain(a, b: int = 2, *rest: str, key: "float" = 1.5, **more) -> bool:
    """Adds."""
    return a + b


@trace
def module_level(x):
    """Pickled by its name."""
    return x + 1


def check_the_function_reads_the_same():
    """Everything that can be seen of it."""
    plain.mark = ["x"]
    copy = trace(plain)
    assert type(copy) is types.FunctionType and copy is not plain
    for name in ("__name__", "__qualname__", "__doc__", "__module__", "__defaults__",
                 "__kwdefaults__", "__annotations__", "__closure__", "__globals__", "mark"):
        assert getattr(copy, name) == getattr(plain, name), name
    assert copy.__wrapped__ is plain and not hasattr(plain, "__wrapped__")
    assert inspect.signature(copy) == inspect.signature(plain)
    assert inspect.signature(copy, follow_wrapped=False) == inspect.signature(plain)
    assert inspect.getsource(copy) == inspect.getsource(plain)
    assert inspect.getdoc(copy) == "Adds."
    assert typing.get_type_hints(copy) == typing.get_type_hints(plain)
    assert str(inspect.getfullargspec(copy)) == str(inspect.getfullargspec(plain))
    copy.__kwdefaults__["key"] = copy.other = 3
    assert plain.__kwdefaults__ == {"key": 1.5} and not hasattr(plain, "other")
    assert (copy(1), copy(1, 5), copy(a=1, b=1)) == (3, 6, 2)


def check_the_code_is_the_same():
    """But for being another object."""
    copy = trace(plain)
    assert copy.__code__ is not plain.__code__
    assert copy.__code__ == plain.__code__
    for name in ("co_name", "co_filename", "co_firstlineno", "co_flags", "co_varnames"):
        assert getattr(copy.__code__, name) == getattr(plain.__code__, name), name


def check_the_original_is_not_traced():
    """Only what the decorator returned."""
    copy = trace(plain)
    with decorated() as found:
        plain(1)
        copy(2)
        plain(3)
    assert [e["args"] for e in found if e["event"] == "ENTER"] == [
        '{"a": 2, "b": 2, "key": 1.5, "rest": [], "more": {}}']


def check_pickling():
    """By name, there and back."""
    assert pickle.loads(pickle.dumps(module_level)) is module_level
    assert pickle.loads(pickle.dumps(functools.partial(module_level, 1)))() == 2


def check_annotations_wait():
    """From 3.14 on they may name what does not exist yet."""
    from_release(14)

    def later(x: NotYet) -> NotYet:  # noqa: F821
        return x
    copy = trace(later)
    assert copy.__annotate__ is later.__annotate__
    raises(NameError, lambda: copy.__annotations__)
    given = trace(plain)
    assert given.__annotations__ == plain.__annotations__


def check_type_parameters():
    """From 3.12 on."""
    from_release(12)
    space = {}
    exec("def first[T](x: list[T]) -> T:\n    return x[0]\n", space)
    copy = trace(space["first"])
    assert copy.__type_params__ == space["first"].__type_params__ != ()


def check_closures():
    """The same cells, also when they are changed later."""
    def counter():
        count = 0

        @trace
        def step(by=1):
            nonlocal count
            count += by
            return count
        return step, lambda: count
    step, count = counter()
    other, _ = counter()
    assert (step(), step(5), count(), other()) == (1, 6, 6, 1)
    assert step.__code__ is other.__code__ is not step.__wrapped__.__code__


def check_recursion():
    """The name in the code finds the traced function."""
    with decorated() as found:
        assert factorial(4) == 24
    assert names(found) == ["factorial"] * 4
    opened = [e["span"] for e in found if e["event"] == "ENTER"]
    assert [e["parent"] for e in found if e["event"] == "ENTER"] == [0, *opened[:3]]


@trace
def factorial(n):
    """Calls itself."""
    return 1 if n < 2 else n * factorial(n - 1)


def check_kinds_of_functions():
    """inspect sees what it saw before."""
    def generator():
        yield 1

    async def coroutine():
        return 1

    async def asyncgen():
        yield 1

    @types.coroutine
    def old():
        yield 1
    for function in (plain, generator, coroutine, asyncgen, old, lambda: 1):
        copy = trace(function)
        for ask in (inspect.isfunction, inspect.iscoroutinefunction, inspect.isgeneratorfunction,
                    inspect.isasyncgenfunction, asyncio.iscoroutinefunction, inspect.isroutine):
            assert ask(copy) == ask(function), (function, ask)
        assert copy.__code__.co_flags == function.__code__.co_flags


def check_generators():
    """One call each; they still take values, exceptions and close()."""
    @trace
    def echo():
        got = yield "first"
        while got != "end":
            try:
                got = yield got
            except KeyError:
                got = yield "caught"
        return "over"

    @trace
    def outer():
        return (yield from echo())
    with decorated() as found:
        machine = outer()
        assert inspect.isgenerator(machine)
        assert (next(machine), machine.send(1), machine.throw(KeyError())) == ("first", 1, "caught")
        try:
            machine.send("end")
        except StopIteration as why:
            assert why.value == "over"
    assert names(found) == ["outer", "echo"]
    assert results(found) == [("echo", '"over"'), ("outer", '"over"')]


def check_coroutines():
    """The result is what await gave, after all that time."""
    @trace
    async def fetch(n):
        await asyncio.sleep(0.01 * (3 - n))
        return n * 10

    @trace
    async def main():
        return await asyncio.gather(*[fetch(n) for n in range(3)])
    with decorated() as found:
        assert asyncio.run(main()) == [0, 10, 20]
    assert sorted(results(found)) == [("fetch", "0"), ("fetch", "10"), ("fetch", "20"),
                                      ("main", "[0, 10, 20]")]
    assert all(e["durationMicros"] > 5000 for e in found if e["event"] == "EXIT")


def check_async_generators():
    """One call, and every value arrives."""
    @trace
    async def numbers(n):
        for i in range(n):
            yield i
            await asyncio.sleep(0)

    async def main():
        return [i async for i in numbers(3)]
    with decorated() as found:
        assert asyncio.run(main()) == [0, 1, 2]
    assert results(found) == [("numbers", "null")]


class Shop:
    """Methods of every kind."""

    rate = 2

    @trace
    def __init__(self, name):
        self.name = name

    @trace
    def method(self, x):
        """A plain one."""
        return x * self.rate

    @trace
    def __private(self):
        return "private"

    def call_private(self):
        """From inside."""
        return self.__private()

    @trace
    @staticmethod
    def static_above(x):
        """@trace above."""
        return x

    @staticmethod
    @trace
    def static_below(x):
        """@trace below."""
        return x

    @trace
    @classmethod
    def class_above(cls, x):
        """@trace above."""
        return cls.rate * x

    @classmethod
    @trace
    def class_below(cls, x):
        """@trace below."""
        return cls.rate * x

    @trace
    @property
    def price(self):
        """What it costs."""
        return self._price

    @price.setter
    def price(self, value):
        self._price = value

    @trace
    @functools.cached_property
    def once(self):
        """Made once."""
        return [1]


class Branch(Shop):
    """Calls what it is made of."""

    rate = 3

    @trace
    def method(self, x):
        """With super()."""
        return super().method(x) + 1


def check_methods():
    """Bound, with super() and with mangled names."""
    with decorated() as found:
        shop = Branch("tea")
        assert shop.method(2) == 7
        assert shop.call_private() == "private"
    assert names(found) == ["__init__", "method", "method", "__private"]
    classes = [e["class"] for e in found if e["event"] == "ENTER"]
    assert classes == ["decorators.Shop", "decorators.Branch", "decorators.Shop",
                       "decorators.Shop"], classes
    assert inspect.ismethod(shop.method) and shop.method.__self__ is shop


def check_static_and_class_methods():
    """@trace above or below makes no difference."""
    for name in ("static_above", "static_below"):
        assert type(vars(Shop)[name]) is staticmethod
        assert Shop.__dict__[name].__func__ is getattr(Shop, name)
    assert type(vars(Shop)["class_above"]) is classmethod
    with decorated() as found:
        shop = Shop.__new__(Branch)
        assert (shop.static_above(1), Shop.static_below(2)) == (1, 2)
        assert (shop.class_above(1), Shop.class_below(2)) == (3, 4)
    assert names(found) == ["static_above", "static_below", "class_above", "class_below"]


def check_properties():
    """A property of traced functions, with the same document."""
    assert type(Shop.price) is property and Shop.price.__doc__ == "What it costs."
    whole = trace(property(lambda self: 1, lambda self, value: None, lambda self: None, "Text."))
    assert whole.__doc__ == "Text."
    assert all(_codes.is_traced(f.__code__) for f in (whole.fget, whole.fset, whole.fdel))
    alone = trace(property(fset=lambda self, value: None))
    assert alone.fget is None and alone.fdel is None and alone.fset.__wrapped__
    with decorated() as found:
        shop = Shop.__new__(Shop)
        shop.price = 5
        assert (shop.price, shop.once, shop.once) == (5, [1], [1])
    assert names(found) == ["price", "once"]
    assert Shop.once.__doc__ == "Made once." and Shop.once.attrname == "once"


def check_bound_methods():
    """Bound to the same object."""
    shop = Shop("tea")
    copy = trace(shop.method)
    assert inspect.ismethod(copy) and copy.__self__ is shop
    assert copy == shop.method  # that one is traced already
    loose = trace(Plain().twice)
    with decorated() as found:
        assert loose(4) == 8
    assert names(found) == ["twice"]


class Plain:
    """Nothing here is traced."""

    def twice(self, x):
        """Twice as much."""
        return 2 * x

    def __call__(self, x, y=1):
        return x + y


class AsyncPlain:
    """A callable whose calls are awaited."""

    async def __call__(self, x):
        return x


def check_abstract_methods():
    """Still abstract."""
    class Base(abc.ABC):
        @trace
        @abc.abstractmethod
        def run(self):
            """To be written."""

        @property
        @trace
        @abc.abstractmethod
        def size(self):
            """To be written."""
    assert Base.__abstractmethods__ == {"run", "size"}


def check_dataclasses():
    """Their methods may be traced too."""
    @dataclasses.dataclass
    class Point:
        x: int = 0

        @trace
        def move(self, by: int) -> "Point":
            return Point(self.x + by)
    assert Point(1).move(2) == Point(3)


def check_partials():
    """A partial stays one, of a traced function."""
    partial = functools.partial(plain, 1, key=0)
    partial.mark = "x"
    copy = trace(partial)
    assert type(copy) is functools.partial and copy.mark == "x"
    assert (copy.args, copy.keywords) == ((1,), {"key": 0})
    assert inspect.signature(copy) == inspect.signature(partial)

    async def later(x, y):
        return x + y
    waits = trace(functools.partial(later, 1))
    assert inspect.iscoroutinefunction(waits)
    number = trace(functools.partial(int, base=2))
    with decorated() as found:
        assert (copy(5), number("101"), asyncio.run(waits(2))) == (6, 5, 3)
    assert names(found) == ["plain", "int", "later"]


def check_wrappers_of_other_classes():
    """Derived from the wrappers of Python: their constructors may take anything."""
    class Cached(property):  # as werkzeug's and others
        def __init__(self, fget, name="n"):
            super().__init__(fget)
            self.name = name

    class Static(staticmethod):
        pass

    class Once(functools.cached_property):
        def __init__(self, func, *, mark):
            super().__init__(func)
            self.mark = mark

    class Bound(functools.partial):
        def __new__(cls, value):
            self = super().__new__(cls, plain, value)
            self.mark = "partial"
            return self

    static = Static(lambda: 2)
    static.mark = "static"

    class Thing:
        cached = trace(Cached(lambda self: 1, name="other"))
        once = trace(Once(lambda self: 3, mark="once"))
        later = Once(lambda self: 4, mark="later")

    Thing.static = trace(static)
    Thing.later = trace(Thing.__dict__["later"])  # it knows its name by now
    bound = trace(Bound(5))
    with decorated() as found:
        thing = Thing()
        assert (thing.cached, thing.static(), thing.once, thing.later, bound(b=1)) == (1, 2, 3, 4, 6)
    assert names(found) == ["<lambda>"] * 4 + ["plain"]
    assert (Thing.cached.name, Thing.__dict__["static"].mark, bound.mark) == (
        "other", "static", "partial")
    assert (Thing.once.mark, Thing.later.mark, Thing.later.attrname) == ("once", "later", "later")
    assert [type(vars(Thing)[name]) for name in ("cached", "static", "once", "later")] == [
        Cached, Static, Once, Once]
    assert type(bound) is Bound


def check_methods_of_functools():
    """partialmethod and singledispatchmethod, which are no functions until they are bound."""
    class Thing:
        def whole(self, a, b):
            return a, b

        part = trace(functools.partialmethod(whole, 1))

        @functools.singledispatchmethod
        def before(self, value):
            return "any"

        @before.register
        def _(self, value: int):
            return "int"

        after = trace(before)

        @trace
        @functools.singledispatchmethod
        @classmethod
        def of_class(cls, value):
            return cls.__name__

    register = vars(Thing)["after"].register

    @register
    def _(self, value: str):
        return "str"

    with decorated() as found:
        thing = Thing()
        assert thing.part(2) == (1, 2) and Thing.of_class(0) == "Thing"
        assert [thing.after(value) for value in (1, "", None)] == ["int", "str", "any"]
        assert [thing.before(value) for value in (1, "")] == ["int", "any"]
    assert names(found) == ["whole", "of_class", "before"]


def check_builtins():
    """A function that stands for them, under their name."""
    length = trace(len)
    assert (length.__name__, length.__module__, length.__doc__) == ("len", "builtins", len.__doc__)
    assert length.__wrapped__ is len and str(inspect.signature(length)) == "(obj, /)"

    class Word(str):
        shout = trace(str.upper)
    items = []
    append = trace(items.append)
    with decorated() as found:
        assert (length([1]), Word("a").shout(), append(3), items) == (1, "A", None, [3])
        raises(TypeError, length, 5, says="has no len()")
    assert names(found) == ["len", "upper", "append", "len"]
    assert found[0]["module"] == "builtins"
    assert found[-1]["exception"]["type"] == "TypeError"


def check_lru_cache():
    """Its own methods stay within reach."""
    @functools.lru_cache(maxsize=None)
    def slow(x):
        """Slowly."""
        return x * 2
    fast = trace(slow)
    assert (fast.__name__, fast.__doc__, fast.__wrapped__) == ("slow", "Slowly.", slow)
    with decorated() as found:
        assert (fast(2), fast(2), fast.cache_info().hits) == (4, 4, 1)
        fast.cache_clear()
        assert fast.cache_info().misses == 0
    assert names(found) == ["slow", "slow"]
    assert found[0]["line"] == slow.__wrapped__.__code__.co_firstlineno
    assert os.path.basename(found[0]["file"]) == "decorators.py"


def check_callable_instances():
    """Forwarded to, also those that are awaited."""
    add = trace(Plain())
    wait = trace(AsyncPlain())
    assert inspect.iscoroutinefunction(wait)
    assert str(inspect.signature(add)) == "(x, y=1)"
    with decorated() as found:
        assert (add(1, y=4), asyncio.run(wait(7))) == (5, 7)
    assert results(found) == [("__call__", "5"), ("__call__", "7")]
    assert found[0]["module"] == "decorators"


def check_functions_of_other_decorators():
    """A wrapper goes by the name that it was given."""
    def twice(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args) * 2
        return wrapper

    @trace
    @twice
    def tea(x):
        return x

    @trace
    @twice
    def bread(x):
        return x
    with decorated() as found:
        assert (tea(1), bread(2)) == (2, 4)
    assert names(found) == ["tea", "bread"]
    # and an outer wrapper is not taken for what it wraps
    outer = twice(tea)
    assert trace(outer) is not outer


def check_single_dispatch():
    """Its register() stays within reach."""
    @trace
    @functools.singledispatch
    def show(x):
        return "any"

    @show.register(int)
    def _(x):
        return "int"
    with decorated() as found:
        assert (show("a"), show(1)) == ("any", "int")
    assert names(found) == ["show", "show"]


def check_twice_is_once():
    """What is traced is returned as it is."""
    class Here:
        """One of each kind."""
        static = trace(staticmethod(plain))
        of_class = trace(classmethod(plain))
        whole = trace(property(plain))
        cached = trace(functools.cached_property(plain))
    for thing in (trace(plain), trace(len), trace(functools.partial(plain)), trace(Plain()),
                  trace(Plain().twice), *[vars(Here)[n] for n in ("static", "of_class", "whole",
                                                                  "cached")]):
        assert trace(thing) is thing


def check_forms_of_the_decorator():
    """With and without parentheses."""
    @trace()
    def with_parentheses():
        return 1
    with decorated() as found:
        with_parentheses()
    assert names(found) == ["with_parentheses"]
    raises(TypeError, trace, plain, 2)
    raises(TypeError, trace, no_such_option=1)


def check_what_cannot_be_traced():
    """A TypeError that says what to do."""
    raises(TypeError, trace, Shop, says="decorate the methods")
    for thing in (None, 1, "text", [plain]):
        raises(TypeError, trace, thing, says="cannot be called")


def check_exceptions():
    """The same object, and no frame of ours in its traceback."""
    error = ValueError("no tea")

    @trace
    def fail():
        raise error

    def caller(function):
        try:
            function()
        except ValueError as why:
            return why, [f.name for f in traceback.extract_tb(why.__traceback__)]
    with decorated() as found:
        assert caller(fail) == (error, ["caller", "fail"])
    assert [e["event"] for e in found] == ["ENTER", "EXCEPTION", "EXIT"]
    assert found[1]["exception"] == {"type": "ValueError", "message": "no tea"}


def check_no_frame_is_added():
    """sys._getframe finds what it would find."""
    @trace
    def who():
        return sys._getframe(1).f_code.co_name
    with decorated():
        assert who() == "check_no_frame_is_added"


def check_dead_code_is_let_go():
    """Nothing keeps a function that nobody has."""
    def make():
        space = {}
        exec("def f(x):\n    return [x for _ in range(3)]\n", space)
        copy = trace(space.pop("f"))
        copy(1)
        return [weakref.ref(copy), weakref.ref(copy.__code__),
                weakref.ref(copy.__wrapped__.__code__)]
    gc.collect()
    before = len(_codes._entries)
    with decorated():
        alive = make()
    gc.collect()
    assert [ref() for ref in alive] == [None] * 3
    assert len(_codes._entries) == before
    for _ in range(100):
        make()
    gc.collect()
    assert len(_codes._entries) == before


def check_without_a_run():
    """Nothing is written, nobody is asked."""
    @trace
    def idle():
        return 1
    assert idle() == 1 and os.listdir(".") == []
    init_decorator_logger(Config(logfile="a.jsonl"))
    idle()
    start_tracing(Config(logfile="b.jsonl", package_prefix="nothing.at.all"))
    idle()
    stop_tracing()
    idle()
    assert sorted(os.listdir(".")) == ["a.jsonl", "b.jsonl"]


def check_during_start_tracing():
    """Decorated functions are traced whatever the prefix and the exclusions say."""
    @trace
    def wanted():
        return unwanted()

    def unwanted():
        return 1
    start_tracing(Config(logfile="a.jsonl", package_prefix="nothing.at.all",
                         exclude_patterns=["decorators"]))
    wanted()
    stop_tracing()
    wanted()
    assert calls("a.jsonl") == ["wanted"]


def check_a_function_decorated_during_a_run():
    """From its first call on."""
    with decorated() as found:
        @trace
        def late():
            return 1
        late()
    assert names(found) == ["late"]


def check_the_second_init_takes_effect():
    """Another file from then on; without a Config, as it was."""
    for name in ("a", "b", "a"):
        init_decorator_logger(Config(logfile=name + ".jsonl"))
        module_level(1)
        init_decorator_logger()
        module_level(2)
    stop_tracing()
    init_decorator_logger(Config(logfile="c.jsonl", max_arg_length=20))
    module_level(3)
    init_decorator_logger(Config(logfile="c.jsonl", capture_args=False))
    module_level(4)
    init_decorator_logger(Config(logfile="d.jsonl"))
    assert len(calls("a.jsonl")) == 4 and len(calls("b.jsonl")) == 2
    assert [e["args"] for e in events("c.jsonl") if e["event"] == "ENTER"] == ['{"x": 3}', "{}"]
    assert calls("d.jsonl") == []
