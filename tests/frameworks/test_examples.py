# SPDX-License-Identifier: MIT
"""The examples run as their README says, traced from inside and from outside."""
import asyncio
import contextlib
import http.client
import importlib.util
import json
import shutil
import signal
import subprocess

import harness
import pytest

GUNICORN = ("-m", "gunicorn", "--bind", "127.0.0.1:{port}")
BOTH_WAYS = harness.REPO / "examples" / "both_ways.py"
WAYS = pytest.mark.parametrize(
    "way", [pytest.param("inside"), pytest.param("outside", marks=pytest.mark.live)])
NEEDS = {"flask-advanced": ("flask", "gunicorn"),
         "fastapi-realtime": ("fastapi", "uvicorn", "websockets"), "django-microservice": ("django",)}


class Service:
    """An example that runs. From outside it knows nothing of a request's id."""

    def __init__(self, port, folder, way):
        self.port = port
        self.folder = folder
        self.inside = way == "inside"

    def ask(self, method, path, data=None, **headers):
        """(status, the answer as JSON or text)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=harness.PATIENCE)
        body = None if data is None else json.dumps(data)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            text = answer.read().decode()
            kind = answer.getheader("Content-Type") or ""
            assert bool(answer.getheader("X-Request-ID")) == self.inside
            return answer.status, json.loads(text) if "json" in kind else text
        finally:
            connection.close()

    def is_answered(self):
        """Has every request in the trace its response?"""
        trace = self.folder / "flowtrace.jsonl"
        text = trace.read_text() if trace.exists() else ""
        return text.count('"event": "HTTP_REQUEST"') == text.count('"event": "HTTP_RESPONSE"')

    def events(self):
        """After its end."""
        return [json.loads(line)
                for line in (self.folder / "flowtrace.jsonl").read_text().splitlines()]


def skip_without(example):
    missing = [name for name in NEEDS[example] if not importlib.util.find_spec(name)]
    if missing:
        pytest.skip("no " + ", ".join(missing))


@contextlib.contextmanager
def running(example, way, package, tmp_path, argv, prefix, switch):
    """Starts it in a copy of its folder, and ends it. switch: what turns tracing from inside on."""
    skip_without(example)
    folder = tmp_path / example
    shutil.copytree(harness.REPO / "examples" / example, folder,
                    ignore=shutil.ignore_patterns("__pycache__", "*.db", "*.jsonl"))
    service = Service(harness.free_port(), folder, way)
    before, env = [harness.TRACER, "--prefix", prefix, "--"], {}
    if service.inside:
        before, env = [], {"PYTHONPATH": str(package), switch: "1"}
    log = open(folder / "log", "wb")
    process = harness.start(
        [*before, harness.own_python(), *(word.replace("{port}", str(service.port)) for word in argv)],
        cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        env=harness.environment(PYTHONDONTWRITEBYTECODE="1", **env))
    try:
        harness.wait_for("the example",
                         lambda: harness.answers(service.port) or process.poll() is not None,
                         15)
        assert process.poll() is None, (folder / "log").read_text()[-3000:]
        yield service
        # A client has its answer before the server's function returns.
        harness.wait_for("the responses", service.is_answered)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=harness.PATIENCE)
        last = (folder / "log").read_text().splitlines()[-1:]
        assert service.inside or " 0 lost," in last[0], last
    finally:
        log.close()
        harness.kill_session(process)


def calls_of(events, id_):
    """The functions that were entered for a request; comprehensions are some before 3.12."""
    return [e["function"] for e in events if e["event"] == "ENTER" and
            e.get("request_id") == id_ and not e["function"].startswith("<")]


def check_pairs(events, count):
    """Every request has its response."""
    kinds = [e["event"] for e in events]
    assert kinds.count("HTTP_REQUEST") == kinds.count("HTTP_RESPONSE") == count
    statuses = {e["request_id"]: e["status_code"] for e in events if e["event"] == "HTTP_RESPONSE"}
    assert len(statuses) == count
    return statuses


def id_of(events, path, status):
    """Of the only request for it that was answered so."""
    (found,) = [e["request_id"] for e in events if e["event"] == "HTTP_RESPONSE" and
                (e["path"], e["status_code"]) == (path, status)]
    return found


@WAYS
def test_flask_advanced(way, package, tmp_path):
    """Create, read, change, delete; what is wrong and what is not there."""
    with running("flask-advanced", way, package, tmp_path, GUNICORN + ("--workers", "2", "app:app"),
                 "app", "NOTES_TRACE") as notes:
        note = {"id": 1, "title": "tea", "text": "buy it"}
        sent = {"title": " tea ", "text": "buy it"}
        assert notes.ask("POST", "/notes", sent, **{"X-Request-ID": "new"}) == (201, note)
        assert notes.ask("GET", "/notes/1") == (200, note)
        assert notes.ask("PUT", "/notes/1", {"title": "coffee"})[1]["title"] == "coffee"
        assert notes.ask("GET", "/notes?q=cof")[1][0]["title"] == "coffee"
        assert notes.ask("GET", "/report") == (200, "1 coffee\n")
        assert notes.ask("POST", "/notes", {"title": ""}, **{"X-Request-ID": "bad"})[0] == 400
        assert notes.ask("DELETE", "/notes/1")[0] == 204
        assert notes.ask("GET", "/notes/1")[0] == 404
    events = notes.events()
    statuses = check_pairs(events, 8)
    assert (statuses["new"], statuses["bad"]) == (201, 400)
    gone = id_of(events, "/notes/1", 404)
    assert calls_of(events, "new") == ["post_note", "create_note", "read_note", "change", "database",
                                       "database", "find_note", "query", "database",
                                       "close_database"]
    raised = {(e["request_id"], e["exception"]["type"]) for e in events
              if e["event"] == "EXCEPTION"}
    assert ("bad", "Invalid") in raised and (gone, "NotFound") in raised


@WAYS
def test_fastapi_realtime(way, package, tmp_path):
    """Members talk through real WebSockets, and hear an announcement."""
    with running("fastapi-realtime", way, package, tmp_path,
                 ("-m", "uvicorn", "--log-level", "error", "--port", "{port}", "app:app"),
                 "app", "CHAT_TRACE") as chat:
        asyncio.run(asyncio.wait_for(talk(chat), 30))
        # A member's hanging up is done before the application hears of it.
        asked = []
        harness.wait_for("the room to go", lambda: asked.append(
            chat.ask("GET", "/rooms/tea/messages")[0]) or asked[-1] == 404)
    events = chat.events()
    statuses = check_pairs(events, 3 + len(asked))
    assert statuses["news"] == 200
    assert calls_of(events, "news") == ["announce", "say", "remember", "tell", "deliver", "deliver"]
    entered = [e for e in events if e["event"] == "ENTER"]
    assert {e.get("request_id") for e in entered if e["function"] in ("talk", "listen")} == {None}
    assert sum(e["function"] == "say" for e in entered) == 3


async def talk(chat):
    import websockets

    async def hears(socket, **wanted):
        message = json.loads(await socket.recv())
        assert wanted.items() <= message.items(), message

    base, loop = "ws://127.0.0.1:%d/rooms/tea/" % chat.port, asyncio.get_running_loop()

    def ask(*args, **headers):
        return loop.run_in_executor(None, lambda: chat.ask(*args, **headers))

    async with websockets.connect(base + "ann") as ann:
        await hears(ann, type="joined", name="ann", members=["ann"])
        async with websockets.connect(base + "bob") as bob:
            for member in (ann, bob):
                await hears(member, type="joined", name="bob", members=["ann", "bob"])
            async with websockets.connect(base + "bob") as twin:  # the name is taken
                with pytest.raises(websockets.ConnectionClosed):
                    await twin.recv()
            await ann.send("hello")
            await bob.send("hi")
            for member in (ann, bob):
                heard = [json.loads(await member.recv())["text"] for _ in range(2)]
                assert sorted(heard) == ["hello", "hi"]
            assert (await ask("GET", "/rooms"))[1] == {"tea": ["ann", "bob"]}
            told = await ask("POST", "/rooms/tea/announce?text=news", **{"X-Request-ID": "news"})
            assert told == (200, {"told": 2})
            for member in (ann, bob):
                await hears(member, name="*", text="news")
        await hears(ann, type="left", name="bob", members=["ann"])
        assert len((await ask("GET", "/rooms/tea/messages"))[1]) == 3


@WAYS
def test_django_microservice(way, package, tmp_path):
    """An order that is good, and each that is not."""
    with running("django-microservice", way, package, tmp_path,
                 ("service.py", "runserver", "--noreload", "{port}"), "shop,service,__main__",
                 "SERVICE_TRACE") as shop:
        def buy(product, n, card, id_):
            order = {"product": product, "n": n, "card": card}
            return shop.ask("POST", "/purchase", order, **{"X-Request-ID": id_})

        assert shop.ask("GET", "/price/tea")[1] == {"product": "tea", "cents": 390}
        assert buy("tea", 2, "4111", "good") == (201, {"order": 1, "cents": 780})
        assert buy("gold", 1, "4111", "gold")[0] == 404
        assert buy("saffron", 2, "4111", "much")[1]["message"] == "saffron: 1 left"
        assert buy("tea", 5, "4114", "poor")[0] == 402
        assert shop.ask("POST", "/purchase", [], **{"X-Request-ID": "none"})[0] == 500
        assert shop.ask("GET", "/stock")[1] == "tea 98\ncoffee 100\nsaffron 1\n"
    events = shop.events()
    statuses = check_pairs(events, 7)
    assert {id_: statuses[id_] for id_ in ("good", "gold", "much", "poor", "none")} == {
        "good": 201, "gold": 404, "much": 409, "poor": 402, "none": 500}
    assert calls_of(events, "good")[:3] == ["buy", "purchase", "price_of"]
    assert "load_price" not in calls_of(events, "good")  # it was in the cache
    raised = {(e["request_id"], e["exception"]["type"]) for e in events
              if e["event"] == "EXCEPTION"}
    assert {("gold", "UnknownProduct"), ("much", "OutOfStock"), ("poor", "Declined"),
            ("none", "TypeError")} <= raised


def outline(trace):
    """Of each request: what it was, its answer, and the calls that were made for it."""
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    return sorted((e["method"], e["path"], e["status_code"], *calls_of(events, e["request_id"]))
                  for e in events if e["event"] == "HTTP_RESPONSE")


@pytest.mark.live
@pytest.mark.parametrize("example", NEEDS)
def test_both_ways(example, package, tmp_path):
    """The one command; its traces say the same."""
    skip_without(example)
    _, out, _ = harness.run([harness.PYTHON, "-B", BOTH_WAYS, example, tmp_path], check=0)
    inside, outside = outline(tmp_path / "inside.jsonl"), outline(tmp_path / "outside.jsonl")
    assert inside == outside and len(inside) == (1 if example == "fastapi-realtime" else 7)
    for method, path, status, *calls in inside:
        assert calls and "%s %s %d" % (method, path, status) in " ".join(out.split()), out
    readme = (harness.REPO / "examples" / example / "README.md").read_text()
    assert "sudo ../both_ways.py %s\n" % example in readme


def test_both_ways_wants_an_example():
    """Wrong usage."""
    status, _, errors = harness.run([harness.PYTHON, "-B", BOTH_WAYS, "shop"])
    assert status == 2 and "EXAMPLE is" in errors
