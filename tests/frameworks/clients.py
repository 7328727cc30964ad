# SPDX-License-Identifier: MIT
"""Clients that ask a server of tests/targets/web, eight at once, and write down what they saw."""
import collections
import concurrent.futures
import contextlib
import http.client
import threading
import time

REQUESTS = 1000
AT_ONCE = 8

# Times in microseconds; `sent` since the epoch, `took` as the handler measured itself.
Seen = collections.namedtuple("Seen", "n kind method agent given sent micros status id body took")


def kind_of(n, elsewhere):
    """One in 20 is an error, one a stream, and one goes on in a thread or a task."""
    return {0: "err", 1: "stream", 3: elsewhere[n // 20 % len(elsewhere)]}.get(n % 20, "ok")


def method_of(n, kind):
    """A tenth has a body, and so has every other error and stream."""
    if kind in ("err", "stream"):
        return "POST" if n // 20 % 2 else "GET"
    return "POST" if n % 10 == 2 else "GET"


def ask(connection, n, elsewhere):
    """One request; half of them have an id of their own."""
    kind = kind_of(n, elsewhere)
    method, given = method_of(n, kind), "c-%d" % n if n % 2 or n % 3 == 0 else None
    headers = {"User-Agent": "client/%d" % n}
    if given:
        headers["X-Request-ID"] = given
    sent = time.time_ns()
    connection.request(method, "/%s/%d?secret=%d" % (kind, n, n),
                       b"x=1" if method == "POST" else None, headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    # After an error uvicorn hangs up without having said so, gunicorn where nobody read a body.
    if answer.status == 500 or method == "POST":
        connection.close()
    micros = (time.time_ns() - sent) / 1000
    words = body.split()
    took = int(words[1]) if kind not in ("err", "stream") and len(words) == 3 else None
    return Seen(n, kind, method, headers["User-Agent"], given, sent / 1000, micros, answer.status,
                answer.getheader("X-Request-ID"), body, took)


def status_of(port, path):
    """Of one request by a connection of its own; None: there was no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", path)
        try:
            answer = connection.getresponse()
            with contextlib.suppress(http.client.HTTPException, ConnectionError):
                answer.read()
            return answer.status
        except (http.client.RemoteDisconnected, ConnectionError):
            return None


def ask_all(port, elsewhere, count=REQUESTS):
    """Every client keeps its connection as long as the server does; returns what they saw."""
    mine, all_of_them = threading.local(), []

    def begin():
        mine.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        all_of_them.append(mine.connection)

    with contextlib.ExitStack() as stack:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE, initializer=begin) as pool:
            seen = list(pool.map(lambda n: ask(mine.connection, n, elsewhere), range(count)))
        for connection in all_of_them:
            stack.callback(connection.close)
    return seen


def check(seen, inside):
    """What the clients saw is right: without it the trace proves nothing. inside: the application
    knows the ids, and sends them back."""
    for one in seen:
        assert one.status == (500 if one.kind == "err" else 200), one
        if one.kind == "stream":
            assert one.body == "".join("%d.%d\n" % (one.n, i) for i in range(3)), one
        elif one.kind != "err":
            number, _, id_ = one.body.split()
            assert int(number) == one.n and id_ == str(one.id), one
        if not inside:
            assert one.id is None, one
        elif one.given:  # a server's own answer to what no framework caught has no header of ours
            assert one.id == one.given or (one.id is None and one.status == 500), one
