# SPDX-License-Identifier: MIT
"""Text and values to settings: one function for each kind.

Each takes the name to blame and a value, and returns the setting or raises ValueError with one
line. Text is what a FLOWTRACE_ variable or the command line holds.
"""
import os
from typing import Any, List

TRUE = ("true", "yes", "on", "1")
FALSE = ("false", "no", "off", "0")


def truth(name: str, value: Any) -> bool:
    """A switch."""
    if isinstance(value, (bool, int)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in TRUE + FALSE:
        return value.strip().lower() in TRUE
    raise ValueError("%s: %r is neither true nor false" % (name, value))


def limit(maximum: int) -> Any:
    """A whole number up to a maximum; 0 means the maximum."""

    def number(name: str, value: Any) -> int:
        if isinstance(value, str) and value.isascii() and value.strip().isdigit():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValueError("%s: %r is not a whole number" % (name, value))
        if value > maximum:
            raise ValueError(
                "%s: %d is too large, the maximum is %d (0 means the maximum)"
                % (name, value, maximum)
            )
        return int(value)

    return number


def path(name: str, value: Any) -> str:
    """A file."""
    if isinstance(value, (str, os.PathLike)):
        text = os.fspath(value)
        if isinstance(text, str) and text and "\0" not in text:
            return text
    raise ValueError("%s: %r is not the name of a file" % (name, value))


def names(name: str, value: Any) -> List[str]:
    """A comma list, or a list: each name once, without what is empty."""
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    if not isinstance(value, (list, tuple)):
        raise ValueError("%s: %r is neither a comma list nor a list of names" % (name, value))
    for item in value:
        if not isinstance(item, str):
            raise ValueError("%s: %r is not text" % (name, item))
    found = dict.fromkeys(item.strip() for item in value)
    return [item for item in found if item]


def prefixes(name: str, value: Any) -> List[str]:
    """Names of modules, or how they start."""
    found = names(name, value)
    for item in found:
        if "*" in item:
            raise ValueError("%s: %r: prefixes are plain text, leave the * out" % (name, item))
    return found


def comma_prefixes(name: str, value: Any) -> str:
    """The same as a comma list."""
    found = prefixes(name, value)
    return value if isinstance(value, str) else ",".join(found)


def choice(*words: str) -> Any:
    """One of some words."""

    def word(name: str, value: Any) -> str:
        if value not in words:
            raise ValueError("%s: %r is not one of %s" % (name, value, ", ".join(words)))
        return str(value)

    return word
