# SPDX-License-Identifier: MIT
"""Children that multiprocessing forks end with os._exit(): atexit is not asked there.

They run the finalizers of multiprocessing.util instead, after forgetting those of the parent. So
one is registered in each child, by what multiprocessing calls once it has forgotten.
"""
import os
import sys
import weakref
from typing import Any

LAST = -100  # after the finalizers of the program

_told: "weakref.WeakSet[Any]" = weakref.WeakSet()


def flush_at_end(run: Any) -> None:
    """run.flush() is called when a child ends. run: whatever lives as long as the process."""
    _tell(run)
    os.register_at_fork(before=lambda: _tell(run))


def _tell(run: Any) -> None:
    util = sys.modules.get("multiprocessing.util")
    if util is None or run in _told:
        return
    _told.add(run)
    _finalize(run)  # this may be such a child
    util.register_after_fork(run, _finalize)  # type: ignore[attr-defined]


def _finalize(run: Any) -> None:
    util: Any = sys.modules["multiprocessing.util"]
    util.Finalize(None, run.flush, exitpriority=LAST)
