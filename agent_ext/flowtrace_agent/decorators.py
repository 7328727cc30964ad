# SPDX-License-Identifier: MIT
"""@trace: the calls of one function, whatever its module.

What it returns is a function of the same kind with the same signature, and no frame is added: a
copy that runs a copy of the code, which the extension knows. Without a run it costs nothing.
"""
import functools
from types import FunctionType
from typing import Any, Callable, Optional, TypeVar, overload

from flowtrace_agent import _codes, _forward, _functions, _wrappers
from flowtrace_agent._run import RUN
from flowtrace_agent.config import Config

Target = TypeVar("Target")
_nothing: Any = object()


@overload
def trace(target: Target, /) -> Target: ...


@overload
def trace() -> Callable[[Target], Target]: ...


def trace(target: Any = _nothing, /) -> Any:
    """Traces a function, a method of any kind, a property or any other callable.

    Its calls are events while tracing is on: after init_decorator_logger() or start_tracing().
    """
    if target is _nothing:
        return trace
    if isinstance(target, type):
        raise TypeError(
            "trace: %s is a class; decorate the methods that are to be traced" % target.__qualname__
        )
    if isinstance(target, FunctionType):
        return _function(target)
    if isinstance(target, functools.partial) and isinstance(target.func, type):
        return _forward.forward(target)
    for kind, other in _wrappers.KINDS:
        if isinstance(target, kind):
            return other(target, trace)
    if callable(target):
        return _forward.forward(target)
    raise TypeError("trace: %r object cannot be called" % type(target).__name__)


def init_decorator_logger(config: Optional[Config] = None) -> None:
    """Writes the events of decorated functions from now on, as the Config says.

    While automatic tracing is on, its settings hold; these take effect when it stops.
    """
    RUN.decorate(config)


def _function(function: FunctionType) -> FunctionType:
    if _codes.is_traced(function.__code__):
        return function
    name, qualname = function.__name__, function.__qualname__
    return _functions.with_code(function, _codes.traced(function.__code__, name, qualname))
