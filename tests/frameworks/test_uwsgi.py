# SPDX-License-Identifier: MIT
"""A server in C, which calls the application and iterates over its body itself: uWSGI."""
import collections
import concurrent.futures
import http.client
import json
import shutil
import subprocess

import harness
import pytest
import servers

UWSGI = "/usr/bin/uwsgi-core"
REQUESTS = 80
APPLICATION = '''
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
'''
CALLS = {"list": 1, "parts": 3, "body": 4, "steps": 4}  # of helper


def ask(port, n):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/%s/%d" % (list(CALLS)[n % 4], n))
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read()
    connection.close()


@pytest.mark.live
@pytest.mark.skipif(not shutil.which(UWSGI), reason="no uWSGI")
def test_streamed_bodies(tmp_path):
    """One pair each, and every call has the id of its own request."""
    (tmp_path / "app.py").write_text(APPLICATION, "utf-8")
    port = harness.free_port()
    process = harness.start(
        [UWSGI, "--plugin", "python3", "--http-socket", "127.0.0.1:%d" % port, "--module",
         "app:application", "--threads", "4", "--disable-logging"], cwd=tmp_path,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        harness.wait_for("the server", lambda: harness.answers(port))
        with harness.Tracer(tmp_path, "-P", "app", "--pid", process.pid) as tracer:
            tracer.attached()
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda n: ask(port, n), range(REQUESTS)))
            servers.stop(tracer, REQUESTS)
    finally:
        harness.kill_session(process)
    check(tracer.events())


def check(events):
    ids = {int(e["path"].split("/")[2]): e["request_id"] for e in events
           if e["event"] == "HTTP_REQUEST"}
    assert len(ids) == sum(e["event"] == "HTTP_RESPONSE" for e in events) == REQUESTS
    calls = collections.Counter()
    for event in events:
        if event["event"] == "ENTER" and event["function"] == "helper":
            n = json.loads(event["args"])["n"]
            assert event["request_id"] == ids[n], event
            calls[n] += 1
    assert calls == {n: CALLS[list(CALLS)[n % 4]] for n in range(REQUESTS)}
