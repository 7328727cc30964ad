# SPDX-License-Identifier: MIT
"""A small ASGI server: HTTP/1.1 with keep-alive and chunks, each request in a task of its own or
all of a connection in the connection's."""
import asyncio
import contextlib
import http
import threading
import urllib.parse

from served.asgi_apps import APPS
from served.work import idle


def scope_of(head, peer):
    """Of each shape that servers have, one."""
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split()
    path, _, query = target.partition("?")
    path = urllib.parse.unquote(path)
    name = path.split("/")[1]
    headers = [tuple(part.strip().encode("latin-1") for part in line.split(":", 1))
               for line in lines[1:] if line]
    headers = [(key.lower(), value) for key, value in headers]
    scope = {"type": "websocket" if name == "websocket" else "http", "asgi": {"version": "3.0"},
             "http_version": "1.1", "method": method, "scheme": "http", "path": path,
             "raw_path": target.encode(), "query_string": query.encode(), "root_path": "",
             "headers": headers, "client": peer, "server": ("127.0.0.1", 0)}
    if name == "tuples":
        scope["headers"] = tuple(headers)
    elif name == "lists":
        scope.update(headers=[list(pair) for pair in headers], client=list(peer))
    elif name == "nobody":
        scope.update(client=None)
    elif name == "mounted":
        scope.update(root_path="/mounted")
    elif name == "mounted_before":  # as it was before ASGI 2.4: the path is what is behind
        scope.update(root_path="/mounted_before", path=path[len("/mounted_before"):])
    return name, scope


class Cycle:
    """One request."""

    def __init__(self, scope, writer):
        self.scope = scope
        self.writer = writer
        self.asked = self.started = self.over = False

    async def receive(self):
        if self.asked:
            await asyncio.sleep(30)
        self.asked = True
        return {"type": self.scope["type"] + (".connect" if self.is_websocket() else ".request")}

    def is_websocket(self):
        return self.scope["type"] == "websocket"

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.begin(message["status"], message["headers"])
        elif message["type"] == "http.response.body":
            self.part(message.get("body", b""))
            if not message.get("more_body"):
                self.end()
        elif message["type"] == "websocket.accept":
            self.begin(101, [])
            self.over = True
        with contextlib.suppress(ConnectionError):  # as other servers: the application goes on
            await self.writer.drain()

    def begin(self, status, headers):
        self.started = True
        reason = http.HTTPStatus(status).phrase if status in http.HTTPStatus._value2member_map_ \
            else "?"
        self.writer.write(b"HTTP/1.1 %d %s\r\n" % (status, reason.encode()))
        for name, value in headers:
            self.writer.write(name + b": " + value + b"\r\n")
        self.writer.write(b"transfer-encoding: chunked\r\n\r\n")

    def part(self, text):
        if text:
            self.writer.write(b"%x\r\n%s\r\n" % (len(text), text))

    def end(self):
        self.over = True
        self.writer.write(b"0\r\n\r\n")

    async def run(self, app, send):
        try:
            await app(self.scope, self.receive, send)
        except Exception:
            if self.started:
                self.writer.close()
            else:
                self.begin(500, [])
                self.end()


async def in_task(cycle, app, reader):
    """Until it is over, or nobody is there who waits for it."""
    task = asyncio.ensure_future(cycle.run(app, cycle.send))
    while not task.done():
        await asyncio.wait({task}, timeout=0.02)
        if reader.at_eof() and not cycle.over:
            task.cancel()


async def in_line(cycle, app, reader):
    async def send(message):
        await cycle.send(message)
    await cycle.run(app, send)


async def connection(how, reader, writer):
    """One request after the other."""
    idle("connected")
    try:
        while not writer.is_closing():
            head = await reader.readuntil(b"\r\n\r\n")
            name, scope = scope_of(head, writer.get_extra_info("peername"))
            idle("before")
            await how(Cycle(scope, writer), APPS.get(name, APPS["plain"]), reader)
            idle("between")
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def lifespan(app):
    """Starts up; returns the task."""
    started = asyncio.Event()

    async def receive():
        if started.is_set():
            await asyncio.sleep(1000)
        return {"type": "lifespan.startup"}

    async def send(message):
        started.set()

    task = asyncio.ensure_future(app({"type": "lifespan", "asgi": {}}, receive, send))
    await started.wait()
    return task


async def serve(ports, ready):
    """Serves for ever."""
    tasks = []
    for name, how in (("task", in_task), ("line", in_line)):
        server = await asyncio.start_server(
            lambda reader, writer, how=how: connection(how, reader, writer), "127.0.0.1", 0,
            limit=1 << 17, backlog=64)
        ports[name] = server.sockets[0].getsockname()[1]
        tasks.append(server)
    ready.set()
    while True:
        tasks.append(await lifespan(APPS["called"]))
        await asyncio.sleep(0.5)


def start():
    """Serves in a thread; returns the ports."""
    ports, ready = {}, threading.Event()
    threading.Thread(target=asyncio.new_event_loop().run_until_complete,
                     args=(serve(ports, ready),), daemon=True).start()
    ready.wait(10)
    return ports
