# SPDX-License-Identifier: MIT
"""A server and its client in one loop: futures, cancelled timeouts, errors that are answers."""
import asyncio

from tornado import gen, httpclient, httpserver, locks, queues, web
from tornado.httpclient import AsyncHTTPClient
from tornado.netutil import bind_sockets


class Echo(web.RequestHandler):
    """What was sent."""

    async def get(self, what):
        if what == "fails":
            raise ValueError("fails")
        if what == "missing":
            raise web.HTTPError(404, "missing")
        await gen.sleep(0.001)
        self.write({"what": what})

    async def post(self, what):
        for part in what:
            self.write(part)
            await self.flush()

    def log_exception(self, *args):
        """Quiet."""


async def ask(url, **options):
    """The status."""
    try:
        return (await AsyncHTTPClient().fetch(url, **options)).code
    except httpclient.HTTPClientError as error:
        return error.code


async def numbers(queue):
    """A consumer that is cancelled."""
    async for item in queue:
        queue.task_done()
        if item == 3:
            raise LookupError(item)


async def main():
    """Requests at once, a queue, a lock that is waited for in vain."""
    server = httpserver.HTTPServer(web.Application([("/(.*)", Echo)], log_function=lambda _: None))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    base = "http://127.0.0.1:%d/" % sockets[0].getsockname()[1]
    codes = await asyncio.gather(*[ask(base + what) for what in ("a", "fails", "missing", "b")],
                                 ask(base + "parts", method="POST", body=b""))
    assert codes == [200, 500, 404, 200, 200], codes
    queue = queues.Queue(2)
    consumer = asyncio.ensure_future(numbers(queue))
    for i in range(4):
        await queue.put(i)
    await asyncio.wait([consumer])
    assert isinstance(consumer.exception(), LookupError)
    lock = locks.Lock()
    async with lock:
        try:
            await lock.acquire(timeout=__import__("datetime").timedelta(milliseconds=5))
        except gen.TimeoutError:
            pass
    server.stop()
    await server.close_all_connections()


asyncio.run(main())
