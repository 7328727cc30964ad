# SPDX-License-Identifier: MIT
"""What stands around a callable looks like it, however it is asked: as servers and frameworks ask."""
import asyncio
import collections.abc
import copy
import functools
import inspect
import pickle
import sys
import types
import weakref

from flowtrace_agent import Config
from flowtrace_agent.frameworks.asgi import FlowTraceMiddleware as Asgi
from flowtrace_agent.frameworks.wsgi import FlowTraceMiddleware as Wsgi
from pairs import tracing
from support import raises

CONFIG = Config(package_prefix="looks", logfile="looks.jsonl")


async def asgi(scope, receive, send, *, more: int = 1):
    """An application."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x"})


def wsgi(environ, start_response):
    """Another."""
    start_response("200 OK", [])
    return [b"x"]


async def extra(first, scope, receive, send):
    await asgi(scope, receive, send)


class Async:
    """Its instances are applications of ASGI 3."""

    async def __call__(self, scope, receive, send):
        await asgi(scope, receive, send)

    async def method(self, scope, receive, send):
        await asgi(scope, receive, send)

    @classmethod
    async def of_class(cls, scope, receive, send):
        await asgi(scope, receive, send)

    @staticmethod
    async def static(scope, receive, send):
        await asgi(scope, receive, send)


class Sync:
    """Its instances are applications of WSGI."""

    def __call__(self, environ, start_response):
        return wsgi(environ, start_response)

    def method(self, environ, start_response):
        return wsgi(environ, start_response)


class Double:
    """An application of ASGI 2."""

    def __init__(self, scope):
        self.scope = scope

    async def __call__(self, receive, send):
        await asgi(self.scope, receive, send)


def double(scope):
    """Likewise."""
    return Double(scope)


class Endpoint:
    """As Starlette has it: it is awaited."""

    def __init__(self, scope, receive, send):
        self.given = scope, receive, send

    def __await__(self):
        return asgi(*self.given).__await__()


class Bare:
    """It has no more than it must."""

    __slots__ = ()

    def __call__(self, environ, start_response):
        return wsgi(environ, start_response)


@functools.wraps(asgi)
async def decorated(*args, **kwargs):
    await asgi(*args, **kwargs)


@types.coroutine
def of_generator(scope, receive, send):
    yield from asgi(scope, receive, send).__await__()


marked = Sync()
if sys.version_info >= (3, 12):
    inspect.markcoroutinefunction(marked)
if sys.version_info < (3, 14):
    marked._is_coroutine = asyncio.coroutines._is_coroutine

ASYNC = [asgi, Async(), Async().method, Async.of_class, Async.static, Async().__call__, decorated,
         functools.partial(asgi), functools.partial(extra, 1), functools.partial(Async()),
         of_generator, Endpoint, marked, lambda scope, receive, send: asgi(scope, receive, send)]
SYNC = [wsgi, Sync(), Sync().method, functools.partial(wsgi), Bare(), Sync().__call__,
        lambda environ, start_response: wsgi(environ, start_response)]
ASGI2 = [Double, double, functools.partial(double)]


def is_async_callable(obj):
    """Starlette's."""
    while isinstance(obj, functools.partial):
        obj = obj.func
    return inspect.iscoroutinefunction(obj) or (callable(obj) and
                                                inspect.iscoroutinefunction(obj.__call__))


def is_asgi(app):
    """Hypercorn's."""
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(app.__call__)


def is_asgi_3(app, is_coroutine_function):
    """Uvicorn's."""
    if inspect.isclass(app):
        return hasattr(app, "__await__")
    if inspect.isfunction(app):
        return is_coroutine_function(app)
    return is_coroutine_function(getattr(app, "__call__", None))


def is_double_callable(app, is_coroutine_function):
    """asgiref's."""
    if getattr(app, "_asgi_single_callable", False):
        return False
    if getattr(app, "_asgi_double_callable", False):
        return True
    if inspect.isclass(app):
        return True
    return not is_coroutine_function(app.__call__) and not is_coroutine_function(app)


def answer(ask, *args):
    """What it returns or raises."""
    try:
        return ask(*args)
    except (AttributeError, TypeError, ValueError) as error:
        return type(error)


