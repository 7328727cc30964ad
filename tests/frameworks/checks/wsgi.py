# SPDX-License-Identifier: MIT
"""Around a WSGI application: every request has its response, whatever way it ends."""
import contextvars
import gc
import io
import sys
import threading
import urllib.request
import weakref
import wsgiref.simple_server
import wsgiref.util
import wsgiref.validate

from flowtrace_agent import Config, start_tracing, stop_tracing
from flowtrace_agent.frameworks.wsgi import FlowTraceMiddleware
from pairs import UUID4, tracing
from support import events, raises


def environ(path="/x", **more):
    """Of a request."""
    made = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "REMOTE_ADDR": "10.0.0.1",
            "HTTP_USER_AGENT": "check/1", "QUERY_STRING": "secret=1", "SCRIPT_NAME": "",
            **more}
    wsgiref.util.setup_testing_defaults(made)
    return made


class Server:
    """As much of one as PEP 3333 asks for."""

    def __init__(self, app, **more):
        self.environ = environ(**more)
        self.starts, self.written = [], b""
        self.body = app(self.environ, self.start_response)

    def start_response(self, status, headers, exc_info=None):
        if self.starts and not exc_info:
            raise AssertionError("called twice")
        self.starts.append((status, headers))
        return self.write

    def write(self, data):
        self.written += data

    def read(self):
        """Everything, as a server does."""
        try:
            return self.written + b"".join(self.body)
        finally:
            if hasattr(self.body, "close"):
                self.body.close()

    def header(self, name):
        return [v for n, v in self.starts[-1][1] if n.lower() == name]


def helper():
    return 1


def simple(environ, start_response):
    helper()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def streamed(environ, start_response):
    start_response("201 Created", [])

    def body():
        for part in (b"", b"a", b"b"):
            helper()
            yield part
    return body()


def generator(environ, start_response):
    helper()
    start_response("202 Accepted", [])
    yield b"x"
    helper()
    yield b"y"


def check_a_pair():
    with tracing() as t:
        app = FlowTraceMiddleware(simple)
        assert app.app is simple
        server = Server(app)
        assert len(server.body) == 1
        assert server.read() == b"hello"
    request, response = t.pair()
    assert UUID4.fullmatch(request["request_id"])
    assert [request[key] for key in ("method", "path", "remote_addr", "user_agent")] == [
        "GET", "/x", "10.0.0.1", "check/1"]
    assert response["status_code"] == 200
    assert server.environ["flowtrace.request_id"] == request["request_id"]
    assert server.header("x-request-id") == [request["request_id"]]
    assert server.header("content-type") == ["text/plain"]
    assert t.calls()["helper"] == t.calls()["simple"] == {request["request_id"]}


def check_the_fields_of_a_call():
    with tracing() as t:
        Server(FlowTraceMiddleware(simple)).read()
    for event in t.of("ENTER") + t.of("EXIT"):
        if event.get("request_id"):
            assert list(event)[-2:] == ["parent", "request_id"]


def check_its_id():
    def ask(given):
        with tracing() as t:
            server = Server(FlowTraceMiddleware(simple), HTTP_X_REQUEST_ID=given)
            server.read()
        assert t.pair()[0]["request_id"] == server.header("x-request-id")[0]
        assert t.calls()["helper"] == {t.pair()[0]["request_id"]}
        return t.pair()[0]["request_id"]

    for given in ("a", "caller-7/\"x\"", "x" * 200, "caf\xe9"):
        assert ask(given) == given
    for given in ("", "x" * 201, "a\x01b", "a\r\nX: y", "\u20ac"):
        assert UUID4.fullmatch(ask(given)), given


def check_the_application_returns_its_own():
    def app(environ, start_response):
        start_response("200 OK", [("x-request-id", "mine")])
        return []

    with tracing():
        server = Server(FlowTraceMiddleware(app))
        server.read()
    assert server.header("x-request-id") == ["mine"]


