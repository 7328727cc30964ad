# SPDX-License-Identifier: MIT
"""The extension module (agent_ext/csrc): private, config.py and _run.py know it."""
from types import CodeType
from typing import Dict, Tuple

MAX_ARG_LENGTH: int
MAX_DEPTH: int
MAX_ITEMS: int

def start(
    *,
    output: str,
    to_stdout: bool,
    prefix: Tuple[str, ...],
    exclude: Tuple[str, ...],
    redact: Tuple[str, ...],
    max_arg_length: int,
    max_depth: int,
    max_items: int,
    args: bool,
    result: bool,
    overflow: str,
    segments: bool,
) -> None: ...
def stop() -> Dict[str, int]: ...
def flush() -> None: ...
def watch(on: bool) -> None: ...
def mark(code: CodeType) -> None: ...
def running() -> bool: ...
def watching() -> bool: ...
def is_stdlib(module: str) -> bool: ...
