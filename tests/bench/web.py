# SPDX-License-Identifier: MIT
"""What tracing costs a busy server: Flask under gunicorn, one worker, asked by wrk."""

import contextlib
import os
import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import request
import rows
import traced
from traced import harness

SECONDS = 2
CONNECTIONS = 4
PROGRAM = (*request.GUNICORN, "served.app:app")
PREFIX = "served.app"
NEEDED = ("gunicorn", "flask")
COLUMNS = (
    ("cpu", "CPU", 0, "us of the worker a request, all its threads"),
    ("bare", "/ bare", 2, "times that of the bare server of the same round"),
    ("machine", "machine", 0, "us that the machine was busy a request, wrk and all else included"),
    ("rate", "requests", 0, "a second"),
    ("p50", "p50", 2, "ms until the answer, %d requests at a time" % CONNECTIONS),
    ("p99", "p99", 2, "ms"),
    ("events", "events", 1, "a request"),
    ("lost", "lost", 0, "events, in all rounds"),
    ("collector", "collector", 0, "us of CPU of the collector a request"),
)
MS = {"us": 1e-3, "ms": 1, "s": 1e3}


def wrk(port):
    """(requests, seconds, p50 in ms, p99 in ms)"""
    _, out, _ = harness.run(["taskset", "-c", str(os.cpu_count() - 1), "wrk", "-t1",
                             "-c%d" % CONNECTIONS, "-d%ds" % SECONDS, "--latency",
                             "http://127.0.0.1:%d/world" % port], check=0)
    done = re.search(r"(\d+) requests in ([\d.]+)s", out)
    if not done or "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit("bench: wrk: " + out)
    p50, p99 = (float(n) * MS[unit] for n, unit in re.findall(r"(?:50|99)%\s+([\d.]+)(\w+)", out))
    return int(done[1]), float(done[2]), p50, p99


def busy_us():
    """What all processors have run; the fourth and fifth figure are idle time."""
    ticks = [int(n) for n in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) * 1e6 / os.sysconf("SC_CLK_TCK")


def loaded(server):
    """What a request costs while it is asked all the time."""
    before, busy = request.cpu_us(server.pid)[1], busy_us()
    requests, seconds, p50, p99 = wrk(server.port)
    return {"cpu": (request.cpu_us(server.pid)[1] - before) / requests, "requests": requests,
            "machine": (busy_us() - busy) / requests, "rate": requests / seconds,
            "p50": p50, "p99": p99}


def counted(server):
    counter = traced.Counter(server.pid)
    with contextlib.closing(counter):
        return loaded(server)


def collected(server, prefix, output):
    collector = traced.Collector(server.pid, prefix, output)
    server.ask()
    before = traced.cpu_ns(collector.pid)
    found = loaded(server)
    spent = (traced.cpu_ns(collector.pid) - before) / 1e3 / found["requests"]
    events, lost = collector.close()
    output.unlink()
    return {**found, "collector": spent, "events": events / found["requests"], "lost": lost}


def agent(place):
    """A server of its own."""
    log = place.path / "inside.jsonl"
    with contextlib.closing(request.Server(place, PROGRAM, SERVED_TRACE="1",
                                           FLOWTRACE_LOGFILE=place.inside(log),
                                           FLOWTRACE_PACKAGE_PREFIX=PREFIX)) as server:
        server.serve(50)
        lines = sum(1 for _ in open(log, "rb"))
        found = loaded(server)
        server.serve(1)
    found["events"] = (sum(1 for _ in open(log, "rb")) - lines) / found["requests"]
    log.unlink()
    return found


def one_round(place, output):
    with contextlib.closing(request.Server(place, PROGRAM)) as server:
        server.serve(100)
        found = {"bare": loaded(server), "count only": counted(server),
                 "-P the application": collected(server, PREFIX, output),
                 "no -P": collected(server, None, output)}
    return {**found, "agent": agent(place)}


def table_of(number):
    """Without rows where something is missing."""
    system = next(i for i in harness.interpreters() if i.name == "system")
    table = rows.Table("Flask, gunicorn, wrk", COLUMNS)
    with tempfile.TemporaryDirectory(prefix="flowtrace-bench-") as name:
        place = request.Place(system, Path(name))
        if place.add_package() or not shutil.which("wrk") or not all(map(place.has, NEEDED)):
            traced.say("")
            print("bench: no requests: gunicorn, Flask or wrk is missing", file=sys.stderr)
            return table
        rounds = []
        for n in range(number):
            traced.say("%s: round %d of %d" % (table.title, n + 1, number))
            rounds.append(one_round(place, place.path / "trace.jsonl"))
    traced.say("")
    for how in rounds[0]:
        cells = {key: statistics.median(one[how][key] for one in rounds)
                 for key, *_ in COLUMNS if key in rounds[0][how]}
        if "lost" in cells:
            cells["lost"] = sum(one[how]["lost"] for one in rounds)
        cells["bare"] = statistics.median(one[how]["cpu"] / one["bare"]["cpu"] for one in rounds)
        table.add(how, **cells)
    return table
