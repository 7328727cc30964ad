# SPDX-License-Identifier: MIT
"""Around an ASGI application, driven by hand as a server does."""
import asyncio
import collections.abc
import gc
import inspect
import sys
import types
import weakref

from flowtrace_agent import _core
from flowtrace_agent.frameworks.asgi import FlowTraceMiddleware
from pairs import UUID4, tracing
from support import raises


def scope(path="/x", headers=(), **more):
    """Of a request."""
    return {"type": "http", "method": "GET", "path": path, "client": ("10.0.0.1", 5),
            "query_string": b"secret=1", "headers": [(b"user-agent", b"check/1"), *headers], **more}


class Server:
    """One request at a time, or many at once."""

    def __init__(self, app):
        self.app = app
        self.sent = []

    async def receive(self):
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message):
        await asyncio.sleep(0)
        self.sent.append(message)

    async def answer(self, made):
        await self.app(made, self.receive, self.send)
        return self.sent

    def run(self, made=None, timeout=10):
        """Returns the messages of the response."""
        self.sent = []
        asyncio.run(asyncio.wait_for(self.answer(made or scope()), timeout))
        return self.sent

    def header(self, name):
        return [v for n, v in self.sent[0]["headers"] if n.lower() == name]


def start(status=200, headers=()):
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data=b"", more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}


async def helper():
    await asyncio.sleep(0)


async def simple(scope, receive, send):
    await helper()
    await receive()
    await send(start(headers=[(b"content-type", b"text/plain")]))
    await send({"type": "http.response.body", "body": b"hello"})


async def streamed(scope, receive, send):
    await send(start(201))
    for part in (b"a", b"b"):
        await helper()
        await send(body(part, True))
    await send(body())


def check_a_pair():
    with tracing() as t:
        server, made = Server(FlowTraceMiddleware(simple)), scope()
        sent = server.run(made)
    assert [m["type"] for m in sent] == ["http.response.start", "http.response.body"]
    request, response = t.pair()
    assert UUID4.fullmatch(request["request_id"]) and response["status_code"] == 200
    assert [request[key] for key in ("method", "path", "remote_addr", "user_agent")] == [
        "GET", "/x", "10.0.0.1", "check/1"]
    assert made["state"]["flowtrace_request_id"] == request["request_id"]
    assert server.header(b"x-request-id") == [request["request_id"].encode()]
    assert server.header(b"content-type") == [b"text/plain"]
    assert t.calls()["helper"] == t.calls()["simple"] == {request["request_id"]}


def check_its_id():
    for given, kept in ((b"caller-7", True), (b"caf\xe9", True), (b"x" * 201, False), (b"", False)):
        with tracing() as t:
            server = Server(FlowTraceMiddleware(simple))
            server.run(scope(headers=[(b"x-request-id", given)]))
        id_ = t.pair()[0]["request_id"]
        assert (id_ == given.decode("latin-1")) == kept
        assert server.header(b"x-request-id") == [id_.encode("latin-1")]


def check_a_state_that_requests_share():
    shared, ids = {"mine": 1}, {}

    async def app(scope, receive, send):
        await asyncio.sleep(0.01)
        assert scope["state"]["mine"] == 1
        ids[scope["path"]] = scope["state"]["flowtrace_request_id"]
        await simple(scope, receive, send)

    async def both():
        await asyncio.gather(*(server.answer(scope(path, state=shared)) for path in ("/a", "/b")))

    with tracing() as t:
        server = Server(FlowTraceMiddleware(app))
        asyncio.run(both())
    assert ids == {e["path"]: e["request_id"] for e in t.events if e["event"] == "HTTP_REQUEST"}
    assert shared == {"mine": 1}


def check_what_is_there_stays():
    async def app(scope, receive, send):
        assert scope["state"]["mine"] == 1
        message = start(headers=[(b"X-Request-ID", b"mine")])
        await send(message)
        await send(body())

    with tracing() as t:
        server = Server(FlowTraceMiddleware(app))
        server.run(scope(state={"mine": 1}, client=None, headers=[]))
    assert server.header(b"x-request-id") == [b"mine"]
    assert t.pair()[0]["remote_addr"] is None

    async def other(scope, receive, send):
        headers = ((b"a", b"b"),)
        message = {"type": "http.response.start", "status": 200, "headers": headers}
        await send(message)
        assert message["headers"] is headers
        await send({"type": "http.response.start", "status": 200})
        await send(body())

    with tracing():
        server = Server(FlowTraceMiddleware(other))
        server.run()
    assert len(server.header(b"x-request-id")) == 1


def check_headers_that_are_no_list():
    async def app(scope, receive, send):
        assert list(scope["headers"]) == [(b"x-request-id", b"one")]
        await simple(scope, receive, send)

    with tracing() as t:
        headers = iter([(b"x-request-id", b"one")])
        Server(FlowTraceMiddleware(app)).run({**scope(), "headers": headers})
    assert t.pair()[0]["request_id"] == "one"
    with tracing() as t:
        Server(FlowTraceMiddleware(simple)).run({**scope(), "headers": 7})
    assert t.status() == 200


