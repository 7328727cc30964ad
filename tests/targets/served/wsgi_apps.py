# SPDX-License-Identifier: MIT
"""WSGI applications, one for each thing that can happen to a request."""
import contextvars
import os
import sys
import threading

from served.work import Failed, entered, number, released, step

OK = "200 OK"
TEXT = [("Content-Type", "text/plain")]


def plain(environ, start_response):
    step(number(environ["PATH_INFO"]), "plain")
    start_response(OK, TEXT)
    return [b"plain"]


def missing(environ, start_response):
    start_response("404 Not Found", TEXT)
    return [b"missing"]


def fails(environ, start_response):
    """Before it answered."""
    raise Failed(step(number(environ["PATH_INFO"]), "fails"))


def undone(environ, start_response):
    """After it said 200, but the server had sent nothing yet."""
    start_response(OK, TEXT)
    raise Failed(step(number(environ["PATH_INFO"]), "undone"))


def parts(n, fail=False):
    for i in range(3):
        step(n, "part%d" % i)
        yield b"%d" % i
        if fail:
            raise Failed("after the first")


def streams(environ, start_response):
    start_response(OK, TEXT)
    return parts(number(environ["PATH_INFO"]))


def breaks(environ, start_response):
    """In the middle of the body."""
    start_response(OK, TEXT)
    return parts(number(environ["PATH_INFO"]), True)


def generates(environ, start_response):
    """The application is the body."""
    n = number(environ["PATH_INFO"])
    start_response("201 Created", TEXT)
    step(n, "first")
    yield b"1"
    step(n, "second")
    yield b"2"


class Body:
    """An iterable with a close()."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        step(self.n, "iter")
        return iter([b"1", b"2"])

    def close(self):
        step(self.n, "close")


def closes(environ, start_response):
    start_response("202 Accepted", TEXT)
    return Body(number(environ["PATH_INFO"]))


def writes(environ, start_response):
    write = start_response(OK, TEXT)
    write(b"%d" % len(step(number(environ["PATH_INFO"]), "writes")))
    return []


def changing(app):
    """A middleware with a start_response of its own."""
    def around(environ, start_response):
        def change(status, headers, exc_info=None):
            step(number(environ["PATH_INFO"]), "change")
            return start_response("418 I'm a teapot", headers)
        return app(environ, change)
    return around


def closing(app):
    """A middleware with a body of its own."""
    def around(environ, start_response):
        body = app(environ, start_response)
        try:
            yield from body
        finally:
            step(number(environ["PATH_INFO"]), "finally")
    return around


def first_of(*apps):
    """Asks one after the other, until one knows."""
    def around(environ, start_response):
        for app in apps:
            seen = []
            body = app(environ, lambda status, headers: seen.append((status, headers)))
            if seen[0][0] == OK:
                break
        start_response(*seen[0])
        return body
    return around


def twice(environ, start_response):
    start_response(OK, TEXT)
    try:
        raise Failed(step(number(environ["PATH_INFO"]), "twice"))
    except Failed:
        start_response("503 Service Unavailable", TEXT, sys.exc_info())
    return [b"twice"]


def refused(environ, start_response):
    """Once more, but for no reason that a server takes."""
    start_response(OK, TEXT)
    try:
        start_response("404 Not Found", TEXT)
    except AssertionError:
        step(number(environ["PATH_INFO"]), "refused")
    return [b"refused"]


def late(environ, start_response):
    """The client was told before it went wrong."""
    start_response(OK, TEXT)
    yield b"1"
    try:
        raise Failed(step(number(environ["PATH_INFO"]), "late"))
    except Failed:
        start_response("503 Service Unavailable", TEXT, sys.exc_info())
    yield b"2"


def other_name(env, start_response):
    """The first parameter may have any name."""
    step(number(env["PATH_INFO"]), "other")
    start_response(OK, TEXT)
    return [b"other"]


class Application:
    """As most frameworks have it."""

    def __call__(self, environ, start_response):
        step(number(environ["PATH_INFO"]), "called")
        return missing(environ, start_response)


class Response:
    """Made by an application, and one itself."""

    def __init__(self, n):
        self.n = n

    def __call__(self, environ, start_response):
        step(self.n, "response")
        start_response("203 Non-Authoritative Information", TEXT)
        return [b"response"]


def responds(environ, start_response):
    return Response(number(environ["PATH_INFO"]))(environ, start_response)


def threads(environ, start_response):
    """One with a copy of the context, one without."""
    n = number(environ["PATH_INFO"])
    started = [threading.Thread(target=contextvars.copy_context().run, args=(step, n, "copied")),
               threading.Thread(target=step, args=(n, "alone"))]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    start_response(OK, TEXT)
    return [b"threads"]


def forks(environ, start_response):
    """The child does something else."""
    n = number(environ["PATH_INFO"])
    pid = os.fork()
    if not pid:
        step(n, "child")
        os._exit(0)
    os.waitpid(pid, 0)
    start_response(OK, TEXT)
    step(n, "parent")
    return [b"forks"]


def waits(environ, start_response):
    """Until it is released; then it goes on as another application."""
    entered.put("wsgi")
    released.wait(30)
    return responds(environ, start_response)


APPS = {
    "plain": plain, "missing": missing, "fails": fails, "undone": undone, "streams": streams,
    "breaks": breaks, "generates": generates,
    "closes": closes, "writes": writes, "changes": changing(plain),
    "changes_twice": changing(changing(streams)), "closing": closing(closes),
    "cascade": first_of(missing, missing, plain), "twice": twice, "refused": refused,
    "late": late, "other_name": other_name,
    "called": Application(), "responds": responds, "threads": threads, "forks": forks,
    "waits": waits,
}
