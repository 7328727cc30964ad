# SPDX-License-Identifier: MIT
"""Flask: the defects of other integrations, each looked for."""
import contextlib
import os
import time
import warnings

from flask import Flask, Response, abort, g, request, send_file, stream_with_context
from flowtrace_agent import Config, start_tracing, stop_tracing
from flowtrace_agent._run import RUN
from flowtrace_agent.frameworks.flask import init_flowtrace
from pairs import UUID4, tracing
from support import events, raises


def helper(text):
    return text


def make(config=None):
    """An application with a bit of everything."""
    app = Flask("on_flask")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        init_flowtrace(app, config)

    @app.before_request
    def stop():
        if request.args.get("stop"):
            abort(403)

    @app.route("/hello/<name>", methods=["GET", "POST"])
    def hello(name):
        assert abs(g.flowtrace_start_time - time.time()) < 10
        return helper(g.flowtrace_request_id + " " + name)

    @app.route("/fails")
    def fails():
        raise ValueError(helper("x"))

    @app.route("/stream")
    def stream():
        def parts():
            for i in range(3):
                yield helper(str(i))
        return Response(stream_with_context(parts()))

    @app.route("/file")
    def file():
        return send_file(os.path.abspath(__file__))

    return app


def times_open(path):
    """A Debian root has no /proc that would tell."""
    log, found = os.stat(path), 0
    for fd in range(256):
        with contextlib.suppress(OSError):
            found += os.path.samestat(os.fstat(fd), log)
    return found


def check_requests():
    with tracing() as t:
        client = make().test_client()
        answer = client.get("/hello/x?y=1", headers={"X-Request-ID": "mine"})
        assert answer.text == "mine x" and answer.headers["X-Request-ID"] == "mine"
    request_, response = t.pair()
    assert (request_["method"], request_["path"], response["status_code"]) == (
        "GET", "/hello/x", 200)
    assert t.calls()["helper"] == t.calls()["hello"] == {"mine"}


def check_every_kind_of_answer():
    for method, path, status in (
            ("GET", "/hello/x?stop=1", 403), ("GET", "/fails", 500), ("GET", "/nowhere", 404),
            ("DELETE", "/hello/x", 405), ("HEAD", "/hello/x", 200), ("OPTIONS", "/hello/x", 200),
            ("POST", "/hello/x", 200), ("GET", "/stream", 200), ("GET", "/file", 200)):
        with tracing() as t:
            app = make()
            app.logger.disabled = True
            answer = app.test_client().open(path, method=method)
            assert answer.status_code == status
            assert answer.headers["X-Request-ID"] == t_id(answer)
            answer.get_data()
            answer.close()
        request_, response = t.pair()
        assert (request_["method"], request_["path"]) == (method, path.partition("?")[0])
        assert response["status_code"] == status
        assert set().union(*t.calls().values()) - {None} <= {request_["request_id"]}


def t_id(answer):
    assert UUID4.fullmatch(answer.headers["X-Request-ID"])
    return answer.headers["X-Request-ID"]


def check_errors_that_are_passed_on():
    with tracing() as t:
        app = make()
        app.testing = True
        raises(ValueError, app.test_client().get, "/fails")
    assert t.status() == 500


def check_streams_belong_to_their_request():
    with tracing() as t:
        answer = make().test_client().get("/stream", buffered=False)
        assert answer.get_data() == b"012"
    assert t.calls()["helper"] == t.calls()["parts"] == {t.pair()[0]["request_id"]}
    order = [e["event"] for e in t.events if e["event"].startswith("HTTP") or
             e["function"] == "helper"]
    assert order[-1] == "HTTP_RESPONSE"


def check_many_requests_one_log():
    """It stays on after the first, and is opened once."""
    app = make(Config(logfile="many.jsonl", package_prefix="on_flask"))
    for _ in range(20):
        app.test_client().get("/hello/x")
        assert times_open("many.jsonl") == 1
    init_flowtrace(app)
    assert app.test_client().get("/hello/x").status_code == 200
    stop_tracing()
    found = events("many.jsonl")
    assert len([e for e in found if e["event"] == "HTTP_RESPONSE"]) == 21
    assert len([e for e in found if e["event"] == "ENTER" and e["function"] == "hello"]) == 21


def check_it_can_be_started_again():
    app = make(Config(logfile="first.jsonl"))
    app.test_client().get("/hello/x")
    stop_tracing()
    app.test_client().get("/hello/x")
    start_tracing(Config(logfile="second.jsonl"))
    app.test_client().get("/hello/x")
    stop_tracing()
    init_flowtrace(app, Config(logfile="third.jsonl"))
    app.test_client().get("/hello/x")
    stop_tracing()
    for name in ("first", "second", "third"):
        found = [e["event"] for e in events(name + ".jsonl")]
        assert found.count("HTTP_REQUEST") == found.count("HTTP_RESPONSE") == 1, name


def check_a_trace_that_is_on_stays():
    start_tracing(Config(logfile="own.jsonl"))
    tracer = RUN.tracer
    make(Config(logfile="other.jsonl"))
    assert RUN.tracer is tracer and not os.path.exists("other.jsonl")


def check_the_environment():
    os.environ["FLOWTRACE_LOGFILE"] = "env.jsonl"
    try:
        make().test_client().get("/hello/x")
    finally:
        del os.environ["FLOWTRACE_LOGFILE"]
    stop_tracing()
    assert len([e for e in events("env.jsonl") if e["event"] == "HTTP_REQUEST"]) == 1


def check_after_it_has_served():
    app = Flask("on_flask")
    app.route("/")(lambda: g.get("flowtrace_request_id", "none"))
    client = app.test_client()
    assert client.get("/").text == "none"
    with tracing() as t:
        init_flowtrace(app)
        assert client.get("/", headers={"X-Request-ID": "1"}).text == "1"
        assert UUID4.fullmatch(client.get("/").text)
    assert len(t.of("HTTP_RESPONSE")) == 2
