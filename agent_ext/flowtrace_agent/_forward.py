# SPDX-License-Identifier: MIT
"""Functions that represent callables without Python code of their own: len, an instance with
__call__, what functools.lru_cache makes.
"""
import builtins
import functools
import inspect
from types import CodeType, FunctionType, MethodType
from typing import Any, Callable, Optional, Tuple

from flowtrace_agent import _codes

# Methods of callables in C that are not in their __dict__: those of functools.lru_cache.
METHODS = ("cache_info", "cache_clear")


def _plain(target: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return target(*args, **kwargs)

    return call


def _coroutine(target: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        return await target(*args, **kwargs)

    return call


def _is_coroutine(target: Callable[..., Any]) -> bool:
    """Also an instance whose class says `async def __call__`."""
    return inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(
        getattr(type(target), "__call__", None)
    )


def _inner(target: Any) -> Any:
    """What a callable calls, if that can be told."""
    if isinstance(target, functools.partial):
        return target.func
    if isinstance(target, MethodType):
        return target.__func__
    return getattr(target, "__wrapped__", None) or getattr(type(target), "__call__", None)


def _code_of(target: Any) -> Optional[CodeType]:
    """The code that a call ends in."""
    for _ in range(50):  # a method of C calls itself for ever
        if isinstance(target, FunctionType):
            return target.__code__
        target = _inner(target)
    return None


def _name_of(target: Any) -> Tuple[str, str]:
    """Name and qualified name."""
    if isinstance(target, functools.partial):
        target = target.func
    if hasattr(target, "__name__"):
        return target.__name__, getattr(target, "__qualname__", target.__name__)
    return "__call__", type(target).__qualname__ + ".__call__"


def forward(target: Callable[..., Any]) -> FunctionType:
    """A traced function that calls the target, and reads as it does: name, module, place."""
    call: Any = (_coroutine if _is_coroutine(target) else _plain)(target)
    name, qualname = _name_of(target)
    module = getattr(target, "__module__", None) or "builtins"
    code = _code_of(target)
    place = {
        "co_filename": code.co_filename if code else "<%s>" % module,
        "co_firstlineno": code.co_firstlineno if code else 1,
    }
    function = FunctionType(
        _codes.marked(_codes.renamed(call.__code__, name, qualname, **place)),
        # A frame's module is what its globals say.
        {"__name__": module, "__builtins__": builtins},
        name,
        None,
        call.__closure__,
    )
    function.__qualname__ = qualname
    functools.update_wrapper(function, target)
    for method in METHODS:
        if hasattr(target, method):
            function.__dict__.setdefault(method, getattr(target, method))
    return function
