# SPDX-License-Identifier: MIT
"""What servers hand to applications, in memory, and applications that run. Runs after
tests/live/render.py; says what is recorded of each: id|method|path|address|agent, where - is
nothing and ~ an id that is made; or "none"."""
import http
import sys
import threading

try:
    import ctypes
except ImportError:
    ctypes = None

LINES, KEPT = [], []


def say(what, addr, text):
    LINES.append("%s %d %s\n" % (what, addr, text))


def state():
    """The address of this thread's PyThreadState; 0: cannot be told."""
    if ctypes is None:
        return 0
    ctypes.pythonapi.PyThreadState_Get.restype = ctypes.c_void_p
    return ctypes.pythonapi.PyThreadState_Get()


# ---- what is read -----------------------------------------------------------------------------


class Environ(dict):
    pass


class Attributes:
    """Its __dict__ has the keys of an environ."""

    def __init__(self):
        self.REQUEST_METHOD = "GET"


class Headers:
    """As h11 has them: around a list, the name as it came first in each."""

    __slots__ = ("_full_items",)

    def __init__(self, items):
        self._full_items = items


def environ(**more):
    return dict({"REQUEST_METHOD": "GET", "PATH_INFO": "/tea"}, **more)


def crowded(n):
    """Ours come last."""
    return dict({"KEY_%d" % i: i for i in range(n)}, **environ())


def with_holes():
    result = dict({"KEY_%d" % i: i for i in range(20)}, **environ(REMOTE_ADDR="::1"))
    for i in range(0, 20, 3):
        del result["KEY_%d" % i]
    result["HTTP_USER_AGENT"] = "agent"
    return result


FULL = environ(SCRIPT_NAME="/shop", REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="curl/7.88.1",
               HTTP_X_REQUEST_ID="given-1")
ENVIRONS = [
    (FULL, "given-1|GET|/shop/tea|192.0.2.7|curl/7.88.1"),
    (environ(), "~|GET|/tea|-|-"),
    (FULL, "given-1|GET|/shop/tea|192.0.2.7|curl/7.88.1"),
    (crowded(100), "~|GET|/tea|-|-"),
    (crowded(300), "~|GET|/tea|-|-"),
    (crowded(700), "none"),
    (with_holes(), "~|GET|/tea|::1|agent"),
    (Environ(FULL), "given-1|GET|/shop/tea|192.0.2.7|curl/7.88.1"),
    (environ(PATH_INFO="/caf\xc3\xa9"), "~|GET|/caf\xe9|-|-"),
    (environ(PATH_INFO=""), "~|GET||-|-"),
    (environ(PATH_INFO=7, REMOTE_ADDR=None, HTTP_USER_AGENT=[1]), "~|GET|-|-|-"),
    (environ(HTTP_X_REQUEST_ID="no\nid"), "~|GET|/tea|-|-"),
    (environ(HTTP_X_REQUEST_ID="x" * 300), "~|GET|/tea|-|-"),
    (dict(FULL, **{"flowtrace.request_id": "ours"}), "ours|GET|/shop/tea|192.0.2.7|curl/7.88.1"),
    (environ(HTTP_USER_AGENT="a" * 300), "~|GET|/tea|-|" + "a" * 300),
    ({"PATH_INFO": "/"}, "none"), ({}, "none"), (Attributes().__dict__, "none"),
    (None, "none"), (["REQUEST_METHOD"], "none"),
]

AGENT, GIVEN = (b"user-agent", b"curl/7.88.1"), (b"x-request-id", b"given-2")
OTHERS = [(b"x-other-%d" % i, b"value") for i in range(100)]


def scope(**more):
    return dict({"type": "http", "method": "GET", "path": "/tea"}, **more)


