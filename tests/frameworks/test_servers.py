# SPDX-License-Identifier: MIT
"""Real servers under load: every request is in the trace as its client saw it, and the calls that
were made for it have its id.
"""
import collections
import concurrent.futures
import http.client
import importlib.util
import json
import signal
import socket
import subprocess
import time

import harness
import intree
import pytest
import server_table

REQUESTS = 200
AT_ONCE = 8

GUNICORN = ("-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "2", "-k")
UVICORN = ("-m", "uvicorn", "--log-level", "error", "--port", "{port}")
SERVERS = {
    "gunicorn sync": GUNICORN + ("sync",),
    "gunicorn preload": GUNICORN + ("sync", "--preload"),  # the workers are forked from a trace
    "gunicorn gthread": GUNICORN + ("gthread", "--threads", "4"),
    "gunicorn uvicorn": GUNICORN + ("uvicorn.workers.UvicornWorker",),
    "uvicorn": UVICORN,  # with uvloop and httptools where they are
    "uvicorn h11": UVICORN + ("--loop", "asyncio", "--http", "h11"),
    "runserver": ("-m", "django", "runserver", "--noreload", "{port}"),
    "wsgiref": ("-c", "from web import plain; plain.serve({port})"),
}
APPLICATIONS = {"Flask": ("web.on_flask:app", "flask"), "FastAPI": ("web.on_fastapi:app", "fastapi"),
                "Starlette": ("web.on_starlette:app", "starlette"),
                "Django": ("web.on_django:app", "django"),
                "Django ASGI": ("web.on_django:asgi", "django"),
                "WSGI": ("web.plain:app", "json"), "ASGI": ("web.plain:asgi", "json")}
PAIRS = [
    *(("gunicorn sync", name) for name in ("Flask", "Django", "WSGI")),
    ("gunicorn preload", "Flask"),
    *(("gunicorn gthread", name) for name in ("Flask", "Django")),
    *(("gunicorn uvicorn", name) for name in ("FastAPI", "Starlette", "Django ASGI")),
    *(("uvicorn", name) for name in ("FastAPI", "Starlette", "ASGI")),
    ("uvicorn h11", "FastAPI"), ("runserver", "Django"), ("wsgiref", "WSGI"),
]

Seen = collections.namedtuple("Seen", "n method path given status id body")


def why_not(server, framework):
    """What is missing."""
    needed = {APPLICATIONS[framework][1]} | {word for word in ("gunicorn", "uvicorn")
                                             if word in server}
    missing = [name for name in sorted(needed) if not importlib.util.find_spec(name)]
    return missing and "no " + ", ".join(missing)


@pytest.fixture(scope="module")
def package():
    """For the system's Python."""
    system = harness.Interpreter("system")
    why = intree.build([system])[system]
    if isinstance(why, intree.LeftOut):
        pytest.skip(str(why))
    assert why is None, str(why)
    return intree.BUILD / "system"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def start(server, framework, package, folder):
    """Returns (process, port)."""
    port = free_port()
    argv = [word.replace("{port}", str(port)) for word in SERVERS[server]]
    if "gunicorn" in server or "uvicorn" in server:
        argv.append(APPLICATIONS[framework][0])
    env = harness.environment(
        PYTHONPATH="%s:%s" % (package, harness.TARGETS), PYTHONDONTWRITEBYTECODE="1",
        FLOWTRACE_LOGFILE=str(folder / "t.jsonl"), FLOWTRACE_PACKAGE_PREFIX="web",
        DJANGO_SETTINGS_MODULE="web.on_django")
    with open(folder / "log", "wb") as log:
        process = harness.start([harness.PYTHON, *argv], env=env, cwd=folder, stdout=log,
                                stderr=log, stdin=subprocess.DEVNULL)
    try:
        harness.wait_for("the server", lambda: answers(port) or process.poll() is not None, 15)
        assert process.poll() is None, (folder / "log").read_text()[-3000:]
    except BaseException:
        harness.kill_session(process)
        raise
    return process, port


def ask(port, n):
    """One request: 5 % errors, 5 % streams, a tenth with a body, half with an id of their own."""
    kind = {0: "err", 1: "stream"}.get(n % 20, "ok")
    method = "POST" if n % 10 == 2 else "GET"
    path, given = "/%s/%d" % (kind, n), "c-%d" % n if n % 2 or n % 3 == 0 else None
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path + "?secret=%d" % n, b"x=1" if method == "POST" else None,
                           {"X-Request-ID": given} if given else {})
        answer = connection.getresponse()
        return Seen(n, method, path, given, answer.status, answer.getheader("X-Request-ID"),
                    answer.read())
    finally:
        connection.close()


