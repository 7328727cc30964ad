# SPDX-License-Identifier: MIT
"""Servers that are started by their own API: python -m web.serve SERVER PORT."""
import logging
import sys
import time

from web import plain


def waitress(port):
    """A thread of it may wait a second for its turn between the answer and the end of the request,
    so each end is told: a line "ended PATH MICROSECONDS" on standard output."""
    import waitress
    from waitress import task
    execute = task.WSGITask.execute

    def told(self):
        try:
            return execute(self)
        finally:
            print("ended %s %d" % (self.request.path, time.time_ns() // 1000), flush=True)

    task.WSGITask.execute = told
    waitress.serve(plain.app, host="127.0.0.1", port=port, threads=8, _quiet=True)


def cheroot(port):
    from cheroot import wsgi
    wsgi.Server(("127.0.0.1", port), plain.app).start()


def twisted(port):
    from twisted.internet import reactor
    from twisted.web import server, wsgi
    resource = wsgi.WSGIResource(reactor, reactor.getThreadPool(), plain.app)
    reactor.listenTCP(port, server.Site(resource), interface="127.0.0.1")
    reactor.run()


def a2wsgi(port):
    """WSGI behind ASGI, in threads of its own."""
    import a2wsgi
    import uvicorn
    uvicorn.run(a2wsgi.WSGIMiddleware(plain.app), host="127.0.0.1", port=port, log_level="error")


def hypercorn(port, app):
    """In this process; its command starts others."""
    import asyncio

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    config = Config()
    config.bind = ["127.0.0.1:%d" % port]
    config.errorlog = None
    asyncio.run(serve(app, config))


def hypercorn_asgi(port):
    hypercorn(port, plain.asgi)


def hypercorn_wsgi(port):
    hypercorn(port, plain.app)


if __name__ == "__main__":
    logging.disable()
    globals()[sys.argv[1]](int(sys.argv[2]))
