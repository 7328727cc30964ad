#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench http: what an HTTP request costs, from inside and from outside.

All that is compared is measured side by side in interleaved rounds, as CPU time of the process that
serves: from outside the least of the rounds, from inside their medians. Only the handler is traced:
one call a request.
"""
import argparse
import contextlib
import functools
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import calls
import traced
from traced import harness

sys.path.append(str(traced.ROOT / "agent_ext"))
import intree  # noqa: E402 - from agent_ext/

SERVED = Path(__file__).with_name("served")
INSIDE_BOUND = 15  # us added by a wrapper that traces
OUTSIDE_BOUND = 3  # traps' worth above the tracing of functions
GUNICORN = ("-m", "gunicorn", "--log-level", "error", "--bind", "127.0.0.1:{port}", "-k", "sync")
UVICORN = ("-m", "uvicorn", "--log-level", "error", "--no-access-log", "--port", "{port}")
SERVERS = {  # name: (what must be there, arguments of Python)
    "gunicorn, WSGI": (("gunicorn",), GUNICORN + ("served.plain:app",)),
    "gunicorn, Flask": (("gunicorn", "flask"), GUNICORN + ("served.on_flask:app",)),
    "uvicorn, ASGI": (("uvicorn",), UVICORN + ("served.plain:asgi",)),
    "uvicorn h11, ASGI": (("uvicorn",), UVICORN + ("--loop", "asyncio", "--http", "h11",
                                                   "served.plain:asgi")),
    "uvicorn, FastAPI": (("uvicorn", "fastapi"), UVICORN + ("served.on_fastapi:app",)),
}
LOOPS = {"WSGI loop": "wsgi", "ASGI loop": "asgi"}
REQUESTS = {"loop": 2000, "server": 400}  # a pass
PREFIX = "served.handler"


# ---- who serves -------------------------------------------------------------------------------


class Place:
    """An interpreter in a folder of its own, with what is served; a copy, since a collector that
    follows children has its probes in the file."""

    def __init__(self, interpreter, path):
        self.interpreter, self.path = interpreter, path
        self.root = interpreter.root
        program = os.path.realpath(str(self.root or "") + interpreter.python)
        self.python = self.inside(shutil.copy(program, path))
        shutil.copytree(SERVED, path / "served", ignore=shutil.ignore_patterns("__pycache__"))

    def inside(self, path):
        """A path as the interpreter sees it."""
        return str(path) if self.root is None else "/" + str(Path(path).relative_to(self.root))

    def argv(self, *args):
        before = [] if self.root is None else ["chroot", str(self.root)]
        return [*before, "env", "-C", self.inside(self.path), self.python, *args]

    def environment(self, **more):
        return harness.environment(PYTHONPATH=self.inside(self.path), PYTHONDONTWRITEBYTECODE="1",
                                   **more)

    def add_package(self):
        """flowtrace_agent; returns why there is none."""
        why = intree.build([self.interpreter])[self.interpreter]
        if why is None:
            shutil.copytree(intree.BUILD / self.interpreter.name / "flowtrace_agent",
                            self.path / "flowtrace_agent")
        return why

    @functools.lru_cache(maxsize=None)
    def has(self, module):
        return harness.run(self.argv("-c", "import " + module), env=self.environment())[0] == 0


class Loop:
    """A loop that serves requests without a network."""

    def __init__(self, place, name):
        self.kind, self.done = LOOPS[name], 0
        self.process = harness.start(place.argv("-m", "served.loops", "outside"), text=True,
                                     env=place.environment(), stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE)
        self.pid = self.process.pid
        os.sched_setaffinity(self.pid, {0})
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit("bench: no loop in " + repr(place.interpreter))

    def serve(self, requests=REQUESTS["loop"]):
        """us of CPU a request."""
        self.process.stdin.write("%s %d\n" % (self.kind, requests))
        self.process.stdin.flush()
        self.done += requests
        return float(self.process.stdout.readline())

    def close(self):
        harness.kill_session(self.process)


def cpu_us(pid):
    """What a process has run, now that it waits: its first thread, which serves; all of them."""
    ran = {int(task.name): int((task / "schedstat").read_text().split()[0]) / 1000
           for task in Path("/proc/%d/task" % pid).iterdir()}
    return ran[pid], sum(ran.values())


class Server:
    """A real one with one worker, and a client that asks one request after the other."""

    def __init__(self, place, program, **environment):
        self.done, self.clock_us, self.all_us = 0, 0, 0
        self.port = harness.free_port()
        self.log = place.path / "log"
        argv = [word.replace("{port}", str(self.port)) for word in program]
        with open(self.log, "wb") as log:
            self.process = harness.start(place.argv(*argv), env=place.environment(**environment),
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        os.sched_setaffinity(self.process.pid, {0})
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            harness.wait_for("a response of " + program[-1], self.answers, 15)
            self.pid = self.worker() if "gunicorn" in program else self.process.pid
        except BaseException:
            self.close()
            raise

    def answers(self):
        if self.process.poll() is not None:
            raise SystemExit("bench: " + self.log.read_text()[-2000:])
        with contextlib.suppress(OSError):
            self.ask()
            return True
        self.connection.close()
        return False

    def worker(self):
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as file:
            return int(file.read().split()[0])

    def ask(self):
        self.connection.request("GET", "/world?page=1", headers={"User-Agent": "bench"})
        answer = self.connection.getresponse()
        if answer.status != 200 or b"Hello" not in answer.read():
            raise SystemExit("bench: status %d, %s" % (answer.status, self.log.read_text()[-2000:]))

    def serve(self, requests=REQUESTS["server"]):
        """us of CPU a request of the thread that serves; all_us: of all threads, clock_us: by the
        client's clock."""
        before, clock = cpu_us(self.pid), time.perf_counter_ns()
        for _ in range(requests):
            self.ask()
        self.clock_us = (time.perf_counter_ns() - clock) / 1000 / requests
        self.done += requests
        time.sleep(0.005)  # what it does behind the response
        mine, self.all_us = ((now - then) / requests for now, then in zip(cpu_us(self.pid), before))
        return mine

    def close(self):
        self.connection.close()
        harness.kill_session(self.process)


