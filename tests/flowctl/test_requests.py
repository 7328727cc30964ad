# SPDX-License-Identifier: MIT
"""flowctl requests against the same figures computed here."""
import collections
import json
import random
import re

import harness
import make_trace
import pytest
from conftest import FLOWCTL, lines_of

UUID = "6f1c2a9e-7d1b-4c3a-9e57-0b1f2c3d4e5f"


def fold(path):
    """Written from the words of the documentation, with regular expressions."""
    def segment(text):
        for pattern, name in ((r"-?\d+(\.\d+)?", "{n}"), (r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-"
                              r"[0-9a-fA-F]{12}", "{uuid}"),
                              (r"(?=.*\d)[0-9a-fA-F]{8,}|0[xX][0-9a-fA-F]+", "{hex}")):
            if re.fullmatch(pattern, text):
                return name
            found = re.fullmatch("(%s)(\\.[^.]*)" % pattern, text)
            if found and not re.fullmatch(r"-?\d+\.\d+", text):
                return name + found[found.lastindex]
        return text
    return "/".join(map(segment, path.split("?")[0].split("/")))


def percentile(ordered, percent):
    return ordered[-(-percent * len(ordered) // 100) - 1]


def compute(lines, exact=False, judge=lambda request: True):
    """rows, {(method, route, class): figures}; single requests by id."""
    single = collections.defaultdict(lambda: {"calls": 0, "traced": 0, "functions": {}})
    running, request_of = {}, {}
    for line in lines:
        event = json.loads(line)
        name, kind = event.get("request_id"), event["event"]
        if kind.startswith("HTTP_"):
            single[name].update({k: v for k, v in event.items() if v is not None})
        elif kind == "ENTER":
            running[event["span"]] = 0
            request_of[event["span"]] = name
            if name:
                single[name]["calls"] += 1
        elif kind == "EXIT":
            spent, own = event["durationMicros"], event["durationMicros"] - running.pop(
                event["span"])
            if event["parent"] in running:
                running[event["parent"]] += spent
            if name:
                function = single[name]["functions"].setdefault(
                    event["class"] + "." + event["function"], [0, 0, 0])
                for i, more in enumerate((1, spent, max(own, 0))):
                    function[i] += more
            if name and request_of.get(event["parent"]) != name:
                single[name]["traced"] += spent
    rows = collections.defaultdict(list)
    for request in single.values():
        if "path" in request and judge(request):
            status = "%dxx" % (request["status_code"] // 100) if "status_code" in request \
                else "open"
            route = request["path"] if exact else fold(request["path"])
            rows[request["method"], route, status].append(request)
    return {key: figures(some, key[2]) for key, some in rows.items()}, single


def figures(requests, status):
    row = {"count": len(requests), "errors": len(requests) if status == "5xx" else 0,
           "calls": sum(r["calls"] for r in requests),
           "tracedMicros": sum(r["traced"] for r in requests)}
    row["callsPerRequest"] = row["calls"] / row["count"]
    spent = sorted(r["durationMicros"] for r in requests) if status != "open" else []
    row["totalMicros"] = sum(spent)
    row["meanMicros"] = sum(spent) / len(spent) if spent else 0
    row["maxMicros"] = spent[-1] if spent else 0
    for percent in (50, 95, 99):
        row["p%dMicros" % percent] = percentile(spent, percent) if spent else 0
    return row


def compare(got, expected):
    rows = {(row["method"], row["route"], row["status"]): row for row in got["rows"]}
    assert len(rows) == len(got["rows"]) and set(rows) == set(expected)
    for key, want in expected.items():
        assert {name: rows[key][name] for name in want} == want, key


@pytest.fixture(scope="module")
def lines(trace):
    return trace.read_bytes().splitlines()


@pytest.mark.parametrize("options", [[], ["--exact"]])
def test_figures(flowctl, trace, lines, options):
    expected, _ = compute(lines, bool(options))
    got = flowctl.json("requests", trace, *options)
    compare(got, expected)
    assert ("GET", "/orders/17" if options else "/orders/{n}", "2xx") in expected
    count = {status: sum(row["count"] for key, row in expected.items() if key[2] == status)
             for status in ("2xx", "5xx", "open")}
    assert got["requests"] == count["2xx"] + count["5xx"] and got["errors"] == count["5xx"] > 5
    assert got["unfinished"] == count["open"] == len(got["unfinishedRequests"]) > 1


def test_where(flowctl, trace, lines):
    """By both lines of a request: the address is on one, the status on the other."""
    got = flowctl.json("requests", trace, "-w",
                       "remote_addr=127.* and status_code<500 and durationMicros>100us")
    expected, _ = compute(lines, judge=lambda r: r.get("status_code", 999) < 500 and
                          r["durationMicros"] > 100)
    compare(got, expected)
    assert len(expected) > 5 and got["unfinished"] == 0


def test_the_slowest(flowctl, trace, lines):
    _, single = compute(lines)
    answered = [r for r in single.values() if "status_code" in r]
    answered.sort(key=lambda r: -r["durationMicros"])
    got = flowctl.json("requests", trace, "--slow", 20)["slow"]
    assert [r["durationMicros"] for r in got] == [r["durationMicros"] for r in answered[:20]]
    for request in got:
        want = single[request["request_id"]]
        assert request["path"] == want["path"] and request["calls"] == want["calls"]
        assert request["tracedMicros"] == want["traced"]
        own = [f["selfMicros"] for f in request["functions"]]
        assert own == sorted((f[2] for f in want["functions"].values()), reverse=True)[:10]
        for function in request["functions"]:
            assert [function["calls"], function["totalMicros"], function["selfMicros"]] == \
                want["functions"][function["name"]]
    assert sum(len(r["functions"]) for r in got) > 30


def test_folding(flowctl, tmp_path):
    """Random paths, folded here by other means."""
    chance = random.Random(4)
    pieces = ["item", "12", "-3", "1.5", UUID, UUID.upper(), "9f86d081", "facade12", "deadbeef",
              "0x1f", "a.12", "12.png", "x", "", "v2", "12345678", "1.2.3", "é", UUID + ".json",
              "1.", ".5", "-"]
    events, paths = [], set()
    for i in range(400):
        path = "/" + "/".join(chance.choice(pieces) for _ in range(chance.randrange(1, 4)))
        paths.add(path)
        events.append({"timestamp": i, "event": "HTTP_RESPONSE", "request_id": str(i),
                       "method": "GET", "path": path, "status_code": 200, "durationMicros": 1})
    (tmp_path / "t").write_bytes(lines_of(*events))
    got = {row["route"] for row in flowctl.json("requests", tmp_path / "t")["rows"]}
    assert got == set(map(fold, paths))
    assert 20 < len(got) < len(paths)


def http(kind, name, us, pid=1, **more):
    return {"timestamp": us, "event": "HTTP_" + kind, "request_id": name, "method": "GET",
            "path": "/a/1", "pid": pid, "tid": pid, **more}


def called(kind, span, name, us, parent=0, pid=1, **more):
    return {"timestamp": us, "event": kind, "module": "m", "function": "f%d" % span, "span": span,
            "parent": parent, "pid": pid, "tid": pid, "request_id": name, **more}


@pytest.mark.parametrize("orders", range(4))
def test_lines_of_threads_are_in_no_order(flowctl, tmp_path, orders):
    """The calls of a request may be told before it and end after its answer."""
    calls = [called("ENTER", 1, "r", 2), called("ENTER", 2, "r", 3, 1),
             called("EXIT", 2, "r", 5, 1, durationMicros=2),
             called("EXIT", 1, "r", 8, durationMicros=6)]
    ask, answer = http("REQUEST", "r", 1), http("RESPONSE", "r", 9, status_code=201,
                                                durationMicros=8)
    events = [[ask, *calls, answer], [ask, answer, *calls[:0], *calls],
              [calls[0], ask, calls[1], answer, *calls[2:]],
              [ask, calls[0], answer, *calls[1:]]][orders]
    (tmp_path / "t").write_bytes(lines_of(*events))
    got = flowctl.json("requests", tmp_path / "t", "--slow", 1)
    assert (got["requests"], got["unfinished"]) == (1, 0)
    row = got["rows"][0]
    assert (row["route"], row["status"], row["maxMicros"]) == ("/a/{n}", "2xx", 8)
    # What begins after the answer, when no call is open, is none of its calls.
    assert (row["calls"], row["tracedMicros"]) == ((2, 6) if orders != 1 else (0, 0))


def test_an_id_that_is_used_again(flowctl, tmp_path):
    """By another process at the same time, and by the same one before the answer."""
    events = [http("REQUEST", "r", 1), http("REQUEST", "r", 2, pid=2),
              called("ENTER", 1, "r", 3), called("ENTER", 2, "r", 3, pid=2),
              called("EXIT", 2, "r", 4, pid=2, durationMicros=1),
              called("EXIT", 1, "r", 9, durationMicros=6),
              http("RESPONSE", "r", 10, status_code=200, durationMicros=9),
              http("RESPONSE", "r", 11, pid=2, status_code=500, durationMicros=9),
              http("REQUEST", "r", 20), http("REQUEST", "r", 21),
              http("RESPONSE", "r", 22, status_code=200, durationMicros=1),
              http("RESPONSE", None, 30, status_code=99999, durationMicros=1)]
    (tmp_path / "t").write_bytes(lines_of(*events))
    got = flowctl.json("requests", tmp_path / "t", "--slow", 9)
    assert {row["status"]: (row["count"], row["calls"], row["tracedMicros"])
            for row in got["rows"]} == {"2xx": (2, 1, 6), "5xx": (1, 1, 1), "open": (1, 0, 0),
                                        "?": (1, 0, 0)}
    assert len(got["slow"]) == 4 and got["unfinishedRequests"][0]["request_id"] == "r"


def test_text(flowctl, tmp_path):
    events = [http("REQUEST", "r", 1), called("ENTER", 1, "r", 2),
              called("EXIT", 1, "r", 1002, durationMicros=1000),
              http("RESPONSE", "r", 2001, status_code=503, durationMicros=2000),
              http("REQUEST", "s\033", 1)]
    (tmp_path / "t").write_bytes(lines_of(*events))
    text = flowctl("requests", tmp_path / "t", "--slow", 1, TZ="UTC")[0]
    assert text.splitlines() == [
        "count  err     mean      p50      p95      p99      max  calls   traced  status  method"
        "  route",
        "    1    1  2.00 ms  2.00 ms  2.00 ms  2.00 ms  2.00 ms    1.0  1.00 ms  5xx     GET   "
        "  /a/{n}",
        "    1                                                      0.0     0 µs  open    GET   "
        "  /a/{n}", "",
        "2.00 ms  GET /a/1  503",
        "    began 1970-01-01 00:00:00.000001 in (pid 1, tid 1), 1 calls, line 4 of the trace",
        "    request r",
        "    self 1.00 ms of 1.00 ms, 1 x m.f1", "",
        "1 requests, 1 answered with an error (5xx), 1 without an answer",
        "without an answer: GET /a/1, began 1970-01-01 00:00:00.000001 in (pid 1, tid 1), 0 calls"]


def test_no_requests(flowctl, tmp_path):
    (tmp_path / "t").write_bytes(lines_of(called("ENTER", 1, None, 2)))
    assert flowctl("requests", tmp_path / "t")[0] == \
        "0 requests, 0 answered with an error (5xx), 0 without an answer\n"
    flowctl.refused("requests", tmp_path / "t", "-w", "(", status=2, says=["a condition is missing"])


@pytest.mark.parametrize("sort, field", [("total", "totalMicros"), ("count", "count"),
                                         ("p95", "p95Micros"), ("calls", "callsPerRequest"),
                                         ("route", "route")])
def test_sort(flowctl, trace, sort, field):
    rows = flowctl.json("requests", trace, "--sort", sort)["rows"]
    values = [row[field].encode() if field == "route" else row[field] for row in rows]
    assert values == sorted(values, reverse=field != "route") and len(set(values)) > 3
    assert flowctl.json("requests", trace, "--sort", sort, "-n", 3)["rows"] == rows[:3]


def test_many_routes_and_memory(flowctl, tmp_path):
    """Paths without end: they are counted together, and memory does not grow."""
    peaks = []
    for count in (20_000, 200_000):
        path = tmp_path / str(count)
        with open(path, "w", encoding="utf-8") as out:
            for i in range(count):
                for event in (http("REQUEST", "r%d" % i, i, path="/x%x" % i),
                              http("RESPONSE", "r%d" % i, i, path="/x%x" % i, status_code=200,
                                   durationMicros=i % 9)):
                    out.write(json.dumps(event) + "\n")
        peaks.append(harness.peak_memory(FLOWCTL, "requests", "--json", "--slow", 10, path)[0])
        got = flowctl.json("requests", path)
        assert len(got["rows"]) == 10_001 and sum(r["count"] for r in got["rows"]) == count
        assert max(got["rows"], key=lambda r: r["count"])["route"] is None
    assert peaks[1] < peaks[0] + 2048, peaks


def test_other_shapes(flowctl, tmp_path):
    for seed in range(3):
        path = tmp_path / str(seed)
        with open(path, "wb") as out:
            make_trace.make(out, 9000, seed=seed, threads=1 + 5 * seed, functions=3 + 40 * seed)
        compare(flowctl.json("requests", path), compute(path.read_bytes().splitlines())[0])
