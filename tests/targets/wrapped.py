# SPDX-License-Identifier: MIT
"""Applications behind the wrappers of flowtrace_agent, which are written in C.

    wrapped.py LOGFILE    answers each line "KIND PATH" when that was served
"""
import asyncio
import sys

from flowtrace_agent import Config
from flowtrace_agent.frameworks import asgi, wsgi

STATUS = {"/found": "200 OK", "/missing": "404 Not Found"}


def called(environ, start_response):
    start_response(STATUS[environ["PATH_INFO"]], [])
    return [step()]


async def awaited(scope, receive, send):
    status = int(STATUS[scope["path"]].split()[0])
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": step()})


def step():
    return b"step"


def serve_wsgi(app, path):
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path}
    return [len(part) for part in app(environ, lambda status, headers, exc_info=None: None)]


def serve_asgi(app, path):
    async def receive():
        return {"type": "http.request"}

    async def send(message):
        return len(message)

    asyncio.run(app({"type": "http", "method": "GET", "path": path, "root_path": "",
                     "headers": []}, receive, send))


config = Config(package_prefix="__main__", logfile=sys.argv[1])
APPS = {"wsgi": (serve_wsgi, wsgi.FlowTraceMiddleware(called, config)),
        "asgi": (serve_asgi, asgi.FlowTraceMiddleware(awaited, config))}
print("ready", flush=True)
for line in sys.stdin:
    kind, path = line.split()
    serve, app = APPS[kind]
    serve(app, path)
    print("served", flush=True)
