# SPDX-License-Identifier: MIT
"""A WSGI application in tornado's container, which calls it and collects its body before it tells the
client anything: what fails closes the connection, or is answered with 500 (from 6.3 on)."""
import contextlib
import importlib.util
import json
import subprocess

import clients
import harness
import pytest

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("tornado"), reason="no tornado")
PROGRAM = """
import asyncio, logging, os, sys
from tornado import httpserver, wsgi

def helper(n):
    return b"%d" % n

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/boom":
        raise ValueError("boom")
    if path != "/never":
        start_response("404 Not Found" if path == "/gone" else "200 OK", [])
    if path == "/late":
        raise ValueError("late")
    if path == "/handled":
        try:
            helper("x")
        except TypeError:
            start_response("500 Oops", [], sys.exc_info())
    return [helper(1)]

if os.environ.get("INSIDE"):
    from flowtrace_agent import Config
    from flowtrace_agent.frameworks.wsgi import FlowTraceMiddleware
    config = Config(package_prefix="__main__", logfile="t.jsonl")
    application = FlowTraceMiddleware(application, config)

async def main():
    httpserver.HTTPServer(wsgi.WSGIContainer(application)).listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.to_thread(sys.stdin.read)

logging.disable()
asyncio.run(main())
"""
STATUSES = {"/": 200, "/gone": 404, "/boom": 500, "/late": 500, "/never": 500, "/handled": 500}


@contextlib.contextmanager
def serving(folder, **environment):
    """The server, until its standard input is closed; yields (its process, its port)."""
    port = harness.free_port()
    process = harness.start([harness.PYTHON, "-c", PROGRAM, port], cwd=folder,
                            stdin=subprocess.PIPE,
                            env=harness.environment(PYTHONDONTWRITEBYTECODE="1", **environment))
    with harness.listening(process, port):
        yield process, port


def check(port):
    """A connection that was closed without an answer is one that failed."""
    assert {path: clients.status_of(port, path) or 500 for path in STATUSES} == STATUSES


def check_events(events):
    """One pair each, as the client saw it."""
    begun = {e["request_id"]: e["path"] for e in events if e["event"] == "HTTP_REQUEST"}
    ends = [(begun[e["request_id"]], e["status_code"]) for e in events
            if e["event"] == "HTTP_RESPONSE"]
    assert sorted(begun.values()) == sorted(STATUSES) and sorted(ends) == sorted(STATUSES.items())


def test_inside(package, tmp_path):
    """By our wrapper."""
    with serving(tmp_path, INSIDE="1", PYTHONPATH=str(package)) as (process, port):
        check(port)
        process.stdin.close()
        assert process.wait(timeout=harness.PATIENCE) == 0
    check_events([json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()])


@pytest.mark.live
def test_outside(tmp_path):
    """By the collector."""
    with serving(tmp_path) as (process, port):
        with harness.Tracer(tmp_path, "-P", "__main__", "--pid", process.pid) as tracer:
            tracer.attached()
            check(port)
            process.stdin.close()
            assert process.wait(timeout=harness.PATIENCE) == 0
            assert tracer.wait() == 0
    check_events(tracer.events())
