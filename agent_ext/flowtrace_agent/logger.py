# SPDX-License-Identifier: MIT
"""Writes events that a program makes itself, as lines of the same kind of file."""
import json
import os
import sys
import threading
import time
from typing import Any, Callable, Mapping, Optional

from flowtrace_agent._files import open_to_append
from flowtrace_agent.config import Config


def to_line(event: Mapping[str, Any], ascii_only: bool = False) -> str:
    """An event as a line; an ERROR line in its place when JSON cannot hold it."""
    try:
        return json.dumps(event, ensure_ascii=ascii_only, allow_nan=False)
    except Exception as why:  # a program's own mapping may raise anything
        message = "%s: %s" % (type(why).__name__, why)
        now = time.time_ns() // 1000
        error = {"event": "ERROR", "message": message, "timestamp": now}
        return json.dumps(error, ensure_ascii=ascii_only)


def print_line(event: Mapping[str, Any], line: str) -> None:
    """To standard output, which may know less than UTF-8."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(line + "\n")
    except UnicodeEncodeError:
        sys.stdout.write(to_line(event, ascii_only=True) + "\n")
    sys.stdout.flush()


class Logger:
    """Appends one JSON object a line to the file of a Config. Threads may share it."""

    def __init__(self, config: Optional[Config] = None) -> None:
        self.config = Config() if config is None else config
        self._lock = threading.Lock()
        # "-" is standard output, as for the tracer.
        to_file = self.config.logfile != "-"
        self._stdout = self.config.stdout or not to_file
        self._file = open_to_append(self.config.logfile) if to_file else None
        self._closed = False

    def log(self, event: Mapping[str, Any]) -> None:
        """Writes one event; does nothing once closed."""
        self.write(event, to_line(event))

    def write(self, event: Mapping[str, Any], line: str) -> None:
        """Writes the line of an event. A lone surrogate becomes the JSON escape that it is."""
        data = (line + "\n").encode("utf-8", "backslashreplace")
        with self._lock:
            if self._closed:
                return
            if self._file is not None:
                # In one piece, so that lines of other threads and processes stay whole.
                written = os.write(self._file, data)
                while written < len(data):  # a full disk raises here
                    written += os.write(self._file, data[written:])
            if self._stdout:
                print_line(event, line)

    def close(self) -> None:
        """Closes the file. A second time does nothing."""
        with self._lock:
            self._closed = True
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def __enter__(self) -> "Logger":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class AsyncLogger:
    """A Logger whose log() never blocks the event loop: a thread of its own writes, in order."""

    def __init__(self, config: Optional[Config] = None) -> None:
        # Not at the top: a program without a loop has no use for these two.
        from concurrent.futures import ThreadPoolExecutor

        self._logger = Logger(config)
        self.config = self._logger.config
        self._thread = ThreadPoolExecutor(1, "flowtrace-logger")

    async def log(self, event: Mapping[str, Any]) -> None:
        """Returns when the event, as it is now, is in the file."""
        await self._in_thread(self._logger.write, event, to_line(event))

    async def close(self) -> None:
        """Closes the file, once everything is in it."""
        await self._in_thread(self._logger.close)
        self._thread.shutdown(wait=False)

    async def _in_thread(self, function: Callable[..., None], *args: Any) -> None:
        from asyncio import get_running_loop

        await get_running_loop().run_in_executor(self._thread, function, *args)

    async def __aenter__(self) -> "AsyncLogger":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
