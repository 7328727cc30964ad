# SPDX-License-Identifier: MIT
"""FastAPI, and Starlette, which it is made of."""
import functools
from typing import Any, Optional

from flowtrace_agent.config import Config
from flowtrace_agent.frameworks._begin import begin
from flowtrace_agent.frameworks.asgi import FlowTraceMiddleware

__all__ = ["FlowTraceMiddleware", "init_flowtrace"]


def init_flowtrace(app: Any, config: Optional[Config] = None) -> None:
    """Traces the application's requests, and its calls if automatic tracing is not on yet.

    It wraps all middleware of the application, also what is added later, and what answers
    for a handler that failed. A handler finds request.state.flowtrace_request_id. A second time
    for the same application only starts tracing again, if it was stopped.
    """
    build = app.build_middleware_stack
    begin(config)
    if isinstance(build, _Build):
        return
    app.build_middleware_stack = _Build(build)
    if app.middleware_stack is not None:
        app.middleware_stack = FlowTraceMiddleware(app.middleware_stack)


class _Build:
    """What makes an application's stack of middleware, and ours around it."""

    def __init__(self, build: Any) -> None:
        self._build = build
        functools.update_wrapper(self, build)

    def __call__(self) -> FlowTraceMiddleware:
        return FlowTraceMiddleware(self._build())
