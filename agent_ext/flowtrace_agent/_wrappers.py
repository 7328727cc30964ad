# SPDX-License-Identifier: MIT
"""Methods of all kinds, properties and partials: another one like it, around a traced function.

A class that is derived from one of them may have a constructor that takes something else, and keeps
what it likes: it is not asked. The other one is made as its base makes it, and keeps the same.
"""
import functools
from types import MethodType
from typing import Any, Callable, Tuple

Trace = Callable[[Any], Any]


def _new(old: Any, base: Any, *args: Any, **kwargs: Any) -> Any:
    """Of the same class, as the base makes one of these."""
    new = base.__new__(type(old), *args, **kwargs)
    if base.__init__ is not object.__init__:
        base.__init__(new, *args, **kwargs)
    return new


def _keep(old: Any, new: Any) -> Any:
    """What is kept beside the function."""
    getattr(new, "__dict__", {}).update(getattr(old, "__dict__", {}))
    return new


def _method(method: MethodType, trace: Trace) -> MethodType:
    inner = trace(method.__func__)
    return method if inner is method.__func__ else MethodType(inner, method.__self__)


def _of_function(base: Any) -> Callable[[Any, Trace], Any]:
    """staticmethod or classmethod."""

    def other(old: Any, trace: Trace) -> Any:
        inner = trace(old.__func__)
        if inner is old.__func__:
            return old
        return _keep(old, _new(old, base, inner))

    return other


def _property(old: property, trace: Trace) -> property:
    before = (old.fget, old.fset, old.fdel)
    after = tuple(part if part is None else trace(part) for part in before)
    if all(one is other for one, other in zip(before, after)):
        return old
    if type(old) is property:  # its getter(), too, knows whose document it has
        for part, change in zip(after, ("getter", "setter", "deleter")):
            old = old if part is None else getattr(old, change)(part)
        return old
    new: property = _keep(old, _new(old, property, *after, old.__doc__))
    return new


def _of_attribute(name: str) -> Callable[[Any, Trace], Any]:
    """A class in Python that keeps the function, as all else, in its __dict__."""

    def other(old: Any, trace: Trace) -> Any:
        before = getattr(old, name)
        inner = trace(before)
        if inner is before:
            return old
        new = _keep(old, _new(old, object))
        setattr(new, name, inner)
        return new

    return other


def _partial(old: Any, trace: Trace) -> Any:
    """A partial of a traced function is all that a partial was."""
    inner = trace(old.func)
    if inner is old.func:
        return old
    return _keep(old, _new(old, functools.partial, inner, *old.args, **old.keywords))


def _single_dispatch_method(old: Any, trace: Trace) -> Any:
    """What is registered for it from now on is not traced, as with singledispatch()."""
    inner = trace(old.func)
    if inner is old.func:
        return old
    new = _new(old, functools.singledispatchmethod, inner)  # 3.13 has a cache in it
    for name, value in vars(old).items():
        vars(new).setdefault(name, value)
    for kind, function in old.dispatcher.registry.items():
        if kind is not object:
            new.dispatcher.register(kind, function)
    return new


KINDS: Tuple[Tuple[Any, Callable[[Any, Trace], Any]], ...] = (
    (MethodType, _method),
    (staticmethod, _of_function(staticmethod)),
    (classmethod, _of_function(classmethod)),
    (property, _property),
    (functools.cached_property, _of_attribute("func")),
    (functools.partialmethod, _of_attribute("func")),
    (functools.singledispatchmethod, _single_dispatch_method),
    (functools.partial, _partial),
)
