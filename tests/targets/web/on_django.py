# SPDX-License-Identifier: MIT
"""A project in one module; its settings too. `app` is WSGI, `asgi` what it says."""
import os
import time

from web import TRACED

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.on_django")
SECRET_KEY = "x"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "web.on_django"
WSGI_APPLICATION = "web.on_django.app"
LOGGING_CONFIG = None
MIDDLEWARE = ["flowtrace_agent.frameworks.django.FlowTraceMiddleware"] if TRACED else []


def text(n, began, request):
    from django.http import HttpResponse
    id_ = getattr(request, "flowtrace_request_id", None)
    return HttpResponse(work.answer(n, began, id_))


def ok(request, n):
    began = time.monotonic_ns()
    time.sleep(0.001)
    return text(n, began, request)


def err(request, n):
    work.fail(n)


def stream(request, n):
    from django.http import StreamingHttpResponse
    return StreamingHttpResponse(work.parts(n))


def threads(request, n):
    began = time.monotonic_ns()
    work.run_thread(n)
    return text(n, began, request)


async def tasks(request, n):
    began = time.monotonic_ns()
    await work.run_tasks(n)
    return text(n, began, request)


from django.urls import path  # noqa: E402
from web import work  # noqa: E402

urlpatterns = [path("%s/<int:n>" % view.__name__, view)
               for view in (ok, err, stream, threads, tasks)]


def __getattr__(name):
    """Made when a server asks for it: this module is read for its settings first."""
    if name == "app":
        from django.core.wsgi import get_wsgi_application
        return get_wsgi_application()
    if name == "asgi":
        from django.core.asgi import get_asgi_application
        return get_asgi_application()
    raise AttributeError(name)
