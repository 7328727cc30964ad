# SPDX-License-Identifier: MIT
"""No framework: `app` is WSGI, `asgi` is ASGI."""
from served import TRACED
from served.handler import greet


def app(environ, start_response):
    body = greet(environ["PATH_INFO"]).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    body = greet(scope["path"]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [
        (b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


if TRACED:
    from flowtrace_agent.frameworks import asgi as for_asgi
    from flowtrace_agent.frameworks import wsgi as for_wsgi

    app = for_wsgi.FlowTraceMiddleware(app)
    asgi = for_asgi.FlowTraceMiddleware(asgi)