class Headers(collections.abc.Sequence):
    """As h11 has them."""

    def __init__(self, *pairs):
        self.pairs = pairs

    def __getitem__(self, i):
        return self.pairs[i]

    def __len__(self):
        return len(self.pairs)


def check_headers_with_more_to_them():
    """The application is given what the server gave."""
    headers = Headers((b"x-request-id", b"two"), (b"user-agent", b"check/2"))
    answer = Headers((b"a", b"b"))

    async def app(scope, receive, send):
        assert scope["headers"] is headers and scope["headers"].pairs
        message = {"type": "http.response.start", "status": 201, "headers": answer}
        await send(message)
        assert message["headers"] is answer
        await send(body())

    with tracing() as t:
        server = Server(FlowTraceMiddleware(app))
        server.run({**scope(), "headers": headers})
    request, response = t.pair()
    assert (request["request_id"], request["user_agent"]) == ("two", "check/2")
    assert response["status_code"] == 201
    assert server.sent[0]["headers"] == [(b"a", b"b"), (b"x-request-id", b"two")]


def check_a_scope_that_is_used_again():
    with tracing() as t:
        server, made = Server(FlowTraceMiddleware(simple)), scope()
        for _ in range(3):
            server.run(made)
    assert len(t.of("HTTP_RESPONSE")) == 3


def check_paths():
    for more, want in (({"path": "/caf\xe9"}, "/caf\xe9"),
                       ({"path": "/b", "root_path": "/a"}, "/a/b"),
                       ({"path": "/a/b", "root_path": "/a"}, "/a/b"), ({"path": None}, None)):
        with tracing() as t:
            Server(FlowTraceMiddleware(simple)).run(scope(**more))
        assert t.pair()[0]["path"] == want


def check_streamed():
    with tracing() as t:
        Server(FlowTraceMiddleware(streamed)).run()
    assert t.status() == 201
    kinds = [e["event"] for e in t.events if e["event"].startswith("HTTP") or
             e["function"] == "helper"]
    assert kinds[0] == "HTTP_REQUEST" and kinds[-1] == "HTTP_RESPONSE"


def check_work_after_the_response():
    """Background tasks: the response ends when it was sent, and they are the request's."""
    async def app(scope, receive, send):
        await send(start(200))
        await send(body(b"x"))
        await helper()
        await asyncio.sleep(0.05)

    with tracing() as t:
        Server(FlowTraceMiddleware(app)).run()
    assert t.pair()[1]["durationMillis"] < 50
    assert t.calls()["helper"] == {t.pair()[0]["request_id"]}
    kinds = [e["event"] for e in t.events]
    assert kinds.index("HTTP_RESPONSE") < len(kinds) - 2


def check_errors():
    async def before(scope, receive, send):
        raise ValueError("x")

    async def after(scope, receive, send):
        await send(start(202))
        raise ValueError("x")

    def not_async(scope, receive, send):
        raise ValueError("x")

    async def parts(scope, receive, send):
        await send(start(202))
        await send(body(b"x", True))
        raise ValueError("x")

    # A server holds the status back until there is some of the body, or does not.
    for app, status in ((before, 500), (after, None), (parts, 202), (not_async, 500)):
        with tracing() as t:
            raises(ValueError, Server(FlowTraceMiddleware(app)).run)
        assert t.status() == status, app
    with tracing() as t:
        raises(TypeError, Server(FlowTraceMiddleware(lambda *args: 7)).run, says="await")
    assert t.status() == 500

    async def silent(scope, receive, send):
        pass

    with tracing() as t:
        Server(FlowTraceMiddleware(silent)).run()
    assert t.status() == 500


def check_no_body():
    async def app(scope, receive, send):
        await send(start(200))

    with tracing() as t:
        Server(FlowTraceMiddleware(app)).run()
    assert t.status() is None


def check_cancelled():
    async def before(scope, receive, send):
        await asyncio.sleep(10)

    async def after(scope, receive, send):
        await send(start(200))
        await send(body(b"x", True))
        await asyncio.sleep(10)

    for app, status in ((before, 499), (after, 200)):
        with tracing() as t:
            try:
                Server(FlowTraceMiddleware(app)).run(timeout=0.05)
                raise AssertionError("not cancelled")
            except asyncio.TimeoutError:
                pass
        assert t.status() == status

    async def endless(scope, receive, send):
        while True:
            await asyncio.sleep(0)

    with tracing() as t:  # never awaited to the end
        driven = FlowTraceMiddleware(endless)(scope(), None, None)
        driven.send(None)
        driven.close()
    assert t.status() == 499
    with tracing() as t:
        driven = FlowTraceMiddleware(endless)(scope(), None, None)
        driven.send(None)
        del driven
        gc.collect()
    assert t.status() == 499


