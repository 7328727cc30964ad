# SPDX-License-Identifier: MIT
"""A Flask application on threads. Every call for a request has its number."""
import contextvars
import threading

import flask
from werkzeug.serving import make_server

app = flask.Flask(__name__)


def step(n):
    return n


def parts(n):
    for _ in range(2):
        yield str(step(n))


def elsewhere(n):
    """For the request, on a thread that has its context."""
    thread = threading.Thread(target=contextvars.copy_context().run, args=(deep, n))
    thread.start()
    thread.join()


def deep(n):
    step(n)


@app.route("/<int:n>")
def view(n):
    step(n)
    elsewhere(n)
    return flask.Response(parts(n))


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()
