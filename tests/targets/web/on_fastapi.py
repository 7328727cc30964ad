# SPDX-License-Identifier: MIT
"""Handlers of both kinds: those for POST are plain functions, which are called in a thread."""
import asyncio
import time

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from web import TRACED, work

app = FastAPI()

if TRACED:
    from flowtrace_agent.frameworks.fastapi import init_flowtrace

    init_flowtrace(app)


def text(n, began, request):
    id_ = getattr(request.state, "flowtrace_request_id", None)
    return PlainTextResponse(work.answer(n, began, id_))


@app.get("/ok/{n}")
async def ok(n: int, request: Request):
    began = time.monotonic_ns()
    await asyncio.sleep(0.001)
    return text(n, began, request)


@app.post("/ok/{n}")
def ok_post(n: int, request: Request):
    began = time.monotonic_ns()
    time.sleep(0.001)
    return text(n, began, request)


@app.get("/err/{n}")
async def err(n: int):
    await asyncio.sleep(0)
    work.fail(n)


@app.post("/err/{n}")
def err_post(n: int):
    work.fail(n)


@app.exception_handler(Exception)
async def explain(request, error):
    return PlainTextResponse(work.explain(error.args[0]), status_code=500)


@app.get("/stream/{n}")
async def stream(n: int):
    return StreamingResponse(work.aparts(n))


@app.post("/stream/{n}")
def stream_post(n: int):  # its parts are made in threads
    return StreamingResponse(work.parts(n))


@app.get("/tasks/{n}")
async def tasks(n: int, request: Request):
    began = time.monotonic_ns()
    await work.run_tasks(n)
    return text(n, began, request)


@app.get("/threads/{n}")
def threads(n: int, request: Request):
    began = time.monotonic_ns()
    work.run_thread(n)
    return text(n, began, request)
