# SPDX-License-Identifier: MIT
"""What the modules here have in common: tracing is on once an application was given to one."""
import asyncio
import inspect
import operator
import sys
from typing import Any, Optional

from flowtrace_agent._run import RUN
from flowtrace_agent.config import Config
from flowtrace_agent.tracer import start_tracing


def begin(config: Optional[Config]) -> None:
    """Automatic tracing, if it is not on; without a Config, as the environment says."""
    if RUN.tracer is None:
        start_tracing(config)


def reduced(around: Any, config: Optional[Config]) -> Any:
    """For copy and pickle: its name, as a function has, if it is there; else what it is made of."""
    module, name = getattr(around, "__module__", None), getattr(around, "__qualname__", None)
    try:
        if operator.attrgetter(name)(sys.modules[module]) is around:
            return name
    except (AttributeError, KeyError, TypeError):
        pass
    return type(around), (around.app, config)


def is_coroutine_function(function: Any) -> bool:
    """As the release's own frameworks ask it."""
    if sys.version_info >= (3, 12):
        return inspect.iscoroutinefunction(function)
    return asyncio.iscoroutinefunction(function)


def mark_as_coroutine_function(what: Any) -> None:
    """It, or instances of it, are what is_coroutine_function() looks for."""
    what._is_coroutine = getattr(asyncio.coroutines, "_is_coroutine", None)
    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(what)
