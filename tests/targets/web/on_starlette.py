# SPDX-License-Identifier: MIT
"""Endpoints get a request; what they call has the parameter that names it."""
import asyncio
import time

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from web import TRACED, work


async def ok(n, request):
    began = time.monotonic_ns()
    await asyncio.sleep(0.001)
    return text(n, began, request)


def err(n, request):
    work.fail(n)


async def stream(n, request):  # its parts are made in threads
    return StreamingResponse(work.parts(n))


async def tasks(n, request):
    began = time.monotonic_ns()
    await work.run_tasks(n)
    return text(n, began, request)


def text(n, began, request):
    id_ = getattr(request.state, "flowtrace_request_id", None)
    return PlainTextResponse(work.answer(n, began, id_))


async def explain(request, error):
    return PlainTextResponse(work.explain(error.args[0]), status_code=500)


def endpoint(handler):
    if asyncio.iscoroutinefunction(handler):
        async def call(request):
            return await handler(request.path_params["n"], request)
    else:
        def call(request):  # in a thread
            return handler(request.path_params["n"], request)
    return call


app = Starlette(routes=[Route("/%s/{n:int}" % handler.__name__, endpoint(handler),
                              methods=["GET", "POST"])
                        for handler in (ok, err, stream, tasks)],
                exception_handlers={Exception: explain})

if TRACED:
    from flowtrace_agent.frameworks.fastapi import init_flowtrace

    init_flowtrace(app)