def check_answers(seen):
    """What the clients saw is right."""
    for one in seen:
        kind = one.path.split("/")[1]
        assert one.status == (500 if kind == "err" else 200), one
        if kind == "ok":
            assert one.body.decode() == "%d %s" % (one.n, one.id)
        elif kind == "stream":
            assert one.body == b"".join(b"%d.%d\n" % (one.n, i) for i in range(3))
        assert not one.given or one.id in (one.given, None), one


def compare(seen, events):
    """The trace against the clients' log; returns the cells of the table."""
    requests = {e["request_id"]: e for e in events if e["event"] == "HTTP_REQUEST"}
    responses = {e["request_id"]: e for e in events if e["event"] == "HTTP_RESPONSE"}
    kinds = collections.Counter(e["event"] for e in events)
    assert kinds["HTTP_REQUEST"] == kinds["HTTP_RESPONSE"] == len(requests) == len(responses)
    by_path = {e["path"]: e for e in requests.values()}
    assert len(by_path) == len(requests) == REQUESTS
    as_seen = ids = 0
    for one in seen:
        request = by_path[one.path]
        response = responses[request["request_id"]]
        assert (request["method"], response["method"]) == (one.method,) * 2
        assert response["path"] == one.path and response["status_code"] == one.status, response
        assert response["pid"] == request["pid"] and request["remote_addr"] == "127.0.0.1"
        assert not one.given or request["request_id"] == one.given
        as_seen += 1
        ids += one.id == request["request_id"]
        # An answer to what no framework caught is the server's own, without our header.
        assert one.id == request["request_id"] or (one.id is None and one.status == 500), one
    return requests, len(responses), as_seen, ids


def check_calls(seen, events, requests):
    """Every call that a request was handled with has its id; returns how many."""
    id_of = {int(e["path"].split("/")[2]): id_ for id_, e in requests.items()}
    wanted = {"answer": 1, "fail": 1, "parts": 1, "aparts": 1}
    found = collections.Counter()
    for event in events:
        if event["event"] == "ENTER" and event["function"] in (*wanted, "helper"):
            n = json.loads(event["args"])["n"]
            assert event["request_id"] == id_of[n], event
            found[n, event["function"] == "helper"] += 1
    spans = {e["span"]: e["request_id"] for e in events if e["event"] == "ENTER" and "request_id" in e}
    for event in events:
        if event["event"] in ("EXIT", "EXCEPTION"):
            assert event.get("request_id") == spans.get(event["span"]), event
    for one in seen:
        assert found[one.n, False] == 1, one
        assert found[one.n, True] == (3 if "stream" in one.path else 1), one
    return sum(found.values())


@pytest.mark.parametrize("server, framework", PAIRS, ids=lambda name: name.replace(" ", "-"))
def test_server(server, framework, package, tmp_path):
    """Everything of 200 requests, 8 at once."""
    reason = why_not(server, framework)
    if reason:
        pytest.skip(reason)
    began = time.monotonic()
    process, port = start(server, framework, package, tmp_path)
    try:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            seen = list(pool.map(lambda n: ask(port, n), range(REQUESTS)))
        # Without its reloader, runserver has no handler for SIGTERM.
        process.send_signal(signal.SIGINT if server == "runserver" else signal.SIGTERM)
        process.wait(timeout=20)
    finally:
        harness.kill_session(process)
    check_answers(seen)
    lines = (tmp_path / "t.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert not any(e["event"] == "LOST" for e in events)
    requests, pairs, as_seen, ids = compare(seen, events)
    calls = check_calls(seen, events, requests)
    server_table.ROWS[server, framework] = (
        len(seen), pairs, as_seen, calls, ids, sum(one.status == 500 for one in seen),
        sum("stream" in one.path for one in seen), "%.1f" % (time.monotonic() - began))