def serving(place, name, **environment):
    """A Loop or a Server; None where something is missing."""
    if name in LOOPS:
        return Loop(place, name)
    if all(map(place.has, SERVERS[name][0])):
        return Server(place, SERVERS[name][1], **environment)
    return None


# ---- from outside -----------------------------------------------------------------------------


def least(serving, passes=3):
    """us a request once what is new is known: what disturbs can only add."""
    serving.serve(50)
    return min(serving.serve() for _ in range(passes))


def counted(serving, *what):
    """Under the counting program: (us a request, (hits a request, copies a request))."""
    counter, before = traced.Counter(serving.pid, *what), serving.done
    took = least(serving)
    return took, tuple(n / (serving.done - before) for n in counter.close())


def collected(serving, output, events, *options):
    """Under the collector, which must see so many events a request."""
    collector, before = traced.Collector(serving.pid, PREFIX, output, *options), serving.done
    took = least(serving)
    seen, lost = collector.close()
    wanted = events * (serving.done - before)
    if seen != wanted or lost:
        raise SystemExit("bench: %d events and %d lost, not %d" % (seen, lost, wanted))
    output.unlink()
    return took


def outside_round(serving, output):
    """One figure of each kind. Traps and hits are per request, times in us."""
    nothing = least(serving)
    one = {"nothing": nothing}
    count, (one["traps"], _) = counted(serving)
    one["calls"] = collected(serving, output, 2, "--no-http")
    one["http"] = collected(serving, output, 4, "--http")
    contexts, (one["made"], one["copied"]) = counted(serving, "contexts")
    one["counted"], one["contexts"] = count, contexts
    return one


def derived(one):
    """The figures of a round, or of all of them, with what follows from them."""
    trap = (one["counted"] - one["nothing"]) / one["traps"]
    above = one["http"] - one["calls"]
    return {**one, "trap": trap, "contexts": one["contexts"] - one["nothing"], "above": above,
            "ratio": above / trap}


def best(rounds):
    """The least of each figure: what disturbs can only add. Of the ratio also what it was in the
    single rounds."""
    row = derived({key: min(one[key] for one in rounds) for key in rounds[0]})
    ratios = [derived(one)["ratio"] for one in rounds]
    return {**row, "least": min(ratios), "most": max(ratios)}


def measure_outside(place, name, rounds):
    served = serving(place, name)
    if served is None:
        return None
    try:
        served.serve(500)
        found = []
        for number in range(rounds):
            traced.say("%s, %s, outside: round %d of %d" % (place.interpreter, name, number + 1,
                                                            rounds))
            found.append(outside_round(served, place.path / "trace.jsonl"))
    finally:
        served.close()
    row = best(found)
    return {**row, "bound": OUTSIDE_BOUND, "ok": row["ratio"] <= OUTSIDE_BOUND}


# ---- what the programs do ---------------------------------------------------------------------