def asked(app):
    """Everything that is asked about it."""
    ways = [inspect.iscoroutinefunction]
    if sys.version_info < (3, 14):
        ways.append(asyncio.iscoroutinefunction)
    found = {name: answer(getattr, app, name)
             for name in ("__name__", "__qualname__", "__module__", "__doc__", "__code__",
                          "__defaults__", "__kwdefaults__", "__annotations__", "__globals__",
                          "__closure__", "func", "args", "keywords", "__self__", "__func__")}
    for ask in (inspect.isfunction, inspect.ismethod, inspect.isclass,
                inspect.signature, inspect.isasyncgenfunction, inspect.isgeneratorfunction,
                inspect.getdoc, inspect.getsourcefile, inspect.unwrap, is_asgi,
                is_async_callable, callable):
        found[ask.__name__] = answer(ask, app)
    found["unwrap"] = None  # it ends inside
    for number, way in enumerate(ways):
        found[number] = way(app), way(app.__call__), is_asgi_3(app, way), is_double_callable(app, way)
    kinds = (types.FunctionType, types.MethodType, functools.partial, type, Async, Sync, Double, Bare,
             collections.abc.Callable, collections.abc.Hashable)
    found["isinstance"] = [isinstance(app, kind) for kind in kinds]
    return found


def same(around, inside, coroutine=True):
    """Do they look the same? The __call__ of a method or a function in C says nothing about it;
    ours may say that it is a coroutine function, if it is one."""
    mine, other = asked(around), asked(inside)
    for ask, answers in other.items():
        if isinstance(ask, int) and coroutine:
            assert (mine[ask][0], mine[ask][3]) == (answers[0], answers[3]), (inside, mine[ask], answers)
            assert mine[ask][1:3] >= answers[1:3], (inside, mine[ask], answers)
        else:
            assert mine[ask] == answers, (inside, ask, mine[ask], answers)


def check_applications():
    with tracing():
        for app in ASYNC:
            same(Asgi(app), app)
            same(Asgi(Asgi(app)), app)
        for kind, apps in ((Asgi, ASGI2), (Wsgi, SYNC)):
            for app in apps:
                same(kind(app), app, coroutine=False)
                same(kind(kind(app)), app, coroutine=False)


def check_partial_around_ours():
    with tracing():
        assert inspect.iscoroutinefunction(functools.partial(Asgi(asgi)))
        assert is_async_callable(functools.partial(Asgi(Async()), {}))


def check_what_it_stands_around():
    with tracing():
        for kind, app in ((Asgi, asgi), (Asgi, Async()), (Wsgi, wsgi), (Wsgi, Sync())):
            around = kind(app)
            assert around.__wrapped__ is app is around.app
            assert isinstance(around, kind) and type(around) is kind
            assert "FlowTraceMiddleware" in repr(around)
            around.__name__ = "mine"
            around.mine = 1
            assert around.__name__ == "mine" and around.mine == 1
            assert getattr(app, "__name__", "") != "mine" and not hasattr(app, "mine")
            raises(AttributeError, getattr, around, "nowhere")
        app = Async()
        app.state = {"a": 1}
        assert Asgi(app).state is app.state


def check_what_a_server_hands_over():
    """send, start_response and write look like the server's own."""
    async def send(message, *, flag=False):
        """The server's."""

    class Server:
        async def send(self, message):
            """The server's too."""

        def start(self, status, headers, exc_info=None):
            return self.write

        def write(self, data):
            """And this one."""

    def start(status, headers, exc_info=None):
        return None

    seen = []

    async def keeps(scope, receive, send):
        seen.append((receive, send))
        await asgi(scope, receive, send)

    def keeps_too(environ, start_response):
        seen.append((start_response, start_response("200 OK", [])))
        return []

    async def receive():
        return {"type": "http.request"}

    server = Server()
    with tracing():
        for one in (send, server.send, functools.partial(send, flag=True)):
            asyncio.run(Asgi(keeps)({"type": "http"}, receive, one))
            given = seen.pop()
            assert given[0] is receive
            same(given[1], one)
            assert weakref.ref(given[1])() is given[1]
        for one in (start, server.start, functools.partial(server.start)):
            list(Wsgi(keeps_too)({}, one))
            given = seen.pop()
            same(given[0], one)
            assert weakref.ref(given[0])() is given[0]
            if given[1] is not None:
                same(given[1], server.write)