SCOPES = [
    (scope(client=("192.0.2.7", 80), headers=[AGENT, GIVEN]),
     "given-2|GET|/tea|192.0.2.7|curl/7.88.1"),
    (scope(), "~|GET|/tea|-|-"),
    (scope(client=["::1", 80], headers=(GIVEN, AGENT)), "given-2|GET|/tea|::1|curl/7.88.1"),
    (scope(client=None, headers=[list(AGENT)]), "~|GET|/tea|-|curl/7.88.1"),
    (scope(headers=Headers([(b"User-Agent",) + AGENT, (b"X-Request-ID",) + GIVEN])),
     "given-2|GET|/tea|-|curl/7.88.1"),
    (scope(headers=OTHERS[:62] + [AGENT, GIVEN]), "given-2|GET|/tea|-|curl/7.88.1"),
    (scope(headers=OTHERS + [AGENT]), "~|GET|/tea|-|-"),
    (scope(root_path="/shop"), "~|GET|/shop/tea|-|-"),
    (scope(root_path="/shop", path="/shop/tea"), "~|GET|/shop/tea|-|-"),
    (scope(path="/\u0416\U0001f600"), "~|GET|/\u0416\U0001f600|-|-"),
    (scope(headers=[], client=()), "~|GET|/tea|-|-"),
    (scope(headers=[(), (b"user-agent",), None, 7, ("user-agent", "text"), AGENT]),
     "~|GET|/tea|-|curl/7.88.1"),
    (scope(type="websocket"), "none"), ({"type": "lifespan"}, "none"), ({}, "none"),
    (scope(), "~|GET|/tea|-|-"),
]

# Of the last of these requests: which part of the answer it is, and the status from then on.
MESSAGES = [
    ({"type": "http.response.body", "body": b"", "more_body": True}, "none 0"),
    ({"type": "http.response.start", "status": 404, "headers": []}, "none 404"),
    ({"type": "http.response.body", "body": b"1", "more_body": True}, "part 404"),
    ({"type": "http.response.trailers", "headers": []}, "none 404"),
    ({"type": "http.response.start", "status": http.HTTPStatus.CREATED}, "none 201"),
    ({"type": "http.response.body", "body": b"1", "more_body": False}, "last 201"),
    ({"type": "http.response.zerocopysend", "more_body": True}, "part 201"),
    ({"type": "http.response.pathsend", "path": "/x"}, "last 201"),
    ({"type": "http.response.body"}, "last 201"),
    ({"status": 500}, "none 201"), ({}, "none 201"), (None, "none 201"),
]

for kind, values in (("environ", ENVIRONS), ("scope", SCOPES), ("message", MESSAGES)):
    for value, text in values:
        say(kind, id(value), text)
for kind, value in (("part", SCOPES[0][0]["headers"]), ("part", AGENT), ("part", AGENT[0]),
                    ("part", SCOPES[4][0]["headers"]), ("part", FULL["PATH_INFO"])):
    say(kind, id(value), "")


# ---- what runs --------------------------------------------------------------------------------


def application(environ, start_response):
    start_response("404 Not Found", [])
    return []


def serve():
    def start_response(status, headers, exc_info=None):
        say("wsgi.status", id(sys._getframe().f_code), "")
        wait()
    say("wsgi.state", state(), "")
    say("wsgi.app", id(application.__code__), "")
    say("wsgi.server", id(sys._getframe().f_code), "")
    application(FULL, start_response)


class Cycle:
    async def send(self, message):
        say("asgi.send", id(sys._getframe().f_code), "")
        begun.set()
        forever.wait()


async def asgi_application(scope, receive, send):
    await send(MESSAGES[4][0])


def drive():
    say("asgi.state", state(), "")
    say("asgi.app", id(asgi_application.__code__), "")
    asgi_application(SCOPES[0][0], None, Cycle().send).send(None)


def wait():
    sys.stdout.buffer.write("".join(LINES).encode() + b"end\n")
    sys.stdout.flush()
    sys.stdin.read()


begun, forever = threading.Event(), threading.Event()
threading.Thread(target=drive, daemon=True).start()
begun.wait()
serve()
