# SPDX-License-Identifier: MIT
"""The settings of a trace.

One row a field: its FLOWTRACE_ variable, its default, and what reads its values. What is passed
to Config wins over the variable, which wins over the default.
"""
import os
from dataclasses import dataclass, field, fields
from typing import Any, Callable, Dict, List, Mapping

from flowtrace_agent import _core, _settings

REDACTED = "password,passwd,secret,token,authorization,api_key,cookie"


def _setting(variable: str, default: Any, read: Callable[[str, Any], Any]) -> Any:
    """A field that its variable gives when it is not passed; an empty variable is ignored."""

    def from_variable() -> Any:
        text = os.environ.get(variable)
        return read(variable, text) if text else read(variable, default)

    return field(default_factory=from_variable, metadata={"default": default, "read": read})


@dataclass
class Config:
    """How to trace; see the rows. Raises ValueError for a value that is wrong."""

    #: Comma list: modules whose dotted name starts with one of these.
    package_prefix: str = _setting("FLOWTRACE_PACKAGE_PREFIX", "", _settings.comma_prefixes)
    #: Appended to, created 0600; "-" is standard output.
    logfile: str = _setting("FLOWTRACE_LOGFILE", "flowtrace.jsonl", _settings.path)
    #: Also to standard output.
    stdout: bool = _setting("FLOWTRACE_STDOUT", False, _settings.truth)
    #: Characters of a rendered field; 0 = the most there can be.
    max_arg_length: int = _setting(
        "FLOWTRACE_MAX_ARG_LENGTH", 1000, _settings.limit(_core.MAX_ARG_LENGTH)
    )
    #: Modules whose dotted name starts with one of these are left out, whatever the prefix says.
    exclude_patterns: List[str] = _setting("FLOWTRACE_EXCLUDE", (), _settings.prefixes)
    #: Kept for compatibility: the agent always writes from a thread of its own.
    async_logging: bool = _setting("FLOWTRACE_ASYNC", False, _settings.truth)
    #: Nested containers; 0 = the most there can be.
    max_depth: int = _setting("FLOWTRACE_MAX_DEPTH", 6, _settings.limit(_core.MAX_DEPTH))
    #: Items of one container; 0 = the most there can be.
    max_items: int = _setting("FLOWTRACE_MAX_ITEMS", 64, _settings.limit(_core.MAX_ITEMS))
    capture_args: bool = _setting("FLOWTRACE_ARGS", True, _settings.truth)
    capture_result: bool = _setting("FLOWTRACE_RESULT", True, _settings.truth)
    #: Which way exceptions came: the entries of their tracebacks, in "stack" of EXCEPTION.
    stack: bool = _setting("FLOWTRACE_STACK", False, _settings.truth)
    #: Parameters and keys of dicts whose values become "***", besides those of redact_only.
    redact: List[str] = _setting("FLOWTRACE_REDACT", "", _settings.names)
    #: The same in place of the default list.
    redact_only: List[str] = _setting("FLOWTRACE_REDACT_ONLY", REDACTED, _settings.names)
    #: What a thread does that is faster than the file: "block" waits, "drop" counts what is lost.
    overflow: str = _setting("FLOWTRACE_OVERFLOW", "block", _settings.choice("block", "drop"))
    #: The full text of a cut field goes to a file of its own, beside the log.
    enable_segmentation: bool = _setting("FLOWTRACE_ENABLE_SEGMENTATION", False, _settings.truth)
    #: The folder of these files, seen from the log's folder.
    segment_directory: str = _setting(
        "FLOWTRACE_SEGMENT_DIRECTORY", "flowtrace-jsonsl", _settings.path
    )

    def __post_init__(self) -> None:
        self.validate()

    def validate(self) -> None:
        """Brings every field into its own type. None is a field that was not passed."""
        for row in fields(self):
            value = getattr(self, row.name)
            if value is None:
                value = row.default_factory()  # type: ignore[misc]
            setattr(self, row.name, row.metadata["read"](row.name, value))

    @classmethod
    def from_env(cls) -> "Config":
        """What the FLOWTRACE_ variables say, and defaults."""
        return cls()

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "Config":
        """What the dictionary says, and defaults; not the environment. Other keys are ignored."""
        values = {row.name: settings.get(row.name) for row in fields(cls)}
        for row in fields(cls):
            if values[row.name] is None:
                values[row.name] = row.metadata["default"]
        return cls(**values)

    def to_dict(self) -> Dict[str, Any]:
        """Every field; from_dict makes an equal Config of it."""
        values = {row.name: getattr(self, row.name) for row in fields(self)}
        return {name: list(v) if isinstance(v, list) else v for name, v in values.items()}
