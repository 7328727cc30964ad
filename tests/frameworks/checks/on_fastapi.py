# SPDX-License-Identifier: MIT
"""FastAPI and Starlette."""
import asyncio
import warnings

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import StreamingResponse
from flowtrace_agent import Config, stop_tracing
from flowtrace_agent.frameworks.fastapi import FlowTraceMiddleware, init_flowtrace
from pairs import tracing
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from support import events


class Client:
    """A server, and what it got."""

    def __init__(self, app):
        self.app = app

    def request(self, path, method="GET", headers=()):
        self.sent = []
        self.body = b""
        asyncio.run(self._request(path, method, headers))
        return self

    async def _request(self, path, method, headers):
        done = asyncio.Event()
        asked = [False]

        async def receive():
            if asked[0]:
                await done.wait()
                return {"type": "http.disconnect"}
            asked[0] = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            self.sent.append(message)
            self.body += message.get("body", b"")
            if message["type"] == "http.response.body" and not message.get("more_body"):
                done.set()

        path, _, query = path.partition("?")
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1",
                 "method": method, "scheme": "http", "path": path, "raw_path": path.encode(),
                 "query_string": query.encode(), "root_path": "", "client": ("10.0.0.1", 5),
                 "server": ("127.0.0.1", 80), "headers": [(b"host", b"x"), *headers]}
        try:
            await self.app(scope, receive, send)
        except ValueError:  # passed on to the server after it was answered
            pass

    @property
    def status(self):
        return self.sent[0]["status"]

    @property
    def id(self):
        found, = (v for n, v in self.sent[0]["headers"] if n == b"x-request-id")
        return found.decode("latin-1")


def helper(text):
    return text


async def deeper(text):
    await asyncio.sleep(0)
    return helper(text)


def fill(app):
    """A bit of everything."""
    @app.get("/async/{name}")
    async def asynchronous(name, request: Request, more=Depends(deeper)):
        assert request.state.flowtrace_request_id
        return await asyncio.create_task(deeper(name))

    @app.get("/sync/{name}")
    def synchronous(name):
        return helper(name)

    @app.get("/fails")
    async def fails():
        raise ValueError(await deeper("x"))

    @app.get("/teapot")
    async def teapot():
        raise HTTPException(418)

    @app.get("/stream")
    async def stream():
        async def parts():
            for i in range(3):
                yield await deeper(str(i))
        return StreamingResponse(parts(), 202)

    @app.get("/later")
    async def later(tasks: BackgroundTasks):
        tasks.add_task(deeper, "after")
        return 1

    @app.websocket("/ws")
    async def socket(socket: WebSocket):
        await socket.accept()
        await socket.send_text(await deeper("ws"))
        await socket.close()

    return app


def make():
    app = FastAPI()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        init_flowtrace(app)
    return fill(app)


def check_every_kind_of_answer():
    for path, status in (("/async/a?text=q", 200), ("/sync/a", 200), ("/fails", 500),
                         ("/teapot", 418), ("/nowhere", 404), ("/stream", 202), ("/later", 200),
                         ("/async/a", 422)):
        with tracing() as t:
            client = Client(make()).request(path, headers=[(b"x-request-id", b"mine")])
            assert (client.status, client.id) == (status, "mine"), path
        request, response = t.pair()
        assert (request["path"], response["status_code"]) == (path.partition("?")[0], status)
        assert request["remote_addr"] == "10.0.0.1"
        calls = t.calls()
        for name in ("asynchronous", "synchronous", "helper", "deeper", "parts", "fails"):
            assert calls.get(name, {"mine"}) == {"mine"}, (path, name, calls)
        assert "helper" in calls or status in (418, 404, 422)


def check_other_middleware():
    """Added before or after, inside of which the handler runs in another task."""
    class Other(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            await deeper("middleware")
            return await call_next(request)

    app = make()
    app.add_middleware(Other)
    with tracing() as t:
        client = Client(app).request("/sync/a")
        assert client.status == 200
    assert t.calls()["helper"] == t.calls()["dispatch"] == {t.pair()[0]["request_id"]}


def check_as_middleware():
    app = fill(FastAPI())
    with tracing() as t:
        app.add_middleware(FlowTraceMiddleware)
        client = Client(app).request("/stream")
        assert (client.status, client.body) == (202, b"012")
    assert t.pair()[0]["request_id"] == client.id
    with tracing() as t:
        client = Client(app).request("/fails")
        assert client.status == 500
    assert t.status() == 500


def check_starlette():
    async def home(request):
        return PlainTextResponse(await deeper("home"))

    app = Starlette(routes=[Route("/", home)])
    assert Client(app).request("/").status == 200
    with tracing() as t:
        init_flowtrace(app)
        init_flowtrace(app)
        assert Client(app).request("/").id
    assert t.status() == 200


def check_web_sockets_go_through():
    async def talk(app):
        sent = []
        incoming = [{"type": "websocket.connect"}]

        async def receive():
            return incoming.pop(0)

        async def send(message):
            sent.append(message["type"])

        await app({"type": "websocket", "path": "/ws", "headers": [], "query_string": b"",
                   "root_path": "", "scheme": "ws", "client": None, "server": None,
                   "subprotocols": []}, receive, send)
        return sent

    with tracing() as t:
        assert asyncio.run(talk(make())) == ["websocket.accept", "websocket.send",
                                             "websocket.close"]
    assert not t.of("HTTP_REQUEST") and t.calls()["deeper"] == {None}


def check_it_starts_and_starts_again():
    app = FastAPI()
    init_flowtrace(app, Config(logfile="first.jsonl"))
    fill(app)
    Client(app).request("/sync/a")
    stop_tracing()
    Client(app).request("/sync/a")
    init_flowtrace(app, Config(logfile="second.jsonl"))
    Client(app).request("/sync/a")
    stop_tracing()
    for name in ("first", "second"):
        found = [e["event"] for e in events(name + ".jsonl")]
        assert found.count("HTTP_REQUEST") == found.count("HTTP_RESPONSE") == 1, name
