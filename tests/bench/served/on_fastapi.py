# SPDX-License-Identifier: MIT
from fastapi import FastAPI
from served import TRACED
from served.handler import greet

app = FastAPI()

if TRACED:
    from flowtrace_agent.frameworks.fastapi import init_flowtrace

    init_flowtrace(app)


@app.get("/{name}")
async def hello(name: str):
    return greet(name)