def programs(serving, output, *options):
    """{program: (runs a request, ns a request)} under the collector."""
    collector = traced.Collector(serving.pid, PREFIX, output, *options)
    serving.serve(50)
    done = serving.done
    found = calls.programs_during(serving.serve, collector.pid)
    collector.close()
    output.unlink()
    return {name: (runs / (serving.done - done), ns / (serving.done - done))
            for name, (runs, ns) in found.items()}


def total(programs):
    return tuple(map(sum, zip(*programs.values())))


def report_programs(place, name, as_json):
    """What each BPF program costs a request, with and without --http, but for the traps."""
    served = serving(place, name)
    if served is None:
        return
    try:
        served.serve(500)
        output = place.path / "trace.jsonl"
        alone, both = programs(served, output, "--no-http"), programs(served, output, "--http")
    finally:
        served.close()
    names = sorted(both)
    alone["all"], both["all"] = total(alone), total(both)
    for program in [*names, "all"]:
        row = {"program": program, "calls": alone.get(program, (0, 0)), "http": both[program]}
        if as_json:
            print(json.dumps({"interpreter": place.interpreter.name, "name": name, **row}))
        else:
            print("%-15s %-18s %-16s %7.1f runs %9.0f ns   with --http %7.1f runs %9.0f ns" % (
                place.interpreter, name, program, *row["calls"], *row["http"]), flush=True)


# ---- from inside ------------------------------------------------------------------------------


def measure_loops_inside(place, rounds):
    """{name: row} of both loops, measured in one process."""
    traced.say("%s: wrappers" % place.interpreter)
    output = place.inside(place.path / "t.jsonl")
    _, out, _ = harness.run(place.argv("-m", "served.loops", "inside", str(rounds), output),
                            check=0, timeout=60 + 10 * rounds, env=place.environment())
    rows = {}
    for name, kind in LOOPS.items():
        found = [one[kind] for one in json.loads(out)]
        added = [one["traced"]["clock"] - one["plain"]["clock"] for one in found]
        rows[name] = {
            "plain": statistics.median(one["plain"]["clock"] for one in found),
            "off": statistics.median(one["wrapped"]["clock"] - one["plain"]["clock"]
                                     for one in found),
            "cpu": statistics.median(one["traced"]["cpu"] - one["plain"]["cpu"] for one in found),
            **added_row(added)}
    return rows


def added_row(added):
    value = statistics.median(added)
    return {"added": value, "least": min(added), "most": max(added), "bound": INSIDE_BOUND,
            "ok": value <= INSIDE_BOUND}


def one_server_inside(place, name, environment):
    """The least of a few passes; a server of its own, for two of them never cost the same."""
    served = serving(place, name, **environment)
    try:
        served.serve(500)
        found = [(served.serve(), served.all_us, served.clock_us) for _ in range(3)]
    finally:
        served.close()
    return dict(zip(("thread", "all", "clock"), map(min, zip(*found))))


def measure_server_inside(place, name, rounds):
    """Plain and wrapped in turn; None where something is missing."""
    if not all(map(place.has, SERVERS[name][0])):
        return None
    plain, wrapped = [], []
    log = place.inside(place.path / "t.jsonl")
    wrap = {"SERVED_TRACE": "1", "FLOWTRACE_LOGFILE": log, "FLOWTRACE_PACKAGE_PREFIX": PREFIX}
    for number in range(rounds):
        traced.say("%s, %s, inside: round %d of %d" % (place.interpreter, name, number + 1, rounds))
        plain.append(one_server_inside(place, name, {}))
        wrapped.append(one_server_inside(place, name, wrap))
    return {"plain": statistics.median(one["thread"] for one in plain), "off": None,
            "cpu": statistics.median(b["all"] - a["all"] for a, b in zip(plain, wrapped)),
            "rate": 1e6 / statistics.median(one["clock"] for one in plain),
            "traced_rate": 1e6 / statistics.median(one["clock"] for one in wrapped),
            **added_row([b["thread"] - a["thread"] for a, b in zip(plain, wrapped)]),
            "bound": None, "ok": True}  # not the wrapper alone, and two servers differ


# ---- report -----------------------------------------------------------------------------------

