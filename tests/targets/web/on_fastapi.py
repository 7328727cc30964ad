# SPDX-License-Identifier: MIT
import asyncio

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from flowtrace_agent.frameworks.fastapi import init_flowtrace
from web import work

app = FastAPI()
init_flowtrace(app)


@app.get("/ok/{n}")
async def ok(n: int, request: Request):
    await asyncio.sleep(0.001)
    return PlainTextResponse(work.answer(n, request.state.flowtrace_request_id))


@app.post("/ok/{n}")
def ok_in_a_thread(n: int, request: Request):
    return PlainTextResponse(work.answer(n, request.state.flowtrace_request_id))


@app.get("/err/{n}")
async def err(n: int):
    await asyncio.sleep(0)
    work.fail(n)


@app.get("/stream/{n}")
async def stream(n: int):
    return StreamingResponse(work.aparts(n))
