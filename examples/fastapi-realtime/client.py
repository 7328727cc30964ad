#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Two members of a room, who hear each other and an announcement: client.py URL"""
import asyncio
import json
import sys
import urllib.request

import websockets


async def hear(name, socket, count):
    """So many messages."""
    for _ in range(count):
        message = json.loads(await asyncio.wait_for(socket.recv(), 20))
        print(name, "hears:", message["type"], message["name"], message.get("text", ""))


def announce(url):
    request = urllib.request.Request(url + "/rooms/tea/announce?text=news", method="POST",
                                     headers={"X-Request-ID": "news"})
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


async def main(url):
    room = url.replace("http", "ws", 1) + "/rooms/tea/"
    async with websockets.connect(room + "ann") as ann:
        await hear("ann", ann, 1)
        async with websockets.connect(room + "bob") as bob:
            await hear("ann", ann, 1)
            await hear("bob", bob, 1)
            await ann.send("hello")
            await hear("ann", ann, 1)
            await hear("bob", bob, 1)
            print("announced", await asyncio.get_running_loop().run_in_executor(None, announce, url))
            await hear("ann", ann, 1)
            await hear("bob", bob, 1)
        await hear("ann", ann, 1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1])) if len(sys.argv) == 2 else sys.exit(__doc__)
