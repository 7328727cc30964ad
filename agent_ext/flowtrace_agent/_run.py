# SPDX-License-Identifier: MIT
"""The one run of the process: who wants it on, and with which settings.

Two may want it: automatic tracing, and decorators that were initialised on their own. While
automatic tracing is on its settings hold for all, so that one call makes one event; when it
stops, the run continues for the decorators, with theirs.
"""
import atexit
import os
import sys
import threading
from typing import Any, Dict, Optional

from flowtrace_agent import _children, _core, _files, _settings
from flowtrace_agent.config import Config

Settings = Dict[str, Any]


def settings_of(config: Config) -> Settings:
    """What the extension must know; the file's name as it is now, whatever chdir() does later."""
    config.validate()
    to_file = config.logfile != "-"
    return {
        "output": os.path.abspath(config.logfile) if to_file else "-",
        "to_stdout": config.stdout and to_file,
        "prefix": tuple(_settings.prefixes("package_prefix", config.package_prefix)),
        "exclude": (*config.exclude_patterns, "flowtrace_agent."),
        "redact": tuple(dict.fromkeys(config.redact_only + config.redact)),
        "max_arg_length": config.max_arg_length,
        "max_depth": config.max_depth,
        "max_items": config.max_items,
        "args": config.capture_args,
        "result": config.capture_result,
        "stack": config.stack,
        "overflow": config.overflow,
        "segments": config.enable_segmentation,
        "segment_folder": _files.segments_of(config.logfile, config.segment_directory),
    }


def same_output(one: Settings, other: Settings) -> bool:
    """Do they differ at most in the modules that automatic tracing follows?"""
    which = ("prefix", "exclude")
    return all(one[key] == other[key] for key in one if key not in which)


class Run:
    """Starts and stops the extension."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._known = False  # to atexit
        self._current: Optional[Settings] = None  # of what runs
        self._tracing: Optional[Settings] = None
        self._decorating: Optional[Settings] = None
        self.tracer: Any = None  # that started automatic tracing

    def trace(self, tracer: object, config: Config) -> None:
        """Automatic tracing on, in place of any other."""
        with self._lock:
            self._want(settings_of(config), self._decorating)
            self.tracer = tracer

    def end_trace(self, tracer: object) -> None:
        """Automatic tracing off, if it is this tracer's. All that was recorded is written."""
        with self._lock:
            if self.tracer is not None and self.tracer is tracer:
                self.tracer = None
                self._want(None, self._decorating)

    def decorate(self, config: Optional[Config]) -> None:
        """Decorated functions on; None: with the settings that they have, if any."""
        with self._lock:
            if config is not None or self._decorating is None:
                self._want(self._tracing, settings_of(Config() if config is None else config))

    def decorate_no_more(self) -> None:
        """Decorated functions off, but for those that automatic tracing takes along."""
        with self._lock:
            self._want(self._tracing, None)

    def flush(self) -> None:
        """What was recorded so far is in the file."""
        with self._lock:
            if self._current is not None:
                _core.flush()

    def _want(self, tracing: Optional[Settings], decorating: Optional[Settings]) -> None:
        self._meet_exit()
        try:
            failure = self._switch(tracing, decorating)
        except Exception:
            self._switch(self._tracing, self._decorating)  # as it was before
            raise
        self._tracing, self._decorating = tracing, decorating
        if failure is not None:
            raise failure

    def _switch(
        self, tracing: Optional[Settings], decorating: Optional[Settings]
    ) -> Optional[OSError]:
        """Returns what the run before could not write: it has ended all the same."""
        wanted = decorating if tracing is None else tracing
        current, failure = self._current, None
        if current is not None and tracing is None:
            _core.watch(False)
            if wanted is not None and same_output(current, wanted):
                wanted = current  # calls that are open stay so
        if wanted != current:
            if current is not None:
                self._current = None
                try:
                    _core.stop()
                except OSError as why:
                    failure = why
            if wanted is not None:
                begin(wanted)
                self._current = wanted
        elif wanted is not None:
            _core.flush()
        if tracing is not None:
            _core.watch(True)
        return failure

    def _meet_exit(self) -> None:
        """Whatever way the process ends, the trace is whole."""
        if not self._known:
            self._known = True
            atexit.register(self._at_exit)
            os.register_at_fork(after_in_child=self._forked)
            _children.flush_at_end(self)

    def _forked(self) -> None:
        self._lock = threading.RLock()  # a thread that has ended may have held it

    def _at_exit(self) -> None:
        with self._lock:
            self.tracer = None
            try:
                self._want(None, None)
            except OSError as why:
                print("flowtrace_agent: %s" % why, file=sys.stderr)


def begin(settings: Settings) -> None:
    """Starts the extension; folders of the file are made."""
    _files.make_folder_of(settings["output"])
    _core.start(**settings)


#: The extension is one, also where the package is imported a second time.
RUN: Run = _core.kept.setdefault("run", Run())
