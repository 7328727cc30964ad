# SPDX-License-Identifier: MIT
"""The status of responses that a server makes its own way: one pair for each request, and a status that
the client saw, or none where nothing tells which of two it was."""
import contextlib
import importlib.util
import json
import subprocess

import clients
import harness
import pytest
import servers

APPLICATIONS = """
import os, sys

def wsgi(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/boom":
        raise ValueError("boom")
    write = start_response("202 Accepted", [("Content-Type", "text/plain")])
    if path == "/started":
        raise ValueError("started")
    if path == "/twice":
        start_response("503 Down", [])
    if path == "/handled":
        try:
            raise ValueError("handled")
        except ValueError:
            start_response("503 Down", [], sys.exc_info())
    if path == "/write":
        write(b"written")
    return parts(path)

def parts(path):
    if path == "/early":
        raise ValueError("early")
    yield b"one"
    if path == "/late":
        raise ValueError("late")
    yield b"two"

async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    path = scope["path"]
    if path == "/boom":
        raise ValueError("boom")
    headers = [(b"bad", b"a\\nb")] if path == "/headers" else []
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    if path == "/started":
        raise ValueError("started")
    if path == "/bodiless":
        return
    await send({"type": "http.response.body", "body": b"one", "more_body": True})
    if path == "/late":
        raise ValueError("late")
    await send({"type": "http.response.body", "body": b"two"})

def serve(server, port):
    if server == "eventlet":
        import eventlet, eventlet.wsgi
        eventlet.wsgi.server(eventlet.listen(("127.0.0.1", port)), wsgi, log_output=False)
    import werkzeug.serving
    werkzeug.serving.run_simple("127.0.0.1", port, wsgi, threaded=server == "threads")

if os.environ.get("INSIDE"):
    from flowtrace_agent import Config
    from flowtrace_agent.frameworks.asgi import FlowTraceMiddleware as Around
    from flowtrace_agent.frameworks.wsgi import FlowTraceMiddleware
    config = Config(package_prefix="app", logfile="t.jsonl")
    wsgi, asgi = FlowTraceMiddleware(wsgi, config), Around(asgi, config)
if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
"""
SERVERS = {
    "werkzeug": ("app.py", "werkzeug", "{port}"),
    "werkzeug threads": ("app.py", "threads", "{port}"),
    "eventlet": ("app.py", "eventlet", "{port}"),
    "uvicorn wsgi": ("-m", "uvicorn", "--interface", "wsgi", "--port", "{port}", "app:wsgi"),
    "uvicorn": ("-m", "uvicorn", "--http", "h11", "--port", "{port}", "app:asgi"),
    "gunicorn": ("-m", "gunicorn", "--bind", "127.0.0.1:{port}", "app:wsgi"),
    "gunicorn eventlet": ("-m", "gunicorn", "-k", "eventlet", "--bind", "127.0.0.1:{port}", "app:wsgi"),
    "hypercorn": ("-m", "hypercorn", "--bind", "127.0.0.1:{port}", "app:asgi"),
}
# What the client sees of each path (None: no answer), and the paths of which no trace can tell it.
OF_WSGI = {"/": 202, "/boom": 500, "/started": 500, "/early": 500, "/late": 202}
OF_ASGI = {"/": 202, "/boom": 500, "/started": 202, "/bodiless": 202, "/late": 202,
           "/headers": None}
