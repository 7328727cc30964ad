# SPDX-License-Identifier: MIT
"""Traces the calls of a Python program from inside, as JSON lines.

Automatic: every call of the modules that a Config names.

    from flowtrace_agent import Config, start_tracing, stop_tracing
    start_tracing(Config(package_prefix="myapp"))

By hand: only what is decorated.

    from flowtrace_agent import Config, init_decorator_logger, trace
    init_decorator_logger(Config(logfile="flowtrace.jsonl"))

    @trace
    def calculate(x, y): ...

No change at all: python -m flowtrace_agent --prefix myapp script.py
"""
from flowtrace_agent._version import __version__
from flowtrace_agent.config import Config
from flowtrace_agent.decorators import init_decorator_logger, trace
from flowtrace_agent.logger import Logger
from flowtrace_agent.tracer import FlowTraceTracer, start_tracing, stop_tracing

__all__ = [
    "Config",
    "FlowTraceTracer",
    "start_tracing",
    "stop_tracing",
    "trace",
    "init_decorator_logger",
    "Logger",
    "__version__",
]
