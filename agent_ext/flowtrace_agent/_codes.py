# SPDX-License-Identifier: MIT
"""Code objects whose calls are traced: copies, so that the original stays as it is.

A decorated function runs such a copy. It is made once for each original, also when a decorated
inner function is defined again and again, and goes when the original does.
"""
import weakref
from types import CodeType
from typing import Any, Dict, Optional, Tuple

from flowtrace_agent import _core

# By id of a code object, as code objects are equal when they only look alike: a weak reference
# to it, and its copies by name; None if it is a copy itself.
_Entry = Tuple["weakref.ref[CodeType]", Optional[Dict[Tuple[str, str], CodeType]]]
_entries: Dict[int, _Entry] = {}


def _entry(code: CodeType, copies: Optional[Dict[Tuple[str, str], CodeType]]) -> _Entry:
    key = id(code)
    found = _entries.get(key)
    if found is None:
        # The call-back runs before the id can be another's.
        alive = weakref.ref(code, lambda _, forget=_entries.pop: forget(key, None))
        found = _entries.setdefault(key, (alive, copies))
    return found


def traced(code: CodeType, name: str, qualname: str) -> CodeType:
    """The copy that is traced, under that name; a copy is its own."""
    copies = _entry(code, {})[1]
    if copies is None:
        return code
    copy = copies.get((name, qualname))
    if copy is None:
        copy = copies.setdefault((name, qualname), renamed(code, name, qualname))
        marked(copy)
    return copy


def marked(code: CodeType) -> CodeType:
    """Has the calls of a code object traced, of which there are no other functions."""
    _entry(code, None)
    _core.mark(code)
    return code


def is_traced(code: CodeType) -> bool:
    """Is it such a copy?"""
    found = _entries.get(id(code))
    return found is not None and found[1] is None


def renamed(code: CodeType, name: str, qualname: str, **changes: Any) -> CodeType:
    """A copy of a code object; releases before 3.11 keep no qualified name in it."""
    if hasattr(code, "co_qualname"):
        changes["co_qualname"] = qualname
    return code.replace(co_name=name, **changes)
