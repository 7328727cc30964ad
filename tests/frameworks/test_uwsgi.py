# SPDX-License-Identifier: MIT
"""A server in C, which calls the application and iterates over its body itself: uWSGI. From outside
a request ends when the application returns, and its status is not seen."""
import collections
import concurrent.futures
import contextlib
import http.client
import json
import shutil
import subprocess

import harness
import pytest
import servers

UWSGI = "/usr/bin/uwsgi-core"
pytestmark = pytest.mark.skipif(not shutil.which(UWSGI), reason="no uWSGI")
REQUESTS = 80
APPLICATION = '''
import os
import time

def helper(n):
    return b"%d" % n

def parts(n):
    for _ in range(3):
        time.sleep(0.001)
        yield helper(n)

class Body:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        yield from parts(self.n)

    def close(self):
        helper(self.n)

class Steps(Body):
    left = 3

    def __iter__(self):
        return self

    def __next__(self):
        if not self.left:
            raise StopIteration
        self.left -= 1
        return helper(self.n)

def application(environ, start_response):
    _, kind, n = environ["PATH_INFO"].split("/")
    start_response("200 OK", [])
    n = int(n)
    return {"list": lambda: [helper(n)], "parts": lambda: parts(n), "body": lambda: Body(n),
            "steps": lambda: Steps(n)}[kind]()

if os.environ.get("INSIDE"):
    from flowtrace_agent import Config
    from flowtrace_agent.frameworks.wsgi import FlowTraceMiddleware
    application = FlowTraceMiddleware(application, Config(package_prefix="app", logfile="t.jsonl"))
'''
CALLS = {"list": 1, "parts": 3, "body": 4, "steps": 4}  # of helper


def ask(port, n):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=harness.PATIENCE)
    connection.request("GET", "/%s/%d" % (list(CALLS)[n % 4], n))
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read()
    connection.close()


def ask_all(port):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: ask(port, n), range(REQUESTS)))


@contextlib.contextmanager
def serving(folder, **environment):
    """The server; yields (its process, its port)."""
    (folder / "app.py").write_text(APPLICATION, "utf-8")
    port = harness.free_port()
    process = harness.start(
        [UWSGI, "--plugin", "python3", "--http-socket", "127.0.0.1:%d" % port, "--module",
         "app:application", "--threads", "4", "--disable-logging"], cwd=folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=harness.environment(PYTHONDONTWRITEBYTECODE="1", **environment))
    with harness.listening(process, port):
        yield process, port


@pytest.mark.live
def test_streamed_bodies(tmp_path):
    """One pair each, and every call has the id of its own request."""
    with serving(tmp_path) as (process, port):
        with harness.Tracer(tmp_path, "-P", "app", "--pid", process.pid) as tracer:
            tracer.attached()
            ask_all(port)
            servers.stop(tracer, REQUESTS)
    check(tracer.events(), None)


def test_streamed_bodies_inside(package, tmp_path):
    """The same, and the status; a response ends when its body does."""
    with serving(tmp_path, INSIDE="1", PYTHONPATH=str(package)) as (_, port):
        ask_all(port)
        trace = tmp_path / "t.jsonl"
        # With threads it does not always let the interpreter end, and so not the agent.
        harness.wait_for("the responses",
                         lambda: trace.read_bytes().count(b'"HTTP_RESPONSE"') == REQUESTS)
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    check(events, 200)
    ends = {e["request_id"]: e["timestamp"] for e in events
            if e["event"] == "HTTP_RESPONSE" and e["path"].startswith("/parts/")}
    parts = [e for e in events if e["event"] == "EXIT" and e["function"] == "parts"]
    own = [e["timestamp"] <= ends[e["request_id"]] for e in parts if e["request_id"] in ends]
    assert len(own) == len(ends) == REQUESTS / 4 and all(own)


def check(events, status):
    ids = {int(e["path"].split("/")[2]): e["request_id"] for e in events
           if e["event"] == "HTTP_REQUEST"}
    statuses = [e["status_code"] for e in events if e["event"] == "HTTP_RESPONSE"]
    assert len(ids) == REQUESTS and statuses == [status] * REQUESTS
    calls = collections.Counter()
    for event in events:
        if event["event"] == "ENTER" and event["function"] == "helper":
            n = json.loads(event["args"])["n"]
            assert event["request_id"] == ids[n], event
            calls[n] += 1
    assert calls == {n: CALLS[list(CALLS)[n % 4]] for n in range(REQUESTS)}
