# SPDX-License-Identifier: MIT
"""Asks applications without a server, one request after the other, so that each run makes the same
calls: asks_itself.py wsgi|asgi|shop. The shop is that of examples/, and needs Flask."""
import asyncio
import gc
import io
import json
import sys
import traceback
from pathlib import Path
from wsgiref.handlers import SimpleHandler

WAITING = ("waits", "hangs", "meets", "websocket")  # for another request, or a client that leaves
ORDERS = (
    {"lines": {"tea": 2, "bread": 1}, "card": "4111111111111111"},
    {"lines": {"tea": 20}, "card": "4111111111111111"},
    {"lines": {"saffron": 100}, "card": "4111111111111111"},
    {"lines": {"tea": 1}, "card": "4111111111111112"},
)


class Handler(SimpleHandler):
    """Says what went wrong in one line."""

    os_environ = {}

    def log_exception(self, exc_info):
        print("".join(traceback.format_exception_only(*exc_info[:2])), file=sys.stderr, end="")


def ask(app, n, path, body=b""):
    """One request of WSGI. Every second one brings an id of its own."""
    environ = {"REQUEST_METHOD": "POST" if body else "GET", "SCRIPT_NAME": "", "PATH_INFO": path,
               "QUERY_STRING": "n=%d" % n, "SERVER_NAME": "localhost", "SERVER_PORT": "80",
               "SERVER_PROTOCOL": "HTTP/1.0", "REMOTE_ADDR": "192.0.2.%d" % (n % 250),
               "HTTP_USER_AGENT": "itself/%d" % n, "CONTENT_LENGTH": str(len(body)),
               "CONTENT_TYPE": "application/json"}
    if n % 2:
        environ["HTTP_X_REQUEST_ID"] = "given-%d" % n
    Handler(io.BytesIO(body), io.BytesIO(), sys.stderr, environ, False).run(app)


def wsgi():
    from served.wsgi_apps import APPS
    for n, name in enumerate(sorted(set(APPS) - set(WAITING))):
        ask(APPS[name], n, "/%s/%d" % (name, n))


def shop():
    sys.path.append(str(Path(__file__).resolve().parents[2] / "examples"))
    from shop.app import app
    for n, path in enumerate(("/", "/products", "/products/tea", "/products/caviar",
                              "/quote/apple/12", "/none")):
        ask(app, n, path)
    for n, order in enumerate(ORDERS, 10):
        ask(app, n, "/orders", json.dumps(order).encode())


class Writer:
    """A client that takes everything."""

    def write(self, data):
        pass

    async def drain(self):
        pass

    def close(self):
        pass


async def ask_each(apps, cycle, scope_of):
    for n, name in enumerate(apps):
        head = "GET /%s/%d?n HTTP/1.1\r\nUser-Agent: itself/%d\r\n" % (name, n, n)
        head += "X-Request-ID: given-%d\r\n" % n if n % 2 else ""
        name, scope = scope_of(head.encode(), ("192.0.2.%d" % n, 4000 + n))
        one = cycle(scope, Writer())
        await one.run(apps[name], one.send)
        await asyncio.sleep(0.1)  # what outlives the request ends before the next one


def asgi():
    from served import asgi_server
    apps = {name: app for name, app in asgi_server.APPS.items() if name not in WAITING}
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(ask_each(apps, asgi_server.Cycle, asgi_server.scope_of))


if __name__ == "__main__":
    gc.disable()
    globals()[sys.argv[1]]()