def check_sending_fails():
    async def app(scope, receive, send):
        await send(start(200))
        await send(body(b"x"))

    async def parts(scope, receive, send):
        await send(start(200))
        await send(body(b"x", True))
        await send(body(b"y"))

    class Gone(Server):
        async def send(self, message):
            await super().send(message)
            if message["type"] == "http.response.body" and not message["more_body"]:
                raise OSError("gone")

    for made, status in ((app, None), (parts, 200)):
        with tracing() as t:
            raises(OSError, Gone(FlowTraceMiddleware(made)).run)
        assert t.status() == status


def check_other_scopes_go_through():
    seen = []

    async def app(scope, receive, send):
        seen.append((scope, receive, send))

    for kind in ("websocket", "lifespan"):
        made = {"type": kind}
        with tracing() as t:
            coroutine = FlowTraceMiddleware(app)(made, 1, 2)
            assert isinstance(coroutine, types.CoroutineType)
            raises(StopIteration, coroutine.send, None)
        assert seen.pop() == ({"type": kind}, 1, 2) and not t.of("HTTP_REQUEST")


def check_many_at_once():
    async def inner(scope):
        await asyncio.sleep(0)

    async def task(scope):
        await asyncio.sleep(0.001)
        await inner(scope)

    async def app(scope, receive, send):
        work = asyncio.ensure_future(task(scope["path"]))
        await send(start(200 + int(scope["path"][1:]) % 3))
        await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        await work
        await send(body(b"x", True))
        await send(body())

    async def all_of_them():
        wrapped = FlowTraceMiddleware(app)
        await asyncio.gather(*(Server(wrapped).answer(scope("/%d" % i)) for i in range(50)))

    with tracing() as t:
        asyncio.run(all_of_them())
    of_id = {e["request_id"]: e["path"] for e in t.of("HTTP_REQUEST")}
    assert len(of_id) == 50
    for event in t.of("HTTP_RESPONSE"):
        assert event["status_code"] == 200 + int(event["path"][1:]) % 3
    for event in t.of("ENTER"):
        if event["function"] in ("task", "inner"):
            assert of_id[event["request_id"]] in event["args"].replace("\\", ""), event


def check_the_context_ends_with_it():
    async def twice():
        server = Server(FlowTraceMiddleware(simple))
        await server.answer(scope())
        await helper()

    with tracing() as t:
        asyncio.run(twice())
    assert t.calls()["helper"] == {t.pair()[0]["request_id"], None}


def check_it_is_a_coroutine():
    with tracing():
        driven = FlowTraceMiddleware(simple)(scope(), Server(None).receive, Server(None).send)
        assert isinstance(driven, collections.abc.Coroutine) and inspect.isawaitable(driven)
        assert asyncio.iscoroutine(driven)

        async def main():
            server = Server(None)
            await asyncio.ensure_future(
                asyncio.get_running_loop().create_task(
                    FlowTraceMiddleware(simple)(scope(), server.receive, server.send)))
            assert len(server.sent) == 2
        asyncio.run(main())
        raises(KeyError, driven.throw, KeyError("x"))
        driven.close()


def check_servers_take_it_for_asgi3():
    app = FlowTraceMiddleware(simple)
    if sys.version_info < (3, 14):
        assert asyncio.iscoroutinefunction(app) and asyncio.iscoroutinefunction(app.__call__)
    if sys.version_info >= (3, 12):
        assert inspect.iscoroutinefunction(app) and inspect.iscoroutinefunction(app.__call__)
    assert app.app is simple


def check_one_pair_when_wrapped_twice():
    with tracing() as t:
        Server(FlowTraceMiddleware(FlowTraceMiddleware(simple))).run()
    assert t.status() == 200


def check_no_frame_is_added():
    def stack():
        frame, names = sys._getframe(1), []
        while frame:
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        return names

    found = []

    async def app(scope, receive, send):
        found.append(stack())
        await send(start())
        found.append(stack())
        await send(body())

    with tracing():
        Server(app).run()
        Server(FlowTraceMiddleware(app)).run()
    assert found[:2] == found[2:]


def check_nothing_is_kept():
    class App:
        async def __call__(self, scope, receive, send):
            await send(start())
            await send(body())

    with tracing():
        app = App()
        app.wrapped = FlowTraceMiddleware(app)
        Server(app.wrapped).run()
        gone = weakref.ref(app)
        del app
        gc.collect()
        assert gone() is None


def check_wrong_use():
    raises(TypeError, FlowTraceMiddleware, 7, says="not callable")
    raises(TypeError, FlowTraceMiddleware(simple), {})
    raises(RuntimeError, _core.ASGI.__new__(_core.ASGI), {}, 1, 2)
    raises(RuntimeError, _core.WSGI.__new__(_core.WSGI), {}, 1)
