# SPDX-License-Identifier: MIT
"""A project in one module; its settings too. `app` is WSGI, `asgi` what it says."""
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.on_django")
SECRET_KEY = "x"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "web.on_django"
WSGI_APPLICATION = "web.on_django.app"
LOGGING_CONFIG = None
MIDDLEWARE = ["flowtrace_agent.frameworks.django.FlowTraceMiddleware"]


def ok(request, n):
    from django.http import HttpResponse
    return HttpResponse(work.answer(n, request.flowtrace_request_id))


def err(request, n):
    work.fail(n)


def stream(request, n):
    from django.http import StreamingHttpResponse
    return StreamingHttpResponse(work.parts(n))


from django.urls import path  # noqa: E402
from web import work  # noqa: E402

urlpatterns = [path("ok/<int:n>", ok), path("err/<int:n>", err), path("stream/<int:n>", stream)]


def __getattr__(name):
    """Made when a server asks for it: this module is read for its settings first."""
    if name == "app":
        from django.core.wsgi import get_wsgi_application
        return get_wsgi_application()
    if name == "asgi":
        from django.core.asgi import get_asgi_application
        return get_asgi_application()
    raise AttributeError(name)
