# SPDX-License-Identifier: MIT
"""No framework: `app` is WSGI, `asgi` is ASGI."""
import asyncio
import time

from web import TRACED, work


def app(environ, start_response):
    _, kind, n = environ["PATH_INFO"].split("/")
    return {"ok": ok, "err": err, "stream": stream, "threads": threads}[kind](
        int(n), environ, start_response)


def start(start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])


def ok(n, environ, start_response):
    began = time.monotonic_ns()
    time.sleep(0.001)
    start(start_response)
    return [work.answer(n, began, environ.get("flowtrace.request_id")).encode()]


def err(n, environ, start_response):
    work.fail(n)


def stream(n, environ, start_response):
    start(start_response)
    return work.parts(n)


def threads(n, environ, start_response):
    began = time.monotonic_ns()
    start(start_response)
    work.run_thread(n)
    return [work.answer(n, began, environ.get("flowtrace.request_id")).encode()]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    _, kind, n = scope["path"].split("/")
    await {"ok": aok, "err": aerr, "stream": astream, "tasks": tasks}[kind](int(n), scope, send)


async def send_answer(n, began, scope, send):
    text = work.answer(n, began, scope.get("state", {}).get("flowtrace_request_id"))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})


async def aok(n, scope, send):
    began = time.monotonic_ns()
    await asyncio.sleep(0.001)
    await send_answer(n, began, scope, send)


async def aerr(n, scope, send):
    work.fail(n)


async def astream(n, scope, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    async for part in work.aparts(n):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


async def tasks(n, scope, send):
    began = time.monotonic_ns()
    await work.run_tasks(n)
    await send_answer(n, began, scope, send)


if TRACED:
    from flowtrace_agent.frameworks import asgi as for_asgi
    from flowtrace_agent.frameworks import wsgi as for_wsgi

    app = for_wsgi.FlowTraceMiddleware(app)
    asgi = for_asgi.FlowTraceMiddleware(asgi)


def serve(port):
    """With wsgiref, a thread for each request."""
    import signal
    import socketserver
    import sys
    from wsgiref import simple_server

    class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
        request_queue_size = 64

    signal.signal(signal.SIGTERM, lambda *args: sys.exit(0))
    simple_server.make_server("127.0.0.1", port, app, Server).serve_forever()
