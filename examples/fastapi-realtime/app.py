# SPDX-License-Identifier: MIT
"""A chat with rooms, over WebSockets; its state as JSON over HTTP."""
import os
import time
from typing import Any, Dict, List

from fastapi import FastAPI, HTTPException, WebSocket, WebSocketDisconnect

MOST_KEPT = 50  # messages a room remembers

app = FastAPI(title="chat")

if os.environ.get("CHAT_TRACE"):  # from inside; without it the application knows nothing of it
    from flowtrace_agent import Config
    from flowtrace_agent.frameworks.fastapi import init_flowtrace

    init_flowtrace(app, Config(package_prefix=__name__))


class NameTaken(Exception):
    """Somebody of that name is in the room."""


class Room:
    """Who is here, and what was said last."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.members: Dict[str, WebSocket] = {}
        self.messages: List[Dict[str, Any]] = []

    def join(self, name: str, socket: WebSocket) -> None:
        if name in self.members:
            raise NameTaken(name)
        self.members[name] = socket

    def leave(self, name: str) -> None:
        del self.members[name]

    def remember(self, message: Dict[str, Any]) -> None:
        self.messages.append(message)
        del self.messages[:-MOST_KEPT]

    async def tell(self, message: Dict[str, Any]) -> int:
        """To everybody here; returns how many. Who does not hear it leaves soon."""
        told = 0
        for name, socket in list(self.members.items()):
            told += await deliver(name, socket, message)
        return told


async def deliver(name: str, socket: WebSocket, message: Dict[str, Any]) -> bool:
    try:
        await socket.send_json(message)
    except (WebSocketDisconnect, RuntimeError):
        return False
    return True


class Chat:
    """All rooms; one is made when its first member comes, and goes with the last."""

    def __init__(self) -> None:
        self.rooms: Dict[str, Room] = {}

    async def enter(self, room_name: str, name: str, socket: WebSocket) -> Room:
        room = self.rooms.setdefault(room_name, Room(room_name))
        room.join(name, socket)
        await room.tell({"type": "joined", "name": name, "members": sorted(room.members)})
        return room

    async def say(self, room: Room, name: str, text: str) -> int:
        message = {"type": "message", "name": name, "text": text, "at": time.time()}
        room.remember(message)
        return await room.tell(message)

    async def exit(self, room: Room, name: str) -> None:
        room.leave(name)
        if not room.members:
            self.rooms.pop(room.name, None)
        await room.tell({"type": "left", "name": name, "members": sorted(room.members)})


chat = Chat()


async def listen(room: Room, name: str, socket: WebSocket) -> None:
    """Until the member hangs up."""
    try:
        while True:
            await chat.say(room, name, await socket.receive_text())
    except WebSocketDisconnect:
        await chat.exit(room, name)


@app.websocket("/rooms/{room_name}/{name}")
async def talk(socket: WebSocket, room_name: str, name: str) -> None:
    await socket.accept()
    try:
        room = await chat.enter(room_name, name, socket)
    except NameTaken:
        await socket.close(code=4001)
        return
    await listen(room, name, socket)


@app.get("/rooms")
async def rooms() -> Dict[str, List[str]]:
    return {name: sorted(room.members) for name, room in chat.rooms.items()}


@app.get("/rooms/{room_name}/messages")
async def messages(room_name: str) -> List[Dict[str, Any]]:
    if room_name not in chat.rooms:
        raise HTTPException(404, "no room %s" % room_name)
    return chat.rooms[room_name].messages


@app.post("/rooms/{room_name}/announce")
async def announce(room_name: str, text: str) -> Dict[str, int]:
    """To a room, from outside: a request whose calls reach into the sockets of others."""
    if room_name not in chat.rooms:
        raise HTTPException(404, "no room %s" % room_name)
    return {"told": await chat.say(chat.rooms[room_name], "*", text)}
