# SPDX-License-Identifier: MIT
"""What the checks share."""
import contextlib
import json
import os
import sys

from flowtrace_agent import Config, init_decorator_logger
from flowtrace_agent._run import RUN


class Skipped(Exception):
    """Not for this release."""


def from_release(minor):
    """Skips before Python 3.minor."""
    if sys.version_info < (3, minor):
        raise Skipped()


def quiet():
    """As a program is before it traces anything."""
    RUN._at_exit()
    RUN._tracing = RUN._decorating = None


def events(path="flowtrace.jsonl"):
    """The lines of a trace."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def calls(path="flowtrace.jsonl"):
    """The functions that were entered."""
    return [event["function"] for event in events(path) if event["event"] == "ENTER"]


@contextlib.contextmanager
def decorated():
    """Decorated functions are traced in here; afterwards the list yielded holds the events."""
    found = []
    init_decorator_logger(Config(logfile="decorated.jsonl"))
    try:
        yield found
    finally:
        quiet()
        found += events("decorated.jsonl")
        os.unlink("decorated.jsonl")


def raises(kind, function, *args, says="", **kwargs):
    """The exception that a call must raise, one line of text with this word in it."""
    try:
        function(*args, **kwargs)
    except kind as why:
        assert says in str(why) and "\n" not in str(why), str(why)
        return why
    raise AssertionError("no %s" % kind.__name__)
