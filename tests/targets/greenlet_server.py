# SPDX-License-Identifier: MIT
"""A WSGI application, to be served by greenlets: greenlet_server.py SERVER PORT.

A request /N is answered with 200 + N % 4, or 500; meanwhile others begin and end.
"""
import sys
import time


def inner(n, step):
    """Others go on meanwhile."""
    time.sleep(.005 * (1 + step % 3))
    return n * 100 + step


def work(n):
    """What a request is about."""
    total = sum([inner(n, step) for step in range(3)])
    if n % 5 == 0:
        raise ValueError("bad %d" % n)
    return total


def parts(n):
    """A body that is made while it is sent."""
    for step in range(2):
        yield b"%d\n" % inner(n, step)


def app(environ, start_response):
    """The application."""
    n = int(environ["PATH_INFO"][1:])
    try:
        total = work(n)
    except ValueError as error:
        start_response("500 Bad", [("Content-Type", "text/plain")])
        return [str(error).encode()]
    start_response("20%d OK" % (n % 4), [("Content-Type", "text/plain")])
    return parts(n) if n % 3 == 0 else [b"%d" % total]


def main(server, port):
    """Serves for ever."""
    if server == "gunicorn":
        sys.argv = ["gunicorn", "-k", "gevent", "-b", "127.0.0.1:%d" % port, "greenlet_server:app"]
        from gunicorn.app.wsgiapp import run
        run()
    elif server == "pywsgi":
        from gevent import monkey
        monkey.patch_all()
        from gevent.pywsgi import WSGIServer
        WSGIServer(("127.0.0.1", port), app, log=None).serve_forever()
    else:
        import eventlet
        eventlet.monkey_patch()
        from eventlet import wsgi
        wsgi.server(eventlet.listen(("127.0.0.1", port)), app, log_output=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
