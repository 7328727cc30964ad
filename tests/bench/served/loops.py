# SPDX-License-Identifier: MIT
"""Servers without a network: what they do with an application, in one process.

    loops.py outside                answers lines "KIND REQUESTS" with us of CPU a request
    loops.py inside ROUNDS FILE     what the wrappers add, in interleaved rounds, as JSON

Runs in every interpreter: Python 3.8 and later, nothing but the standard library.
"""
import asyncio
import json
import os
import sys
import time

from served import plain

BURST = 500  # requests; their records fit a thread's buffer
PASSES = 3
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
ENVIRON = {  # as gunicorn makes it
    "wsgi.errors": sys.stderr, "wsgi.version": (1, 0), "wsgi.multithread": False,
    "wsgi.multiprocess": False, "wsgi.run_once": False, "wsgi.file_wrapper": None,
    "wsgi.input_terminated": True, "SERVER_SOFTWARE": "loops", "wsgi.input": None,
    "REQUEST_METHOD": "GET", "QUERY_STRING": "page=1", "RAW_URI": "/world?page=1",
    "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "127.0.0.1:8000", "HTTP_USER_AGENT": AGENT,
    "HTTP_ACCEPT": "text/html", "HTTP_ACCEPT_ENCODING": "gzip", "HTTP_COOKIE": "session=1",
    "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "50000",
    "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "PATH_INFO": "/world", "SCRIPT_NAME": "",
}
SCOPE = {  # as uvicorn makes it
    "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
    "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 50000), "scheme": "http",
    "method": "GET", "root_path": "", "path": "/world", "raw_path": b"/world",
    "query_string": b"page=1",
    "headers": [(b"host", b"127.0.0.1:8000"), (b"user-agent", AGENT.encode()),
                (b"accept", b"text/html"), (b"accept-encoding", b"gzip"),
                (b"cookie", b"session=1")],
}


class Wsgi:
    """One request."""

    def __init__(self):
        self.sent = []

    def start_response(self, status, headers, exc_info=None):
        self.sent.append(status)

    def answer(self, app):
        body = app(dict(ENVIRON), self.start_response)
        try:
            self.sent.extend(body)
        finally:
            if hasattr(body, "close"):
                body.close()


class Asgi:
    """One request, a task of its own."""

    def __init__(self):
        self.sent = []

    async def receive(self):
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message):
        self.sent.append(message)

    async def answer(self, app):
        await app(dict(SCOPE), self.receive, self.send)


def timed(serve, app, requests):
    """us a request: by the clock, of CPU."""
    clock, cpu = time.perf_counter_ns(), time.process_time_ns()
    serve(app, requests)
    return ((time.perf_counter_ns() - clock) / requests / 1000,
            (time.process_time_ns() - cpu) / requests / 1000)


def serve_wsgi(app, requests):
    for _ in range(requests):
        Wsgi().answer(app)


def serve_asgi(app, requests):
    async def serve():
        for _ in range(requests):
            await asyncio.ensure_future(Asgi().answer(app))

    asyncio.run(serve())


SERVERS = {"wsgi": (serve_wsgi, plain.app), "asgi": (serve_asgi, plain.asgi)}


def outside():
    print("ready", flush=True)
    for line in sys.stdin:
        kind, requests = line.split()
        print(timed(*SERVERS[kind], int(requests))[1], flush=True)


def best(serve, app, flush):
    """The least of a few bursts: what disturbs can only add. CPU: until all is in the file."""
    clocks, cpus = [], []
    for _ in range(PASSES):
        flush()
        cpu = time.process_time_ns()
        clocks.append(timed(serve, app, BURST)[0])
        flush()
        cpus.append((time.process_time_ns() - cpu) / BURST / 1000)
    return {"clock": min(clocks), "cpu": min(cpus)}


def inside(rounds, file):
    from flowtrace_agent import Config, _core, start_tracing, stop_tracing

    wrappers = {"wsgi": _core.WSGI(plain.app), "asgi": _core.ASGI(plain.asgi)}
    found = []
    for _ in range(rounds + 1):
        one = {kind: {"plain": best(*SERVERS[kind], flush=_core.flush),
                      "wrapped": best(SERVERS[kind][0], wrappers[kind], _core.flush)}
               for kind in SERVERS}
        start_tracing(Config(package_prefix="served.handler", logfile=file))
        for kind in SERVERS:
            one[kind]["traced"] = best(SERVERS[kind][0], wrappers[kind], _core.flush)
        stop_tracing()
        with open(file, "rb") as lines:
            events = sum(1 for _ in lines)
        if events != 4 * PASSES * BURST * len(SERVERS):  # of a request and its call, two each
            sys.exit("loops: %d events" % events)
        os.unlink(file)
        found.append(one)
    print(json.dumps(found[1:]))  # the first was for warming up


if __name__ == "__main__":
    if sys.argv[1] == "outside":
        outside()
    else:
        inside(int(sys.argv[2]), sys.argv[3])
