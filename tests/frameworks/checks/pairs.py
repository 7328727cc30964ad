# SPDX-License-Identifier: MIT
"""What is asked of a trace with requests in it."""
import contextlib
import os
import re

import support
from flowtrace_agent import Config, start_tracing, stop_tracing

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
REQUEST = ["timestamp", "event", "request_id", "method", "path", "remote_addr", "user_agent", "pid",
           "tid", "thread"]
RESPONSE = ["timestamp", "event", "request_id", "method", "path", "status_code", "durationMicros",
            "durationMillis", "pid", "tid", "thread"]


class Trace:
    """Filled when tracing() ends."""

    def __init__(self):
        self.events = []

    def of(self, kind):
        return [event for event in self.events if event["event"] == kind]

    def pair(self):
        """The one request of the trace, and its response."""
        (request,), (response,) = self.of("HTTP_REQUEST"), self.of("HTTP_RESPONSE")
        return request, response

    def status(self):
        return self.pair()[1]["status_code"]

    def calls(self):
        """{function: the request ids on its lines}."""
        found = {}
        for event in self.events:
            if "function" in event:
                found.setdefault(event["function"], set()).add(event.get("request_id"))
        return found

    def check(self):
        """Pairs, in order, with all fields."""
        open_ = {}
        for event in self.events:
            if event["event"] == "HTTP_REQUEST":
                assert list(event) == REQUEST, event
                assert event["request_id"] not in open_
                open_[event["request_id"]] = event
            elif event["event"] == "HTTP_RESPONSE":
                assert list(event) == RESPONSE, event
                request = open_.pop(event["request_id"])
                assert (event["method"], event["path"]) == (request["method"], request["path"])
                took = event["timestamp"] - request["timestamp"]
                assert abs(took - event["durationMicros"]) <= 1
                assert event["durationMillis"] == event["durationMicros"] // 1000
        assert not open_, open_


@contextlib.contextmanager
def tracing(**settings):
    """The calls of a check and its requests."""
    trace = Trace()
    with contextlib.suppress(FileNotFoundError):
        os.unlink("t.jsonl")
    start_tracing(Config(logfile="t.jsonl", package_prefix="wsgi,asgi,on_,__main__", **settings))
    try:
        yield trace
    finally:
        stop_tracing()
        trace.events = support.events("t.jsonl")
    trace.check()
