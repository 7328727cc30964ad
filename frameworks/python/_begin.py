# SPDX-License-Identifier: MIT
"""What the modules here have in common: tracing is on once an application was given to one."""
import asyncio
import inspect
from typing import Any, Optional

from flowtrace_agent._run import RUN
from flowtrace_agent.config import Config
from flowtrace_agent.tracer import start_tracing


def begin(config: Optional[Config]) -> None:
    """Automatic tracing, if it is not on; without a Config, as the environment says."""
    if RUN.tracer is None:
        start_tracing(config)


def mark_as_coroutine_function(cls: Any) -> None:
    """Its instances are what asyncio and inspect take for coroutine functions."""
    coroutines = asyncio.coroutines
    cls._is_coroutine = getattr(coroutines, "_is_coroutine", None)  # asyncio's, up to 3.13
    cls._is_coroutine_mark = getattr(inspect, "_is_coroutine_mark", None)  # from 3.12
