# SPDX-License-Identifier: MIT
"""ASGI applications, one for each thing that can happen to a request."""
import asyncio
import contextvars
import functools

from served.work import Failed, entered, number, released, step

AT_ONCE = 8


async def start(send, status=200):
    await send({"type": "http.response.start", "status": status,
                "headers": [(b"content-type", b"text/plain")]})


async def body(send, text=b"", more=False):
    await send({"type": "http.response.body", "body": text, "more_body": more})


async def plain(scope, receive, send):
    step(number(scope["path"]), "plain")
    await start(send)
    await body(send, b"plain")


async def missing(scope, receive, send):
    """The last message has no more_body."""
    await start(send, 404)
    await send({"type": "http.response.body", "body": b"missing"})


async def fails(scope, receive, send):
    """Before it answered."""
    await asyncio.sleep(0)
    raise Failed(step(number(scope["path"]), "fails"))


async def breaks(scope, receive, send):
    """After it said 200."""
    await start(send)
    await body(send, b"1", True)
    raise Failed(step(number(scope["path"]), "breaks"))


async def unsaid(scope, receive, send):
    """After it said 200; some servers hold that back until there is a body."""
    await start(send)
    raise Failed(step(number(scope["path"]), "unsaid"))


async def streams(scope, receive, send):
    n = number(scope["path"])
    await start(send, 206)
    for i in range(3):
        step(n, "part%d" % i)
        await body(send, b"%d" % i, True)
        await asyncio.sleep(0)
    await body(send)


async def after(scope, receive, send):
    """Works when the client has its answer."""
    n = number(scope["path"])
    await start(send, 202)
    await body(send, b"before")
    await asyncio.sleep(0.01)
    step(n, "after")


async def hangs(scope, receive, send):
    """Until the client goes away."""
    n = number(scope["path"])
    try:
        step(n, "hangs")
        await asyncio.sleep(30)
    finally:
        step(n, "cancelled")


class Response:
    """Made by an application, and one itself."""

    async def __call__(self, scope, receive, send):
        step(number(scope["path"]), "released")
        await plain(scope, receive, send)


async def waits(scope, receive, send):
    """Until it is released; then it goes on as another application."""
    entered.put("asgi")
    while not released.is_set():
        await asyncio.sleep(0.01)
    await Response()(scope, receive, send)


async def child(n, what):
    step(n, what + " begins")
    await asyncio.sleep(0.001)
    step(n, what + " ends")


async def tasks(scope, receive, send):
    """One of them outlives the request."""
    n = number(scope["path"])
    task = asyncio.ensure_future(child(n, "task"))
    await asyncio.gather(child(n, "one"), child(n, "other"))
    await task
    asyncio.ensure_future(late(n))
    await start(send)
    await body(send, b"tasks")


async def late(n):
    await asyncio.sleep(0.05)
    step(n, "late")


async def in_thread(scope, receive, send):
    n = number(scope["path"])
    if hasattr(asyncio, "to_thread"):
        await asyncio.to_thread(step, n, "thread")
    else:
        run = functools.partial(contextvars.copy_context().run, step, n, "thread")
        await asyncio.get_event_loop().run_in_executor(None, run)
    await asyncio.get_event_loop().run_in_executor(None, step, n, "alone")
    await plain(scope, receive, send)


class Meeting:
    """Nobody goes on before all are there."""

    def __init__(self):
        self.there = 0
        self.complete = None

    async def wait(self):
        if not self.there:
            self.complete = asyncio.Event()
        complete = self.complete
        self.there += 1
        if self.there == AT_ONCE:
            self.there = 0
            complete.set()
        await complete.wait()


MEETING = Meeting()


async def meets(scope, receive, send):
    """All at once, each step of one between those of the others."""
    n = number(scope["path"])
    step(n, "came")
    await MEETING.wait()
    await start(send, 200 + n % AT_ONCE)
    for i in range(3):
        step(n, "round%d" % i)
        await asyncio.gather(child(n, "one"), child(n, "other"))
        await body(send, b"%d" % i, True)
    await MEETING.wait()
    await body(send)


def around(app):
    """A middleware that does nothing."""
    async def middleware(scope, receive, send):
        step(number(scope["path"]), "around")
        await asyncio.sleep(0)
        await app(scope, receive, send)
    return middleware


def changing(app):
    """With a send of its own, a closure."""
    async def middleware(scope, receive, send):
        async def change(message):
            if message["type"] == "http.response.start":
                message = dict(message, status=418)
            step(number(scope["path"]), message["type"][14:])
            await send(message)
        await app(scope, receive, change)
    return middleware


async def pass_on(send, n, message):
    step(n, message["type"][14:])
    await send(message)


def partially(app):
    """With a send of its own, a functools.partial."""
    async def middleware(scope, receive, send):
        await app(scope, receive, functools.partial(pass_on, send, number(scope["path"])))
    return middleware


def in_a_task(app):
    """What is inside runs in a task of its own."""
    async def middleware(scope, receive, send):
        await asyncio.ensure_future(app(scope, receive, send))
        step(number(scope["path"]), "around")
    return middleware


class Application:
    """As most frameworks have it."""

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif scope["type"] == "websocket":
            await self.websocket(scope, receive, send)
        else:
            step(number(scope["path"]), "called")
            await missing(scope, receive, send)

    async def lifespan(self, receive, send):
        for what in ("startup", "shutdown"):
            await receive()
            step(0, what)
            await send({"type": "lifespan.%s.complete" % what})

    async def websocket(self, scope, receive, send):
        step(number(scope["path"]), "websocket")
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})


APPS = {
    "plain": plain, "missing": missing, "fails": fails, "breaks": breaks, "unsaid": unsaid,
    "streams": streams, "after": after, "hangs": hangs, "tasks": tasks, "in_thread": in_thread, "meets": meets,
    "around": around(around(in_thread)), "changes": changing(changing(streams)),
    "partial": partially(plain), "in_a_task": in_a_task(in_a_task(plain)),
    "called": Application(), "websocket": Application(), "waits": waits,
}
