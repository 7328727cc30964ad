# SPDX-License-Identifier: MIT
"""Django, without and with a loop."""
import asyncio
import io
import os
import tempfile

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from flowtrace_agent import stop_tracing
from flowtrace_agent.frameworks.wsgi import FlowTraceMiddleware
from pairs import tracing
from support import events, raises

settings.configure(
    ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None,
    MIDDLEWARE=["flowtrace_agent.frameworks.django.FlowTraceMiddleware"])
django.setup()


def helper(text):
    return text


def view(request, name):
    return HttpResponse(helper(request.flowtrace_request_id + " " + name))


async def aview(request, name):
    await asyncio.sleep(0)
    return HttpResponse(helper(request.flowtrace_request_id + " " + name))


def fails(request):
    raise ValueError(helper("x"))


def stream(request):
    def parts():
        for i in range(3):
            yield helper(str(i))
    return StreamingHttpResponse(parts(), status=202)


def file(request):
    file = tempfile.TemporaryFile()
    file.write(b"data")
    file.seek(0)
    return FileResponse(file)


urlpatterns = [path("view/<name>", view), path("aview/<name>", aview), path("fails", fails),
               path("stream", stream), path("file", file)]


def ask(path_, loop):
    """Without, or with a loop."""
    if not loop:
        client = Client(raise_request_exception=False)
        return client.get(path_, HTTP_X_REQUEST_ID="mine", HTTP_USER_AGENT="check/1")
    client = AsyncClient(raise_request_exception=False)
    return asyncio.run(client.get(path_, **{"X-Request-ID": "mine", "User-Agent": "check/1"}))


def check_every_kind_of_answer():
    for loop in (False, True):
        for path_, status in (("/view/a?b=c", 200), ("/aview/a", 200), ("/fails", 500),
                              ("/nowhere", 404), ("/stream", 202), ("/file", 200)):
            with tracing() as t:
                answer = ask(path_, loop)
                assert answer.status_code == status, (path_, loop)
                assert answer["X-Request-ID"] == "mine"
                data = b"".join(answer.streaming_content) if answer.streaming else answer.content
                answer.close()
            request, response = t.pair()
            assert (request["path"], response["status_code"]) == (path_.partition("?")[0], status)
            assert request["user_agent"] == "check/1"
            calls = t.calls()
            assert calls.get("helper", {"mine"}) == {"mine"}, (path_, loop, calls)
            assert data == {"/view/a?b=c": b"mine a", "/aview/a": b"mine a", "/stream": b"012",
                            "/file": b"data"}.get(path_, data)


def check_errors_that_are_passed_on():
    with tracing() as t:
        raises(ValueError, Client().get, "/fails")
    assert t.status() == 500


def check_around_django():
    """The wrapper outside has it all; a view finds the same id."""
    app = FlowTraceMiddleware(get_wsgi_application())
    with tracing() as t:
        started = []
        body = app({"REQUEST_METHOD": "GET", "PATH_INFO": "/view/a", "SERVER_NAME": "x",
                    "SERVER_PORT": "80", "wsgi.input": io.BytesIO(), "HTTP_X_REQUEST_ID": "outer"},
                   lambda status, headers: started.append(dict(headers)))
        assert b"".join(body) == b"outer a"
        body.close()
    assert t.status() == 200 and started[0]["X-Request-ID"] == "outer"


def check_a_client_that_does_not_wait():
    async def slow(request):
        await asyncio.sleep(10)

    async def main():
        from flowtrace_agent.frameworks.django import FlowTraceMiddleware as Middleware
        from django.test import AsyncRequestFactory
        middleware = Middleware(slow)
        assert asyncio.iscoroutinefunction(middleware)
        await asyncio.wait_for(middleware(AsyncRequestFactory().get("/x")), 0.05)

    with tracing() as t:
        try:
            asyncio.run(main())
            raise AssertionError("not cancelled")
        except asyncio.TimeoutError:
            pass
    assert t.status() == 499


def check_the_environment_is_enough():
    os.environ["FLOWTRACE_LOGFILE"] = os.path.abspath("env.jsonl")
    try:
        get_asgi_application()
        assert Client().get("/view/a").status_code == 200
    finally:
        del os.environ["FLOWTRACE_LOGFILE"]
    stop_tracing()
    found = [e["event"] for e in events("env.jsonl")]
    assert found.count("HTTP_REQUEST") == found.count("HTTP_RESPONSE") == 1
