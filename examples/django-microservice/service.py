#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The service: settings, views and commands. SERVICE_TRACE=1 traces it from inside."""
import json
import os
import sys

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse, StreamingHttpResponse

if os.environ.get("SERVICE_TRACE"):
    os.environ.setdefault("FLOWTRACE_PACKAGE_PREFIX", "shop,service,__main__")
    MIDDLEWARE = ["flowtrace_agent.frameworks.django.FlowTraceMiddleware"]
else:
    MIDDLEWARE = []

settings.configure(
    SECRET_KEY="only an example",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="service",
    WSGI_APPLICATION="service.application",
    MIDDLEWARE=MIDDLEWARE,
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    SHOP_DATABASE=os.environ.get("SHOP_DATABASE", "shop.db"),
)
django.setup()
# Run as a program this file is __main__; the URLs below are looked for in a module of this name.
sys.modules.setdefault("service", sys.modules[__name__])

from django.urls import path  # noqa: E402

import shop  # noqa: E402


def show_price(request, product):
    try:
        return JsonResponse({"product": product, "cents": shop.price_of(product)})
    except shop.Refused as why:
        return refused(why)


def buy(request):
    """POST {"product": "tea", "n": 2, "card": "4111"}"""
    try:
        order = json.loads(request.body)
        bought = shop.purchase(order["product"], int(order["n"]), order["card"])
    except shop.Refused as why:
        return refused(why)
    return JsonResponse(bought, status=201)


def refused(why):
    return JsonResponse({"error": type(why).__name__, "message": str(why)}, status=why.status)


def stock(request):
    """A line a product, streamed."""
    def lines():
        with shop.Database() as database:
            for product in shop.PRICES:
                yield "%s %d\n" % (product, database.left(product))

    return StreamingHttpResponse(lines(), content_type="text/plain")


urlpatterns = [path("price/<product>", show_price), path("purchase", buy), path("stock", stock)]
application = get_wsgi_application()

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
