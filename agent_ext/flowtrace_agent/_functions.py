# SPDX-License-Identifier: MIT
"""A function that is like another in everything that can be seen, but runs other code."""
import sys
from types import CodeType, FunctionType


def with_code(function: FunctionType, code: CodeType) -> FunctionType:
    """A copy of the function; its __wrapped__ is the function."""
    copy = FunctionType(
        code,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__qualname__ = function.__qualname__
    copy.__doc__ = function.__doc__
    copy.__module__ = function.__module__
    if function.__kwdefaults__ is not None:
        copy.__kwdefaults__ = dict(function.__kwdefaults__)
    copy_annotations(function, copy)
    if sys.version_info >= (3, 12):
        copy.__type_params__ = function.__type_params__
    copy.__dict__.update(function.__dict__)
    copy.__wrapped__ = function  # type: ignore[attr-defined]
    return copy


def copy_annotations(function: FunctionType, copy: FunctionType) -> None:
    """From 3.14 on they are a function that waits to be called: names in it may not exist yet."""
    annotate = getattr(function, "__annotate__", None)
    if annotate is not None:
        copy.__annotate__ = annotate  # type: ignore[attr-defined]
    else:
        copy.__annotations__ = function.__annotations__
