# SPDX-License-Identifier: MIT
import time

from flask import Flask, Response, g
from web import TRACED, work

app = Flask(__name__)

if TRACED:
    from flowtrace_agent.frameworks.flask import init_flowtrace

    init_flowtrace(app)


@app.route("/ok/<int:n>", methods=["GET", "POST"])
def ok(n):
    began = time.monotonic_ns()
    time.sleep(0.001)
    return work.answer(n, began, g.get("flowtrace_request_id"))


@app.route("/err/<int:n>", methods=["GET", "POST"])
def err(n):
    return work.fail(n)


@app.route("/stream/<int:n>", methods=["GET", "POST"])
def stream(n):
    return Response(work.parts(n))


@app.route("/threads/<int:n>")
def threads(n):
    began = time.monotonic_ns()
    work.run_thread(n)
    return work.answer(n, began, g.get("flowtrace_request_id"))
