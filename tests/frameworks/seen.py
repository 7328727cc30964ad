# SPDX-License-Identifier: MIT
"""A trace against what the clients saw (clients.py)."""
import collections
import itertools
import json
import re

import clients

UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
OF_CLOCKS = 2000  # us that the clocks of trace and client may differ
AFTER = 500_000  # us that a server may take to end a request that its client has

# The calls of web.work and of the handler that each kind of request is made of.
CALLS = {
    "ok": {"ok": 1, "answer": 1, "helper": 1},
    "err": {"err": 1, "fail": 1, "helper": 1},
    "stream": {"stream": 1, "parts": 1, "helper": 3},
    "threads": {"threads": 1, "run_thread": 1, "in_thread": 1, "answer": 1, "helper": 2},
    "tasks": {"tasks": 1, "run_tasks": 1, "in_task": 1, "in_thread": 1, "answer": 1, "helper": 3},
}
FUNCTIONS = {function for calls in CALLS.values() for function in calls} | {"explain"}
RAISERS = ("err", "fail")


class Trace:
    """The events of a run.

    requests, responses: by request_id; by_number: the id of each request, by what its path says.
    """

    def __init__(self, events, count=clients.REQUESTS):
        self.events, self.count = events, count
        lost = [e for e in events if e["event"] == "LOST"]
        assert not lost, lost[:5]
        self.requests = self._http("HTTP_REQUEST")
        self.responses = self._http("HTTP_RESPONSE")
        self.by_number = {int(e["path"].split("/")[2]): id_ for id_, e in self.requests.items()}

    def _http(self, kind):
        found = [e for e in self.events if e["event"] == kind]
        by_id = {e["request_id"]: e for e in found}
        assert len(found) == len(by_id) == self.count, "%d %s, %d ids, of %d" % (
            len(found), kind, len(by_id), self.count)
        return by_id


def check_request(one, request):
    """The HTTP_REQUEST line of what a client saw."""
    id_ = request["request_id"]
    assert request["path"] == "/%s/%d" % (one.kind, one.n), (one, request)
    assert request["method"] == one.method, (one, request)
    assert request["remote_addr"] == "127.0.0.1", request
    assert request["user_agent"] == one.agent, (one, request)
    assert id_ == one.given if one.given else UUID.fullmatch(id_), (one, request)
    assert one.id in (None, id_), (one, request)
    since = request["timestamp"] - one.sent
    assert -OF_CLOCKS < since < one.micros + OF_CLOCKS, (one, request)


def check_response(one, request, response):
    """Its HTTP_RESPONSE line."""
    for field in ("path", "method", "pid"):
        assert response[field] == request[field], (request, response)
    assert response["status_code"] == one.status, (one, response)
    micros = response["durationMicros"]
    assert abs(response["timestamp"] - request["timestamp"] - micros) <= 1, (request, response)
    assert response["durationMillis"] == micros // 1000, response
    assert micros < one.micros + AFTER, (one, response)
    assert one.took is None or micros >= one.took, (one, response)


def check_pairs(trace, seen):
    """Every request; returns how many clients were told the id."""
    for one in seen:
        assert one.n in trace.by_number, "no request in the trace: %s" % (one,)
        id_ = trace.by_number[one.n]
        check_request(one, trace.requests[id_])
        check_response(one, trace.requests[id_], trace.responses[id_])
    spent = sum(e["durationMicros"] for e in trace.responses.values())
    assert spent < 1.05 * sum(one.micros for one in seen), "durations are longer than the clients'"
    return sum(one.id is not None for one in seen)


def number_of(event):
    """The request that a call was made for, by its own parameter."""
    return json.loads(event["args"]).get("n")


def name_of(event):
    """ok, aok and ok_post are the same."""
    name = event["function"]
    name = name[:-len("_post")] if name.endswith("_post") else name
    return name[1:] if name[0] == "a" and name[1:] in FUNCTIONS else name


def check_calls(trace, seen, explained):
    """Every call that a request was handled with has its id, within its time; returns how many.
    explained: the application has a handler for errors."""
    made = {**CALLS, "err": {**CALLS["err"], "explain": 1}} if explained else CALLS
    found, spans = collections.defaultdict(collections.Counter), {}
    for event in trace.events:
        if event["event"] != "ENTER" or not event["module"].startswith("web."):
            continue
        spans[event["span"]] = event.get("request_id")
        n = number_of(event)
        if n is None:
            continue
        id_ = trace.by_number[n]
        assert event.get("request_id") == id_, (event, "belongs to", id_)
        begin, end = trace.requests[id_]["timestamp"], trace.responses[id_]["timestamp"]
        assert begin <= event["timestamp"] <= end, (event, begin, end)
        assert event["pid"] == trace.requests[id_]["pid"], event
        if name_of(event) in FUNCTIONS:
            found[n][name_of(event)] += 1
    for one in seen:
        assert found[one.n] == made[one.kind], (one, found[one.n])
    check_ends(trace, seen, spans)
    return sum(sum(calls.values()) for calls in found.values())


def check_ends(trace, seen, spans):
    """What a call ends with is its request's too; and what an error was raised in says so."""
    open_spans, raised = dict(spans), collections.Counter()
    for event in trace.events:
        if event["event"] not in ("EXIT", "EXCEPTION") or event["span"] not in spans:
            continue
        assert event.get("request_id") == spans[event["span"]], event
        if event["event"] == "EXIT":
            del open_spans[event["span"]]
        elif name_of(event) in RAISERS and event["exception"]["type"] == "Failed":
            raised[event["request_id"], event["exception"]["message"]] += 1
    assert not open_spans, "%d calls never ended" % len(open_spans)
    assert raised == {(trace.by_number[one.n], str(one.n)): len(RAISERS) for one in seen
                      if one.kind == "err"}


def at_once(trace):
    """The most requests that one process had at a time."""
    changes = collections.defaultdict(list)
    for id_, request in trace.requests.items():
        changes[request["pid"]] += [(request["timestamp"], 1),
                                    (trace.responses[id_]["timestamp"], -1)]
    return max(max(itertools.accumulate(step for _, step in sorted(those)))
               for those in changes.values())
