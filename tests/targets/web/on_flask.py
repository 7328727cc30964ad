# SPDX-License-Identifier: MIT
from flask import Flask, Response, g
from flowtrace_agent.frameworks.flask import init_flowtrace
from web import work

app = Flask(__name__)
init_flowtrace(app)


@app.route("/ok/<int:n>", methods=["GET", "POST"])
def ok(n):
    return work.answer(n, g.flowtrace_request_id)


@app.route("/err/<int:n>")
def err(n):
    return work.fail(n)


@app.route("/stream/<int:n>")
def stream(n):
    return Response(work.parts(n))
