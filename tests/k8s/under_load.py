# SPDX-License-Identifier: MIT
"""Pods that are asked all the time, and what of that is in the trace of the node."""
import collections
import contextlib
import json
import subprocess
import sys
from pathlib import Path

import cluster

LOAD = Path(__file__).with_name("load.py")
TRACE = cluster.TRACES / "trace.jsonl"
# Of one request for /products/tea.
KINDS = {("HTTP_REQUEST", None), ("ENTER", "show_product"), ("EXIT", "show_product"),
         ("HTTP_RESPONSE", None)}


@contextlib.contextmanager
def asked(pods, path):
    """The requests, which are there once it ends."""
    requests = []
    addresses = [pod["status"]["podIP"] for pod in pods]
    hold = (cluster.RUN / "pids/hold").read_text().strip()
    with subprocess.Popen(["nsenter", "--target", hold, "--net", "--", sys.executable, LOAD, path, *addresses],
                          stdin=subprocess.PIPE) as process:
        try:
            yield requests
        finally:
            process.stdin.close()
            process.wait(timeout=30)
    requests += map(json.loads, path.read_text().splitlines())
    assert len(requests) > 20 and {one["status"] for one in requests} == {200}


def events():
    return cluster.events_in(TRACE)


def states():
    return [event for event in events() if event["event"] == "STATE"]


def of_requests(lines):
    """{id: its lines of KINDS}"""
    found = collections.defaultdict(list)
    for event in lines:
        kind = (event["event"], event.get("function"))
        if kind in KINDS and event.get("request_id"):
            found[event["request_id"]].append(event)
    return found


def whole(lines):
    return lines is not None and len(lines) == len(KINDS) and \
        {(event["event"], event.get("function")) for event in lines} == KINDS


def missing(requests, lines):
    """The requests of which a line is not in the trace, or is there twice."""
    found = of_requests(lines)
    return [one for one in requests if not whole(found.get(one["id"]))]


def settled(requests):
    """The lines of the trace, once all of these requests are in it, or they are not for a while."""
    with contextlib.suppress(AssertionError):
        cluster.until(lambda: not missing(requests, events()), 10)
    return events()


def lost(lines):
    """{reason: events}"""
    count = collections.Counter()
    for event in lines:
        if event["event"] == "LOST":
            count[event["reason"]] += event["count"]
    return count
