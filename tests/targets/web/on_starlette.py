# SPDX-License-Identifier: MIT
from flowtrace_agent.frameworks.fastapi import init_flowtrace
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from web import work


async def ok(request):
    n = request.path_params["n"]
    return PlainTextResponse(work.answer(n, request.state.flowtrace_request_id))


def err(request):  # in a thread
    work.fail(request.path_params["n"])


async def stream(request):  # its body is made in a thread
    return StreamingResponse(work.parts(request.path_params["n"]))


app = Starlette(routes=[Route("/ok/{n:int}", ok, methods=["GET", "POST"]),
                        Route("/err/{n:int}", err), Route("/stream/{n:int}", stream)])
init_flowtrace(app)