def check_paths():
    def path(**more):
        with tracing() as t:
            Server(FlowTraceMiddleware(simple), **more).read()
        return t.pair()[0]["path"]

    assert path(path="/a/b") == "/a/b"
    assert path(path="/b", SCRIPT_NAME="/a") == "/a/b"
    assert path(path="/caf\xc3\xa9") == "/caf\u00e9"
    assert path(path="/\xff") == "/\ufffd"
    assert path(path="/\u20ac") == "/\u20ac"
    assert path(path="/a\x00b") == "/a\x00b"
    assert path(path="/" + "x" * 2000) == "/" + "x" * 1020 + "..."
    assert path(path="/\U0001f600" * 1000)[:1021] == ("/\U0001f600" * 1000)[:1021]


def check_what_is_not_known():
    def app(environ, start_response):
        start_response("204 No Content", [])
        return []

    with tracing() as t:
        body = FlowTraceMiddleware(app)({}, lambda *args: None)
        assert list(body) == []
    request, response = t.pair()
    assert [request[key] for key in ("method", "path", "remote_addr", "user_agent")] == [None] * 4
    assert response["status_code"] == 204


def check_streamed_bodies():
    for app, status, want in ((streamed, 201, b"ab"), (generator, 202, b"xy")):
        with tracing() as t:
            server = Server(FlowTraceMiddleware(app))
            assert not hasattr(type(server.body), "__len__")
            raises(TypeError, len, server.body)
            assert iter(server.body) is server.body
            assert server.read() == want
        assert t.status() == status
        assert t.calls()["helper"] == {t.pair()[0]["request_id"]}
        kinds = [e["event"] for e in t.events if e["event"].startswith("HTTP") or
                 e["function"] == "helper"]
        assert kinds[0] == "HTTP_REQUEST" and kinds[-1] == "HTTP_RESPONSE"


def check_the_client_is_gone():
    closed = []

    class Body:
        def __iter__(self):
            return iter([b"a", b"b"])

        def close(self):
            closed.append(helper())

    def app(environ, start_response):
        start_response("200 OK", [])
        return Body()

    with tracing() as t:
        server = Server(FlowTraceMiddleware(app))
        assert next(server.body) == b"a"
        server.body.close()
        server.body.close()
    assert t.status() == 200 and closed == [1, 1]
    assert t.calls()["helper"] == {t.pair()[0]["request_id"]}
    with tracing() as t:  # before there is a status
        Server(FlowTraceMiddleware(generator)).body.close()
    assert t.status() == 499
    for parts, status in ((1, None), (2, 201)):  # nobody closes it; the first part is empty
        with tracing() as t:
            server = Server(FlowTraceMiddleware(streamed))
            for _ in range(parts):
                next(server.body)
            del server
            gc.collect()
        assert t.status() == status


def check_errors():
    def before(environ, start_response):
        raise ValueError("x")

    def said(environ, start_response):
        start_response("200 OK", [])
        raise ValueError("x")

    def written(environ, start_response):
        start_response("203 Non", [])(b"a")
        raise ValueError("x")

    for app, status in ((before, 500), (said, 500), (written, 203)):
        with tracing() as t:
            why = raises(ValueError, Server, FlowTraceMiddleware(app))
            assert why.__traceback__ is not None
        assert t.status() == status, app

    def early(environ, start_response):
        start_response("200 OK", [])
        yield b""
        raise ValueError("x")

    def late(environ, start_response):
        start_response("200 OK", [])
        yield b"a"
        raise ValueError("x")

    for app, status in ((early, None), (late, 200)):
        with tracing() as t:
            raises(ValueError, Server(FlowTraceMiddleware(app)).read)
        assert t.status() == status, app

    with tracing() as t:
        raises(TypeError, Server(FlowTraceMiddleware(lambda e, s: 7)).read)
    assert t.status() == 499


