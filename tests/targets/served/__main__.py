# SPDX-License-Identifier: MIT
"""python -m served: prints the ports of all servers, as JSON; serves until its input ends.
python -m served workers: prints a port; after a line of input, two children serve there."""
import json
import os
import sys

from served import asgi_server, wsgi_servers
from served.work import entered, released


def everything():
    ports = {"single": wsgi_servers.wsgiref(wsgi_servers.Single),
             "threading": wsgi_servers.wsgiref(wsgi_servers.Threading),
             "loop": wsgi_servers.loops(), **asgi_server.start()}
    print(json.dumps(ports), flush=True)
    for line in sys.stdin:
        if line == "entered\n":
            print(entered.get(timeout=10), flush=True)
        elif line == "release\n":
            released.set()


def workers():
    server = wsgi_servers.Single(("127.0.0.1", 0), wsgi_servers.Handler)
    print(server.server_port, flush=True)
    sys.stdin.readline()
    for _ in range(2):
        if not os.fork():
            server.serve_forever()
    sys.stdin.read()


workers() if "workers" in sys.argv else everything()
