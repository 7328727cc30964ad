# SPDX-License-Identifier: MIT
"""HTTP requests seen from outside, on every interpreter: what the client saw is in the trace, once,
and what was called for a request carries its id. Servers and applications: targets/served."""
import collections
import concurrent.futures
import contextlib
import http.client
import json
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import uuid

import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]

AT_ONCE = 8
WORK = ["served.work"]
APPS = ["served.work", "served.wsgi_apps", "served.asgi_apps"]
SERVERS = ["served.wsgi_servers", "served.asgi_server", "wsgiref", "asyncio"]
# What the application calls for the request, a step() as ".what"; alone: what it calls without its
# context; after: what is called when the response is written already.
Case = collections.namedtuple("Case", "app status calls alone after known", defaults=((), "", None))

PARTS = " parts .part0 .part1 .part2"
WSGI = [
    Case("plain", 200, "plain .plain"),
    Case("missing", 404, "missing"),
    Case("fails", 500, "fails .fails"),
    Case("undone", 500, "undone .undone"),
    Case("streams", 200, "streams" + PARTS),
    Case("breaks", 200, "breaks parts .part0"),
    Case("generates", 201, "generates .first .second"),
    Case("closes", 202, "closes __init__ __iter__ .iter close .close"),
    Case("writes", 200, "writes .writes"),
    Case("changes", 418, "around plain .plain change .change"),
    Case("changes_twice", 418, "around around streams change .change change .change" + PARTS),
    Case("closing", 202, "around closes __init__ __iter__ .iter .finally"),
    Case("cascade", 200, "around missing missing plain .plain <lambda> <lambda> <lambda>"),
    Case("twice", 503, "twice .twice"),
    Case("refused", 200, "refused .refused"),
    Case("late", 200, "late .late"),
    Case("other_name", 200, "other_name .other"),
    Case("called", 404, "__call__ .called missing"),
    Case("responds", 203, "responds __init__ __call__ .response"),
    Case("threads", 200, "threads .copied", alone=("alone",)),
    Case("mounted", 200, "plain .plain"),
    Case("partial", 200, "plain .plain"),
    Case("partial_method", 200, "plain .plain"),
]
# One function of the server, without returning.
LOOP = [
    Case("plain", 200, "plain .plain"),
    Case("missing", 404, "missing"),
    Case("streams", 200, "streams" + PARTS),
    Case("builtin", 200, "plain .plain", known="blind"),
    Case("changes_twice", 418, "around around streams change .change change .change" + PARTS),
    Case("closes", 202, "closes __init__ __iter__ .iter close .close"),
]
START = " start body"
CHILDREN = " child .one_begins .one_ends child .other_begins .other_ends"
ASGI = [
    Case("plain", 200, "plain .plain" + START),
    Case("missing", 404, "missing start"),
    Case("fails", 500, "fails .fails"),
    Case("breaks", 200, "breaks .breaks" + START),
    Case("streams", 206, "streams .part0 .part1 .part2 start" + 4 * " body"),
    Case("after", 202, "after" + START, after=".after"),
    Case("plain", 200, "plain .plain" + START),
    Case("tasks", 200, "tasks child .task_begins .task_ends" + CHILDREN + START,
         after="late .late"),
    Case("in_thread", 200, "in_thread .thread plain .plain" + START, alone=("alone",)),
    Case("around", 200, "middleware middleware .around .around in_thread .thread plain .plain" +
         START, alone=("alone",)),
    Case("changes", 418, "middleware middleware streams .part0 .part1 .part2 start" + 4 * " body"
         + 10 * " change" + 2 * " .start" + 8 * " .body"),
    Case("partial", 200, "middleware plain .plain pass_on .start pass_on .body" + START),
    Case("in_a_task", 200, "middleware middleware plain .plain" + START, after=".around .around"),
    Case("called", 404, "__call__ .called missing start"),
    Case("tuples", 200, "plain .plain" + START),
    Case("lists", 200, "plain .plain" + START),
    Case("nobody", 200, "plain .plain" + START),
    Case("mounted", 200, "plain .plain" + START),
    Case("mounted_before", 200, "plain .plain" + START),
    Case("unsaid", 200, "unsaid .unsaid start", known="blind"),
]
MEETS = "meets .came wait wait start body body body body .round0 .round1 .round2" + 3 * CHILDREN