def check_start_response_twice():
    def app(environ, start_response):
        start_response("200 OK", [])
        try:
            raise ValueError("x")
        except ValueError:
            start_response("503 Down", [("A", "b")], sys.exc_info())
        return [b"down"]

    def sent(environ, start_response):
        start_response("200 OK", [])
        try:
            start_response("503 Down", [])
        except AssertionError:
            pass
        return [b"up"]

    for made, status in ((app, 503), (sent, 200)):
        with tracing() as t:
            server = Server(FlowTraceMiddleware(made))
            server.read()
        assert t.status() == status
        assert len(server.header("x-request-id")) == 1


class NoWrite(Server):
    """It gives no write(), as servers of ASGI."""

    def start_response(self, status, headers, exc_info=None):
        self.starts.append((status, headers))


def check_servers_without_write():
    def twice(environ, start_response):
        simple(environ, start_response)
        start_response("503 Down", [])
        return [b"down"]

    def writes(environ, start_response):
        start_response("202 Accepted", [])(b"a")

    def late(environ, start_response):
        start_response("200 OK", [])
        yield b"a"
        raise ValueError("x")

    for app, status, error in ((simple, 200, None), (streamed, 201, None), (twice, None, None),
                               (writes, None, TypeError), (late, None, ValueError)):
        with tracing() as t:
            if error:
                raises(error, lambda app=app: NoWrite(FlowTraceMiddleware(app)).read())
            else:
                NoWrite(FlowTraceMiddleware(app)).read()
        assert t.status() == status, app


def check_write():
    def app(environ, start_response):
        write = start_response("200 OK", [])
        write(b"a")
        write(b"b")
        return [b"c"]

    with tracing() as t:
        assert Server(FlowTraceMiddleware(app)).read() == b"abc"
    assert t.status() == 200


def check_files_go_through():
    class Wrapper:
        def __init__(self, file):
            self.file = file

        def __iter__(self):
            return iter(self.file)

    def app(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"data"))

    with tracing() as t:
        server = Server(FlowTraceMiddleware(app), **{"wsgi.file_wrapper": Wrapper})
        assert type(server.body) is Wrapper
        assert server.read() == b"data"
    assert t.status() == 200


def check_one_pair_when_wrapped_twice():
    with tracing() as t:
        assert Server(FlowTraceMiddleware(FlowTraceMiddleware(simple))).read() == b"hello"
    assert t.status() == 200


def check_an_environ_that_is_used_again():
    with tracing() as t:
        app, made = FlowTraceMiddleware(simple), environ()
        for _ in range(3):
            list(app(made, lambda *args: None))
    assert len(t.of("HTTP_RESPONSE")) == 3


def check_the_context():
    """Threads that run in the context of a request belong to it; others do not."""
    def app(environ, start_response):
        context = contextvars.copy_context()
        threads = [threading.Thread(target=context.run, args=(inside,)),
                   threading.Thread(target=lambda: outside())]
        for thread in threads:
            thread.start()
            thread.join()
        start_response("200 OK", [])
        return []

    def inside():
        helper()

    def outside():
        pass

    def after():
        pass

    with tracing() as t:
        Server(FlowTraceMiddleware(app)).read()
        after()
    id_ = t.pair()[0]["request_id"]
    calls = t.calls()
    assert calls["inside"] == calls["helper"] == {id_}
    assert calls["after"] == {None}
    if sys.version_info < (3, 14):  # from there on a build may let threads inherit it
        assert calls["outside"] == {None}


def check_calls_after_the_response():
    contexts = []

    def app(environ, start_response):
        contexts.append(contextvars.copy_context())
        start_response("200 OK", [])
        return []

    with tracing() as t:
        Server(FlowTraceMiddleware(app)).read()
        contexts.pop().run(helper)
        helper()
    id_ = t.pair()[0]["request_id"]
    assert t.calls()["helper"] == {id_, None}


