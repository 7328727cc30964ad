# SPDX-License-Identifier: MIT
"""Flask 2 and 3."""
import time
from typing import Any, Optional

from flask import g, request

from flowtrace_agent.config import Config
from flowtrace_agent.frameworks._begin import begin
from flowtrace_agent.frameworks.wsgi import FlowTraceMiddleware


def init_flowtrace(app: Any, config: Optional[Config] = None) -> None:
    """Traces the application's requests, and its calls if automatic tracing is not on yet.

    A view finds g.flowtrace_request_id and g.flowtrace_start_time (as time.time() gives it). A
    second time for the same application only starts tracing again, if it was stopped.
    """
    if isinstance(app.wsgi_app, FlowTraceMiddleware):
        begin(config)
        return
    app.wsgi_app = FlowTraceMiddleware(app.wsgi_app, config)
    # First of all: one that aborts comes later. Not by app.before_request(), which refuses once
    # the application has served.
    app.before_request_funcs.setdefault(None, []).insert(0, _tell_view)


def _tell_view() -> None:
    g.flowtrace_request_id = request.environ.get("flowtrace.request_id")
    g.flowtrace_start_time = time.time()