class Asked:
    """One request and its answer, as the client has it."""

    def __init__(self, port, n, case):
        self.port, self.n, self.case = port, n, case
        self.method = "GET"
        self.target = "/%s/%d" % (case.app, n)
        self.given = self.agent = self.id = None
        self.address = None if case.app == "nobody" else "127.0.0.1"
        self.status = self.body = None

    def path(self):
        """As it is in the trace."""
        text = urllib.parse.unquote(self.target.partition("?")[0])
        return text if len(text) <= 1024 else text[:1021] + "..."

    def name(self):
        return "%s %.40s" % (self.method, self.target)

    def send(self, connection=None):
        """Asks; a connection that is given is kept."""
        kept = connection is not None
        connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=harness.PATIENCE)
        try:
            connection.putrequest(self.method, self.target, skip_accept_encoding=True)
            for name, value in (("X-Request-ID", self.given), ("User-Agent", self.agent)):
                if value is not None:
                    connection.putheader(name, value.encode("utf-8" if name[0] == "U" else
                                                            "latin-1"))
            connection.endheaders()
            answer = connection.getresponse()
            self.status = answer.status
            with contextlib.suppress(http.client.IncompleteRead):
                self.body = answer.read()
        finally:
            if not kept:
                connection.close()
        assert self.status == self.case.status, self.name()
        return self