def check_runs_and_requests():
    """A request is in a trace as a whole or not at all."""
    app = FlowTraceMiddleware(streamed)
    stop_tracing()
    server = Server(app)
    assert server.header("x-request-id")
    with tracing() as t:
        assert server.read() == b"ab"
    assert not t.of("HTTP_REQUEST") and not t.of("HTTP_RESPONSE")
    assert t.calls()["helper"] == {None}
    with tracing() as t:
        begun = Server(app)
        assert next(begun.body) == b""
        Server(app).read()
        begun.read()
    assert len(t.of("HTTP_RESPONSE")) == 2
    start_tracing(Config(logfile="u.jsonl", package_prefix="wsgi"))
    begun = Server(app)
    stop_tracing()
    begun.read()
    assert [e["event"] for e in events("u.jsonl") if e["event"].startswith("HTTP")] == [
        "HTTP_REQUEST"]


def check_it_starts_tracing():
    """Once, and never in the place of a trace that is on."""
    from flowtrace_agent._run import RUN
    FlowTraceMiddleware(simple, Config(logfile="one.jsonl"))
    tracer = RUN.tracer
    FlowTraceMiddleware(simple, Config(logfile="two.jsonl"))
    assert RUN.tracer is tracer
    stop_tracing()
    app = FlowTraceMiddleware(simple, Config(logfile="two.jsonl"))
    Server(app).read()
    stop_tracing()
    assert len(events("two.jsonl")) >= 2 and not events("one.jsonl")


def check_no_frame_is_added():
    def app(environ, start_response):
        frame, names = sys._getframe(), []
        while frame:
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        start_response("200 OK", [])
        return [",".join(names).encode()]

    with tracing():
        plain = Server(app).read()
        assert Server(FlowTraceMiddleware(app)).read() == plain


def check_nothing_is_kept():
    class App:
        def __call__(self, environ, start_response):
            start_response("200 OK", [])
            return [b""]

    with tracing():
        app = App()
        app.wrapped = FlowTraceMiddleware(app)
        Server(app.wrapped).read()
        gone = weakref.ref(app)
        del app
        gc.collect()
        assert gone() is None
        before = sys.getrefcount(simple)
        wrapped = FlowTraceMiddleware(simple)
        for _ in range(100):
            Server(wrapped).read()
        del wrapped
        gc.collect()
        assert sys.getrefcount(simple) <= before + 1


def check_wrong_use():
    raises(TypeError, FlowTraceMiddleware, 7, says="not callable")
    raises(TypeError, FlowTraceMiddleware)
    raises(TypeError, FlowTraceMiddleware(simple), {})
    raises(TypeError, FlowTraceMiddleware(simple), {}, None)


def check_validator():
    """wsgiref.validate on both sides."""
    with tracing() as t:
        app = wsgiref.validate.validator(FlowTraceMiddleware(wsgiref.validate.validator(simple)))
        made = environ()
        body = app(made, lambda *args: lambda data: None)
        assert list(iter(body)) == [b"hello"]
        body.close()
    assert t.status() == 200


def check_wsgiref():
    class Quiet(wsgiref.simple_server.WSGIRequestHandler):
        def log_message(self, *args):
            pass

    with tracing() as t:
        server = wsgiref.simple_server.make_server("127.0.0.1", 0, FlowTraceMiddleware(simple),
                                                   handler_class=Quiet)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        asked = urllib.request.Request("http://127.0.0.1:%d/a%%20b?c=d" % server.server_port,
                                       headers={"X-Request-ID": "one"})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert answer.read() == b"hello" and answer.headers["X-Request-ID"] == "one"
        thread.join()
        server.server_close()
    request, response = t.pair()
    assert (request["request_id"], request["path"]) == ("one", "/a b")
    assert request["remote_addr"] == "127.0.0.1" and response["status_code"] == 200