OUTSIDE_COLUMNS = (  # title, key, digits, text
    ("alone", "nothing", 0, "us of CPU a request, nothing attached"),
    ("traps", "traps", 1, "hits of function sites a request"),
    ("trap", "trap", 2, "us that one hit adds under a program that only counts"),
    ("calls", "calls", 0, "us a request, one call traced, --no-http"),
    ("http", "http", 0, "us a request, the same call and --http"),
    ("above", "above", 1, "us that --http adds"),
    ("copies", "copied", 1, "contexts copied a request"),
    ("made", "made", 1, "empty contexts made a request"),
    ("for it", "contexts", 1, "us that counting both adds a request, without a collector"),
    ("ratio", "ratio", 2, "what --http adds / one trap"),
)
INSIDE_COLUMNS = (
    ("alone", "plain", 1, "us a request, not wrapped: loops by the clock, servers CPU"),
    ("off", "off", 2, "us that the wrapper adds while nothing is traced"),
    ("cpu", "cpu", 1, "us of CPU added, the writer thread and all that it writes included"),
    ("req/s", "rate", 0, "requests a second, one after the other, not wrapped"),
    ("traced", "traced_rate", 0, "requests a second, wrapped and traced"),
    ("added", "added", 1, "us added to the thread that serves: its wrapper, one traced call; of\n"
     "            servers (no bound) also what their other calls pay to pass the tracing"),
)


def head(what, columns):
    print("%-15s %-8s %-18s" % ("interpreter", "version", what) + "".join(
        "%9s" % title for title, *_ in columns) + "   least..most", flush=True)


def line(place, name, row, columns):
    cells = ["%9s" % "" if row.get(key) is None else "%9.*f" % (digits, row[key])
             for _, key, digits, _ in columns]
    print("%-15s %-8s %-18s" % (place.interpreter, place.interpreter.version(), name) +
          "".join(cells) + (" " if row["ok"] else "!") +
          "  %.2f..%.2f" % (row["least"], row["most"]), flush=True)


def legend(columns, bound):
    for title, _, _, text in columns:
        print("%-11s %s" % (title, text))
    print("%-11s %s in the rounds; ! = over the bound of %g" % (
        "least..most", columns[-1][0], bound))


@contextlib.contextmanager
def places(interpreters):
    """A Place for each that can be used."""
    with contextlib.ExitStack() as stack:
        found = []
        for interpreter in interpreters:
            base = interpreter.root / "tmp" if interpreter.root else None
            folder = tempfile.TemporaryDirectory(prefix="flowtrace-bench-", dir=base)
            found.append(Place(interpreter, Path(stack.enter_context(folder))))
        yield found


def chosen(options):
    """The interpreters; what cannot be used is said."""
    found, known = [], harness.interpreters()
    wrong = set(options.names) - {interpreter.name for interpreter in known}
    if wrong:
        sys.exit("bench: no such interpreter: " + ", ".join(sorted(wrong)))
    for interpreter in known:
        if interpreter.backend != "auto":
            continue  # count-sites takes the one that is chosen
        if interpreter.name not in (options.names or ["system"]) and not options.all:
            continue
        if interpreter.why_not():
            print("%s: %s" % (interpreter, interpreter.why_not()), file=sys.stderr)
        else:
            found.append(interpreter)
    return found


def report(places, what, columns, bound, rows, as_json):
    """rows(place): pairs of name and row. Is every bound met?"""
    ok = True
    if not as_json:
        head(what, columns)
    for place in places:
        for name, row in rows(place):
            traced.say("")
            if row is None:
                continue
            ok = ok and row["ok"]
            if as_json:
                print(json.dumps({"what": what, "interpreter": place.interpreter.name,
                                  "version": place.interpreter.version(), "name": name, **row}),
                      flush=True)
            else:
                line(place, name, row, columns)
    if not as_json:
        legend(columns, bound)
        print()
    return ok


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--all", action="store_true", help="every interpreter")
    parser.add_argument("--programs", action="store_true",
                        help="only what each BPF program costs a request")
    parser.add_argument("--only", metavar="TEXT", default="",
                        help="only loops and servers with this in their name")
    parser.add_argument("names", nargs="*", help="interpreters; default the system's")
    options = parser.parse_args()
    wanted = [name for name in [*LOOPS, *SERVERS] if options.only in name]

    def outside(place):
        for name in wanted:
            yield name, measure_outside(place, name, options.rounds)

    def inside(place):
        why = place.add_package()
        if why is not None:
            print("%s: %s" % (place.interpreter, why), file=sys.stderr)
            return
        for name, row in measure_loops_inside(place, options.rounds).items():
            if name in wanted:
                yield name, row
        for name in SERVERS:
            if name in wanted:
                yield name, measure_server_inside(place, name, options.rounds)

    with places(chosen(options)) as found:
        if options.programs:
            for place in found:
                for name in wanted:
                    report_programs(place, name, options.json)
            return 0
        ok = report(found, "from outside", OUTSIDE_COLUMNS, OUTSIDE_BOUND, outside, options.json)
        return 0 if report(found, "from inside", INSIDE_COLUMNS, INSIDE_BOUND, inside,
                           options.json) and ok else 1


if __name__ == "__main__":
    sys.exit(main())
