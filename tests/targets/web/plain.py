# SPDX-License-Identifier: MIT
"""No framework: `app` is WSGI, `asgi` is ASGI."""
from flowtrace_agent.frameworks import asgi as for_asgi
from flowtrace_agent.frameworks import wsgi as for_wsgi
from web import work


def wsgi_app(environ, start_response):
    _, kind, n = environ["PATH_INFO"].split("/")
    if kind == "err":
        work.fail(int(n))
    start_response("200 OK", [("Content-Type", "text/plain")])
    if kind == "stream":
        return work.parts(int(n))
    return [work.answer(int(n), environ["flowtrace.request_id"]).encode()]


async def asgi_app(scope, receive, send):
    if scope["type"] != "http":
        return
    _, kind, n = scope["path"].split("/")
    if kind == "err":
        work.fail(int(n))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if kind == "stream":
        async for part in work.aparts(int(n)):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})
    else:
        text = work.answer(int(n), scope["state"]["flowtrace_request_id"])
        await send({"type": "http.response.body", "body": text.encode()})


app = for_wsgi.FlowTraceMiddleware(wsgi_app)
asgi = for_asgi.FlowTraceMiddleware(asgi_app)


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