class Client:
    """Asks, and keeps a log."""

    def __init__(self, ports):
        self.ports = ports
        self.log = []
        self.n = 0

    def asked(self, port, case, **changes):
        """A request that is not sent yet."""
        self.n += 1
        one = Asked(self.ports[port], self.n, case)
        for name, value in changes.items():
            setattr(one, name, value(one) if callable(value) else value)
        self.log.append(one)
        return one

    def ask(self, port, case, connection=None, **changes):
        self.asked(port, case, **changes).send(connection)

    # ---- what there is to ask -----------------------------------------------------------------

    def wsgi(self):
        for case in WSGI:
            self.ask("single", case)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(Asked.send, [self.asked("threading", case) for case in 2 * WSGI]))
        for case in LOOP:
            self.ask("loop", case, address=None)
        for kind in ("single", "threading"):
            self.ask(kind, WSGI[0], method="HEAD")
            self.ask(kind, WSGI[1], method="OPTIONS")
        self.texts("single", WSGI[0])

    def texts(self, port, case):
        """Whatever a client may write; what is too long is cut."""
        def ask(tail="", **changes):
            if "given" in changes and "id" not in changes:
                changes["given"] = "%s %d" % (changes["given"], self.n)
            self.ask(port, case, target=lambda one: one.target + tail, **changes)

        def ask_long(characters, one_character="x"):
            def target(one):
                text = urllib.parse.unquote(one.target + "/")
                return one.target + "/" + urllib.parse.quote(one_character) * (
                    characters - len(text))
            self.ask(port, case, target=target)

        ask("?secret=1&next=/%2F")
        ask("/" + urllib.parse.quote("größe/日本/🐍") + "?q=" + urllib.parse.quote("ä"))
        for given in ("given", "x" * 196, "na\xefve", "~"):
            ask(given=given)
        for given in ("x" * 201, "a\x01b", "a\x9fb", ""):
            ask(given=given, id="new")
        for agent in ("a" * 512, "a" * 513, "a" * 3000, "Grüße", ""):
            ask(agent=agent)
        for characters in (1021, 1022, 1024, 1025, 4000):
            ask_long(characters)
        for characters in (600, 1024, 1025):
            ask_long(characters, "é")

    def asgi(self):
        for port in ("task", "line"):
            for case in ASGI:
                self.ask(port, case)
            connection = http.client.HTTPConnection("127.0.0.1", self.ports[port], timeout=harness.PATIENCE)
            for case in ASGI:
                if case.app not in ("breaks", "unsaid"):  # the server closes it
                    self.ask(port, case, connection)
            connection.close()
            self.meet(port)
            self.ask(port, ASGI[0], method="HEAD", status=lambda one: None)
            self.websocket(port)
        self.texts("task", ASGI[0])
        self.hang()

    def meet(self, port):
        """Eight at once, all of them alive at the same time."""
        cases = [Case("meets", 200 + (self.n + i) % AT_ONCE, MEETS) for i in range(1, AT_ONCE + 1)]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(Asked.send, [self.asked(port, case) for case in cases]))

    def websocket(self, port):
        """No request: it is not in the log."""
        with socket.create_connection(("127.0.0.1", self.ports[port]), 20) as s:
            s.sendall(b"GET /websocket/0 HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
            assert s.recv(100).startswith(b"HTTP/1.1 101")

    def hang(self):
        """The client goes away."""
        one = self.asked("task", Case("hangs", 499, "hangs .hangs .cancelled"))
        with socket.create_connection(("127.0.0.1", one.port), 20) as s:
            s.sendall(b"GET %s HTTP/1.1\r\n\r\n" % one.target.encode())
            time.sleep(0.1)


# ---- the trace ----------------------------------------------------------------------------------

class Requests:
    """The events of a trace, request by request, against the log of a client."""

    def __init__(self, events, log, modules, alone=()):
        self.differences = []
        self.modules = modules
        self.events = [e for e in events if e["event"] != "LOST"]
        if len(self.events) != len(events):
            self.differ("events are lost")
        self.spans = {}
        self.calls = collections.defaultdict(list)  # request_id -> events
        self.alone, self.idle = collections.Counter(), collections.Counter()
        self.requests = [e for e in events if e["event"] == "HTTP_REQUEST"]
        self.responses = [e for e in events if e["event"] == "HTTP_RESPONSE"]
        for event in self.events:
            self.call(event)
        self.alone.subtract(alone)
        self.pairs(log)

    def differ(self, text, *more):
        self.differences.append(text % more if more else text)

    def call(self, event):
        """Sorts a call by its request."""
        if event["event"] == "ENTER":
            self.spans[event["span"]] = event
        if event["event"] in ("EXIT", "EXCEPTION"):
            enter = self.spans[event["span"]]
            if event.get("request_id") != enter.get("request_id"):
                self.differ("%s of %s has another id", event["event"], event["function"])
        if event["event"] != "ENTER" or event["module"] not in self.modules:
            return
        if event.get("request_id"):
            self.calls[event["request_id"]].append(event)
        elif event["function"] == "step":
            args = json.loads(event["args"])
            self.alone[args["n"], args["what"]] += args["n"] > 0
        if event["function"] == "idle" and event.get("request_id"):
            self.idle[event["request_id"], event["args"]] += 1

    def pairs(self, log):
        """Each of the log has two events, and there are no others."""
        by_path = {"/%s/" % e["path"].split("/")[1] + number_in(e["path"]): e
                   for e in self.requests}
        by_id = {e["request_id"]: e for e in self.responses}
        for events, what in ((self.requests, "requests"), (self.responses, "responses")):
            if len(events) != len(log):
                self.differ("%d %s, not %d", len(events), what, len(log))
        for one in log:
            request = by_path.pop("/%s/%d" % (one.target.split("/")[1], one.n), None)
            if not request:
                self.differ("%s: not there", one.name())
                continue
            response = by_id.pop(request["request_id"], None)
            if response:
                self.pair(one, request, response)
            else:
                self.differ("%s: no response", one.name())
        for event in (*by_path.values(), *by_id.values()):
            self.differ("nobody asked: %s", event)
        for (key, what), n in self.idle.items():
            self.differ("between requests, but for %s: %s, %d times", key, what, n)
        for key, n in self.alone.items():
            if n:
                self.differ("without a request: %s, %d too many", key, n)
        if self.modules and self.calls:
            self.differ("calls for nobody: %s", dict(self.calls))

    def equal(self, one, what, got, wanted):
        if got != wanted:
            self.differ("%s: %s is %.300r, not %.300r", one.name(), what, got, wanted)

    def pair(self, one, request, response):
        """What is in the two events."""
        case = one.case
        self.equal(one, "fields", [list(request)[:7], list(response)[:8]],
                   [["timestamp", "event", "request_id", "method", "path", "remote_addr",
                     "user_agent"],
                    ["timestamp", "event", "request_id", "method", "path", "status_code",
                     "durationMicros", "durationMillis"]])
        self.equal(one, "method", (request["method"], response["method"]), (one.method,) * 2)
        self.equal(one, "path", request["path"], one.path())
        self.equal(one, "the response's path", response["path"], one.path())
        self.equal(one, "status", response["status_code"],
                   None if case.known == "blind" else case.status)
        self.equal(one, "remote_addr", request["remote_addr"], one.address)
        agent = one.agent
        if agent and len(agent) > 512:
            agent = agent[:509] + "..."
        self.equal(one, "user_agent", request["user_agent"] or None, agent or None)
        self.identity(one, request["request_id"])
        took = response["timestamp"] - request["timestamp"]
        if took < 0 or abs(took - response["durationMicros"]) > 2 or \
                abs(took / 1000 - response["durationMillis"]) > 1:
            self.differ("%s: took %d us: %s", one.name(), took, response)
        if self.modules:
            self.order(one, request, response)

    def names(self, one, what, got, wanted):
        got = collections.Counter(got)
        wanted = collections.Counter(
            name for name in wanted if name[0] == "." or self.modules != WORK)
        del got["number"]
        if got != wanted:
            self.differ("%s: %s: %s too many, %s missing", one.name(), what,
                        list((got - wanted).elements()), list((wanted - got).elements()))

    def identity(self, one, text):
        """The client's, or one of ours."""
        if one.given and not one.id:
            self.equal(one, "id", text, one.given)
        elif not is_uuid4(text):
            self.differ("%s: no UUID: %s", one.name(), text)

    def order(self, one, request, response):
        """What was called for it, before the response and behind."""
        before, after = [], []
        for event in self.calls.pop(request["request_id"], ()):
            name = event["function"]
            if name == "step":
                args = json.loads(event["args"])
                name = "." + args["what"].replace(" ", "_")
                self.equal(one, "number of " + name, args["n"], one.n)
            (before if event["timestamp"] <= response["timestamp"] else after).append(name)
            if event["timestamp"] < request["timestamp"]:
                self.differ("%s: %s came first", one.name(), name)
        self.names(one, "calls", before, one.case.calls.split())
        self.names(one, "calls afterwards", after, one.case.after.split())
        for what in one.case.alone:
            self.equal(one, "alone", self.alone.pop((one.n, what), 0), 1)


def number_in(path):
    return re.search(r"/(\d+)", path).group(1)


def is_uuid4(text):
    with contextlib.suppress(ValueError):
        return str(uuid.UUID(text, version=4)) == text
    return False


# ---- running it -----------------------------------------------------------------------------

@contextlib.contextmanager
def served(space, *args):
    """The servers; yields (process, what they print first)."""
    env = harness.environment(PYTHONPATH=space.inside(space.path / "targets"))
    with open(space.path / "served.err", "wb") as errors:
        process = harness.start(space.interpreter.argv("-m", "served", *args), env=env,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
    try:
        line = process.stdout.readline()
        assert line, (space.path / "served.err").read_text()[-3000:]
        yield process, json.loads(line)
    finally:
        harness.kill_session(process)


@contextlib.contextmanager
def traced(space, folder, process, *options):
    """A collector that is attached."""
    with harness.Tracer(folder, "-v", "--backend", space.interpreter.backend, *options,
                        "--pid", str(process.pid)) as tracer:
        tracer.attached()
        yield tracer


def finished(tracer, log):
    """Stops the collector when the last response is there; returns the events."""
    with contextlib.suppress(AssertionError):
        harness.wait_for("responses", lambda: sum(
            e["event"] == "HTTP_RESPONSE" for e in tracer.events()) >= len(log), 3)
    time.sleep(0.1)
    assert tracer.stop() == 0, tracer.stderr()
    return tracer.events()


RUNS = {  # the modules whose calls are compared; options
    "applications": (APPS, "-P", ",".join(APPS), "--record", "recording"),
    "work": (WORK, "-P", ",".join(WORK)),
    "server": (WORK, "-P", ",".join(WORK + SERVERS)),
    "default": (APPS,),
}


def backend(interpreter):
    """How it is hooked; Debian 11's has dtrace probes."""
    return "usdt" if interpreter.name == "bullseye" else "uprobe"


@pytest.mark.parametrize("run", RUNS)
def test_requests(space, tmp_path, run):
    """Everything, with the application in the trace, or only what it calls, or its server too."""
    modules, *options = RUNS[run]
    with served(space) as (process, ports), traced(space, tmp_path, process, *options) as tracer:
        client = Client(ports)
        client.wsgi()
        client.asgi()
        events = finished(tracer, client.log)
        assert process.poll() is None
        assert harness.backend_of(tracer.stderr()) == backend(space.interpreter)
    check(events, client.log, modules)
    if run == "applications":
        check_replay(tmp_path / "recording", events)


def check(events, log, modules, alone=()):
    """alone: further calls that are for no request."""
    found = Requests(events, log, modules, alone)
    if found.differences:
        pytest.fail("%d differences\n%s" % (len(found.differences),
                                           "\n".join(found.differences[:40])), pytrace=False)


def check_replay(recording, events):
    """The same lines, ids too; only spans are new in each run."""
    _, text, _ = harness.run([harness.TRACER, "--replay", recording, "-o", "-"], check=0)
    again = [json.loads(line) for line in text.splitlines()]
    both = list(zip(map(numbered(), events), map(numbered(), again)))
    different = [pair for pair in both if pair[0] != pair[1]]
    assert len(events) == len(again)
    assert not different, "%d, first %s\n%s" % (len(different), *different[0])


def numbered():
    """Gives spans numbers in the order in which they come."""
    numbers = {0: 0}

    def number(event):
        return {name: numbers.setdefault(value, len(numbers)) if name in ("span", "parent") else
                value for name, value in event.items()}
    return number


def test_not_wanted(space, tmp_path):
    """--no-http: no event, and no call has an id."""
    with served(space) as (process, ports), traced(space, tmp_path, process, "-P", ",".join(APPS),
                                                   "--no-http") as tracer:
        client = Client(ports)
        client.ask("single", WSGI[0])
        client.ask("task", ASGI[0])
        # The last is the application's startup, which the server comes to in its own time.
        harness.wait_for("three steps", lambda: {0, 1, 2} == {
            json.loads(e["args"])["n"] for e in tracer.events()
            if e["event"] == "ENTER" and e["function"] == "step"})
        assert tracer.stop() == 0
    events = tracer.events()
    assert not any(e["event"].startswith("HTTP") or "request_id" in e for e in events)


LOADED = 200


def test_small_ring(space, tmp_path):
    """Every request and every response is in the trace or in a LOST event; and nothing else,
    where no module is asked for."""
    with served(space) as (process, ports), traced(space, tmp_path, process, "-P", "no.such.module",
                                                   "--buffer", "4096") as tracer:
        client = Client(ports)
        asked = [client.asked(port, case, agent="a" * 500) for _ in range(LOADED // 4)
                 for port, case in (("threading", WSGI[10]), ("threading", WSGI[4]),
                                    ("task", ASGI[9]), ("line", ASGI[1]))]
        stopped(process, tracer, asked)
    events = tracer.events()
    seen = collections.Counter(e["event"] for e in events)
    # A process's own coming and going is no request; it is counted all the same.
    lost = sum(e["count"] for e in events if e["event"] == "LOST" and e["reason"] != "proc_event")
    assert set(seen) == {"HTTP_REQUEST", "HTTP_RESPONSE", "LOST"}
    assert lost, "the buffer was not too small: nothing is shown"
    assert seen["HTTP_REQUEST"] >= seen["HTTP_RESPONSE"]
    assert seen["HTTP_REQUEST"] + seen["HTTP_RESPONSE"] + lost == 2 * LOADED
    begun = {e["request_id"]: e for e in events if e["event"] == "HTTP_REQUEST"}
    for event in events:
        if event["event"] == "HTTP_RESPONSE":
            assert begun.pop(event["request_id"])["path"] == event["path"]


def stopped(process, tracer, asked):
    """Asks while the collector cannot read, now and then."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for i in range(0, len(asked), 50):
            tracer.process.send_signal(signal.SIGSTOP)
            list(pool.map(Asked.send, asked[i:i + 50]))
            tracer.process.send_signal(signal.SIGCONT)
            time.sleep(0.05)
    time.sleep(0.2)
    assert tracer.stop() == 0, tracer.stderr()


def test_attached_in_the_middle(space, tmp_path):
    """A request that had begun before is not there, whatever is called for it; the next one is."""
    with served(space) as (process, ports), concurrent.futures.ThreadPoolExecutor(2) as pool:
        client = Client(ports)
        running = [pool.submit(Asked.send, Client(ports).asked(port, Case("waits", status, "")))
                   for port, status in (("single", 203), ("task", 200))]
        for _ in running:
            process.stdin.write(b"entered\n")
            process.stdin.flush()
            assert process.stdout.readline() in (b"wsgi\n", b"asgi\n")
        with traced(space, tmp_path, process, "-P", ",".join(APPS)) as tracer:
            process.stdin.write(b"release\n")
            process.stdin.flush()
            for future in running:
                future.result(timeout=harness.PATIENCE)
            client.ask("single", WSGI[0])
            client.ask("task", ASGI[0])
            events = finished(tracer, client.log)
    unseen = [e for e in events if e["event"] == "ENTER" and e["function"] == "step" and
              json.loads(e["args"])["what"] in ("response", "released")]
    assert len(unseen) == 2 and not any("request_id" in e for e in unseen), unseen
    check(events, client.log, APPS,
          alone=[(1, "response"), (1, "released"), (1, "plain")])


def test_forked_workers(space, tmp_path):
    """Requests of each worker; a child of a request is not for it, and for no other."""
    options = ("-P", ",".join(APPS), "--follow")
    with served(space, "workers") as (process, port), traced(space, tmp_path, process,
                                                             *options) as tracer:
        process.stdin.write(b"\n")
        process.stdin.flush()
        client = Client({"workers": port})
        cases = (WSGI + [Case("forks", 200, "forks .parent", alone=("child",))]) * 3
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(Asked.send, [client.asked("workers", case) for case in cases]))
        events = finished(tracer, client.log)
    check(events, client.log, APPS)
    for kind in ("HTTP_REQUEST", "HTTP_RESPONSE"):
        pids = {e["pid"] for e in events if e["event"] == kind}
        assert len(pids) == 2 and process.pid not in pids, pids
