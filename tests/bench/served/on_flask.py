# SPDX-License-Identifier: MIT
from flask import Flask
from served import TRACED
from served.handler import greet

app = Flask(__name__)
app.route("/<name>")(greet)

if TRACED:
    from flowtrace_agent.frameworks.flask import init_flowtrace

    init_flowtrace(app)
