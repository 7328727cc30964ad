# SPDX-License-Identifier: MIT
"""WSGI servers: wsgiref's, and one whose function goes from request to request."""
import functools
import socket
import socketserver
import sys
import threading
import urllib.parse
from wsgiref import simple_server

from served.work import idle
from served.wsgi_apps import APPS


def started(handler, status, headers, exc_info=None):
    """Without that of wsgiref, which others are told the status with."""
    handler.status, handler.headers = status, handler.headers_class(headers)
    return handler.write


class Handler(simple_server.WSGIRequestHandler):
    """Chooses the application by the path, without a frame around it."""

    def handle(self):
        self.raw_requestline = self.rfile.readline(1 << 16)
        if not self.parse_request():
            return
        environ = self.get_environ()
        name = environ["PATH_INFO"].split("/")[1]
        answer = simple_server.ServerHandler(self.rfile, self.wfile, sys.stderr, environ)
        answer.request_handler = self
        if name == "mounted":
            environ["SCRIPT_NAME"] = "/mounted"
            environ["PATH_INFO"] = environ["PATH_INFO"][len("/mounted"):]
        elif name == "partial_method":
            answer.start_response = functools.partial(answer.start_response)
        elif name == "partial":
            answer.start_response = functools.partial(started, answer)
        answer.run(APPS.get(name, APPS["plain"]))
        idle("wsgiref")

    def log_message(self, *args):
        pass


class Single(simple_server.WSGIServer):
    request_queue_size = 64


class Threading(socketserver.ThreadingMixIn, Single):
    daemon_threads = True


def wsgiref(kind):
    """Serves in a thread; returns the port."""
    server = kind(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


# ---- one function for many requests -----------------------------------------------------------

IN_A_ROW = 3


def loop(listener):
    """Serves some in a row, without returning."""
    for _ in range(IN_A_ROW):
        connection = listener.accept()[0]
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1 << 16)
        method, target = head.split()[:2]
        path = urllib.parse.unquote(target.decode().split("?")[0], "latin-1")
        environ = {"REQUEST_METHOD": method.decode(), "PATH_INFO": path, "SCRIPT_NAME": ""}
        answer = {}
        name = path.split("/")[1]
        if name == "builtin":
            body = APPS["plain"](environ, answer.setdefault)
        else:
            def start_response(status, headers, exc_info=None):
                answer[status] = headers
            body = APPS[name](environ, start_response)
        connection.sendall(b"HTTP/1.0 %s\r\n\r\n" % next(iter(answer)).encode())
        for part in body:
            connection.sendall(part)
        if hasattr(body, "close"):
            body.close()
        connection.close()


def loops():
    """Serves in a thread; returns the port."""
    def forever():
        while True:
            loop(listener)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    threading.Thread(target=forever, daemon=True).start()
    return listener.getsockname()[1]