def check_coroutines():
    """What a call returns is what the application's call returns."""
    async def nothing(*args):
        return {}

    with tracing():
        driven = Asgi(asgi)({"type": "http"}, nothing, nothing)
        assert inspect.iscoroutine(driven) and asyncio.iscoroutine(driven)
        assert inspect.getcoroutinestate(driven) == inspect.CORO_CREATED
        assert driven.cr_code is asgi.__code__ and driven.__name__ == "asgi"
        driven.close()
        assert inspect.getcoroutinestate(driven) == inspect.CORO_CLOSED

        async def main():
            task = asyncio.ensure_future(Asgi(asgi)({"type": "http"}, nothing, nothing))
            assert "asgi" in repr(task), task
            await task
        asyncio.run(main())


def check_methods():
    """In a class it is bound as what it stands around."""
    class Site:
        @Asgi
        async def app(self, scope, receive, send):
            seen.append(self)
            await asgi(scope, receive, send)

        @Wsgi
        def old(self, environ, start_response):
            seen.append(self)
            return wsgi(environ, start_response)

        instance = Asgi(Async())
        made = Wsgi(Sync().method)

    seen, sent = [], []

    async def send(message):
        sent.append(message)

    with tracing() as t:
        site = Site()
        asyncio.run(site.app({"type": "http", "path": "/a"}, None, send))
        assert list(site.old({"PATH_INFO": "/b"}, lambda *args: None)) == [b"x"]
        asyncio.run(site.instance({"type": "http", "path": "/c"}, None, send))
        assert list(site.made({"PATH_INFO": "/d"}, lambda *args: None)) == [b"x"]
    assert seen == [site, site] and len(sent) == 4
    assert str(inspect.signature(site.app)) == "(scope, receive, send)"
    assert inspect.ismethod(site.app) and inspect.iscoroutinefunction(site.app)
    assert [e["path"] for e in t.events if e["event"] == "HTTP_REQUEST"] == ["/a", "/b", "/c", "/d"]


def check_asgi_2():
    """One pair whether it is called at once or in two steps."""
    for app in ASGI2:
        sent = []

        async def send(message):
            sent.append(message)

        with tracing() as t:
            around = Asgi(app)
            made = around({"type": "http", "path": "/two", "method": "GET"})
            assert inspect.iscoroutinefunction(made.__call__) and not inspect.isclass(made)
            asyncio.run(made(None, send))
            assert isinstance(around({"type": "lifespan"}), Double)
        assert t.status() == 200 and len(sent) == 2
        assert t.pair()[0]["path"] == "/two"


def check_calls_are_in_the_trace():
    """Whatever it stands around."""
    async def send(message):
        pass

    for app in ASYNC:
        if app is not marked:
            with tracing() as t:
                asyncio.run(wait_for(Asgi(app), send))
            assert t.status() == 200, app
            with tracing() as t:
                asyncio.run(wait_for(Asgi(app).__call__, send))
            assert t.status() == 200, app
    for app in SYNC:
        for called in (Wsgi(app), Wsgi(app).__call__):
            with tracing() as t:
                list(called({"PATH_INFO": "/x"}, lambda *args: None))
            assert t.status() == 200, app


async def wait_for(app, send):
    await app({"type": "http", "path": "/x"}, None, send)


named = None


def check_pickle_and_copy():
    """As what it stands around: a function by its name."""
    global named
    with tracing():
        named = Asgi(asgi, CONFIG)
        named.__qualname__ = "named"
        assert pickle.loads(pickle.dumps(named)) is named
        assert copy.copy(named) is named and copy.deepcopy(named) is named
        for kind, app in ((Asgi, asgi), (Asgi, Async()), (Wsgi, wsgi), (Wsgi, Sync()),
                          (Asgi, functools.partial(asgi)), (Asgi, Double)):
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                found = pickle.loads(pickle.dumps(kind(app, CONFIG), protocol))
                assert type(found) is kind and type(found.app) is type(app)
                assert found._flowtrace_config == CONFIG
            assert type(copy.deepcopy(kind(app))) is kind
        raises((TypeError, AttributeError, pickle.PicklingError), pickle.dumps,
               Asgi(lambda scope, receive, send: None))


def check_weak_references():
    with tracing():
        for kind, app in ((Asgi, asgi), (Wsgi, wsgi), (Asgi, Async())):
            around = kind(app)
            gone = weakref.ref(around)
            call = weakref.ref(around.__call__)
            assert gone() is around and call() in (None, around)
            assert weakref.WeakKeyDictionary({around: 1})[around] == 1
            del around
            assert gone() is None