HELD = {**OF_ASGI, "/started": 500, "/bodiless": 500, "/headers": 500}
CLIENTS = {
    "werkzeug": OF_WSGI, "werkzeug threads": OF_WSGI,
    "gunicorn": OF_WSGI, "gunicorn eventlet": OF_WSGI,
    "eventlet": {**OF_WSGI, "/late": 500, "/write": 202, "/handled": 503},
    "uvicorn wsgi": {"/": 202, "/boom": 500, "/started": 202, "/twice": 202, "/handled": 202,
                     "/write": 202, "/early": 202, "/late": 202},
    "uvicorn": OF_ASGI,
    "hypercorn": HELD,
}
UNKNOWN = {
    **{(server, "outside"): ("/early", "/late") for server in ("werkzeug", "werkzeug threads")},
    **{(server, "outside"): ("/early",) for server in ("gunicorn", "gunicorn eventlet")},
    ("uvicorn wsgi", "outside"): ("/started", "/early", "/write"),
    ("eventlet", "inside"): ("/late",),
    ("uvicorn wsgi", "inside"): ("/started", "/twice", "/handled", "/write", "/early", "/late"),
    **{(server, way): ("/started", "/bodiless", "/headers")
       for server in ("uvicorn", "hypercorn") for way in ("inside", "outside")},
}
ROUNDS = 3  # what is at the address of a request that is over


@contextlib.contextmanager
def serving(folder, server, **environment):
    """The server; yields (its process, its port)."""
    module = server.split()[0]
    if not importlib.util.find_spec(module):
        pytest.skip("no " + module)
    (folder / "app.py").write_text(APPLICATIONS, "utf-8")
    port = harness.free_port()
    argv = [word.replace("{port}", str(port)) for word in SERVERS[server]]
    process = harness.start([harness.PYTHON, *argv], cwd=folder, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            env=harness.environment(PYTHONDONTWRITEBYTECODE="1", **environment))
    with harness.listening(process, port):
        yield process, port


def ask_all(port, server):
    """Every path; returns how many requests that were."""
    for _ in range(ROUNDS):
        seen = {path: clients.status_of(port, path) for path in CLIENTS[server]}
        assert seen == CLIENTS[server]
    return ROUNDS * len(seen)


def check(events, server, way):
    """One pair each, with what its client saw or with null."""
    asked = [e["path"] for e in events if e["event"] == "HTTP_REQUEST"]
    assert sorted(asked) == sorted(ROUNDS * list(CLIENTS[server]))
    ids = {e["request_id"]: e["path"] for e in events if e["event"] == "HTTP_REQUEST"}
    told = {**CLIENTS[server], **dict.fromkeys(UNKNOWN.get((server, way), ()))}
    answers = [(ids.pop(e["request_id"]), e["status_code"]) for e in events
               if e["event"] == "HTTP_RESPONSE"]
    assert not ids and sorted(answers, key=str) == sorted(ROUNDS * list(told.items()), key=str)


@pytest.mark.parametrize("server", ["gunicorn", "gunicorn eventlet", "eventlet", "uvicorn wsgi",
                                    "uvicorn", "hypercorn"])
def test_inside(package, tmp_path, server):
    """By our wrapper."""
    trace = tmp_path / "t.jsonl"
    with serving(tmp_path, server, INSIDE="1", PYTHONPATH=str(package)) as (_, port):
        count = ask_all(port, server)
        harness.wait_for("the responses", lambda: trace.exists() and
                         trace.read_bytes().count(b'"HTTP_RESPONSE"') >= count)
    check([json.loads(line) for line in trace.read_text().splitlines()], server, "inside")


@pytest.mark.live
@pytest.mark.parametrize("server", SERVERS)
def test_outside(tmp_path, server):
    """By the collector."""
    with serving(tmp_path, server) as (process, port):
        clients.status_of(port, "/")  # so there is a worker
        pid = servers.children(process.pid)[0] if server.startswith("gunicorn") else process.pid
        with harness.Tracer(tmp_path, "-P", "app", "--pid", pid) as tracer:
            tracer.attached()
            count = ask_all(port, server)
            with contextlib.suppress(AssertionError):  # said better below
                harness.wait_for("responses", lambda: tracer.output.read_bytes().count(
                    b'"HTTP_RESPONSE"') >= count, 3)
            assert tracer.stop() == 0
    check(tracer.events(), server, "outside")
