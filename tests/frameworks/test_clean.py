# SPDX-License-Identifier: MIT
"""What the wrappers do with memory and references. The sanitizers are in tests/agent/test_clean.py."""

CHURN = """
import asyncio, gc, resource, sys
from flowtrace_agent import Config, start_tracing, stop_tracing
from flowtrace_agent.frameworks.asgi import FlowTraceMiddleware as Asgi
from flowtrace_agent.frameworks.wsgi import FlowTraceMiddleware as Wsgi

start_tracing(Config(package_prefix="__main__", logfile="/dev/null"))

def parts(n):
    yield b"x" * n
    yield b"y"

def app(environ, start_response):
    n = environ["n"]
    if n % 10 == 0:
        raise ValueError(n)
    start_response("200 OK", [("A", "b")])
    return parts(n % 50)

async def aapp(scope, receive, send):
    await asyncio.sleep(0)
    if scope["n"] % 10 == 0:
        raise ValueError(scope["n"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b"x", "more_body": True})
    await send({"type": "http.response.body"})

async def send(message):
    pass

wsgi, asgi = Wsgi(app), Asgi(aapp)

def turn(count):
    async def both():
        for n in range(count):
            try:
                body = wsgi({"n": n, "PATH_INFO": "/%d" % n}, lambda status, headers: None)
                if n % 3:
                    list(body)
                if n % 7:
                    body.close()
            except ValueError:
                pass
            try:
                await asgi({"type": "http", "n": n, "path": "/%d" % n}, None, send)
            except ValueError:
                pass
    asyncio.run(both())
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
"""


def test_debug_allocator(agent):
    """PYTHONMALLOC=debug and -X dev: no warning, no corruption."""
    agent.write("churn.py", CHURN + "turn(500)\nstop_tracing()\n")
    _, _, errors = agent.python("-X", "dev", "churn.py", env={"PYTHONMALLOC": "debug"})
    assert not errors, errors


def test_no_leak(agent):
    """Over many requests the process does not grow."""
    agent.write("churn.py", CHURN + "before = turn(5000)\nprint(turn(15000) - before)\n")
    _, out, _ = agent.python("churn.py", timeout=120)
    assert int(out) < 1024, "grew by %s KiB" % out.strip()
