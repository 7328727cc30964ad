# SPDX-License-Identifier: MIT
"""Automatic tracing: every call of the modules that are wanted, in all threads."""
from typing import Optional

from flowtrace_agent._run import RUN
from flowtrace_agent.config import Config
from flowtrace_agent.logger import Logger


class FlowTraceTracer:
    """Automatic tracing with one Config. One tracer is active at a time: the last started."""

    def __init__(self, config: Optional[Config] = None) -> None:
        self.config = Config() if config is None else config
        self._logger: Optional[Logger] = None

    @property
    def active(self) -> bool:
        """Does it trace now?"""
        return RUN.tracer is self

    @property
    def logger(self) -> Logger:
        """For events of the program's own, in the same file; opened when it is first used."""
        if self._logger is None:
            self._logger = Logger(self.config)
        return self._logger

    def start(self) -> None:
        """Begins, or takes over settings that were changed.

        Raises OSError when the file cannot be opened, ValueError for a wrong setting; what was
        traced before continues then.
        """
        RUN.trace(self, self.config)

    def stop(self) -> None:
        """Ends it; everything is in the file then. Does nothing when it is not active."""
        RUN.end_trace(self)
        if self._logger is not None:
            self._logger.close()
            self._logger = None


def start_tracing(config: Optional[Config] = None) -> None:
    """Traces automatically from now on. Without a Config, it stays as it is if it is on."""
    if config is not None or RUN.tracer is None:
        FlowTraceTracer(config).start()


def stop_tracing() -> None:
    """Ends automatic tracing and writes all of it.

    Decorated functions are traced further if init_decorator_logger() was called.
    """
    if RUN.tracer is not None:
        RUN.tracer.stop()
