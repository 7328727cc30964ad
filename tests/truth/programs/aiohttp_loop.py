# SPDX-License-Identifier: MIT
"""aiohttp's server and client in one loop: tasks that are cancelled, streams, WebSockets."""
import asyncio
import logging

import aiohttp
from aiohttp import web

logging.disable(logging.CRITICAL)



async def echo(request):
    """What was asked for."""
    what = request.match_info["what"]
    if what == "fails":
        raise ValueError("fails")
    if what == "missing":
        raise web.HTTPNotFound()
    if what == "slow":
        await asyncio.sleep(5)
    return web.json_response({"what": what})


async def stream(request):
    """In parts."""
    response = web.StreamResponse()
    await response.prepare(request)
    for i in range(3):
        await response.write(b"part %d" % i)
    return response


async def chat(request):
    """Both ways."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data + "!")
    return socket


async def status(session, url):
    """The status of one answer."""
    async with session.get(url) as response:
        await response.read()
        return response.status


async def main():
    """Requests at once; one that is given up; a short talk."""
    app = web.Application()
    app.router.add_get("/stream", stream)
    app.router.add_get("/chat", chat)
    app.router.add_get("/{what}", echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = "http://127.0.0.1:%d/" % site._server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        codes = await asyncio.gather(*[status(session, base + what)
                                       for what in ("a", "fails", "missing", "stream")])
        assert codes == [200, 500, 404, 200], codes
        try:
            await asyncio.wait_for(status(session, base + "slow"), 0.05)
        except asyncio.TimeoutError:
            pass
        async with session.ws_connect(base + "chat") as socket:
            await socket.send_str("hello")
            assert (await socket.receive_str()) == "hello!"
        try:
            await status(session, "http://127.0.0.1:1/")
        except aiohttp.ClientError:
            pass
    await runner.cleanup()


asyncio.run(main())
