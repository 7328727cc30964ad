# SPDX-License-Identifier: MIT
"""Starts the servers of the table with the applications of tests/targets/web, and traces them from
inside or from outside.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import agents
import clients
import harness

GUNICORN = ("-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "2", "-k")
UVICORN = ("-m", "uvicorn", "--log-level", "error", "--port", "{port}")
SERVERS = {
    "gunicorn sync": GUNICORN + ("sync",),
    "gunicorn preload": GUNICORN + ("sync", "--preload"),  # the workers are forked from a trace
    "gunicorn gthread": GUNICORN + ("gthread", "--threads", "4"),
    "gunicorn uvicorn": GUNICORN + ("uvicorn.workers.UvicornWorker",),
    "gunicorn asgi": GUNICORN + ("asgi",),
    "uvicorn": UVICORN,  # with uvloop and httptools where they are
    "uvicorn h11": UVICORN + ("--loop", "asyncio", "--http", "h11"),
    "uvicorn wsgi": UVICORN + ("--interface", "wsgi"),
    "hypercorn": ("-m", "hypercorn", "--bind", "127.0.0.1:{port}"),
    "daphne": ("-m", "daphne", "--port", "{port}"),
    **{name: ("-m", "web.serve", name, "{port}")
       for name in ("waitress", "cheroot", "twisted", "a2wsgi", "hypercorn_asgi",
                    "hypercorn_wsgi")},
    "runserver": ("-m", "django", "runserver", "--noreload", "{port}"),
    "wsgiref": ("-c", "from web import plain; plain.serve({port})"),
}
COMMANDS = ("gunicorn", "uvicorn", "hypercorn", "daphne")  # the first word: told what to serve
ONE_AT_A_TIME = ("gunicorn sync", "gunicorn preload")  # in a worker

# What is served, the distribution that it needs, and how its handlers go on elsewhere. Without a loop
# Django runs an async view (tasks) in a loop and a thread of its own, where only the values of the
# request's context are brought: enough from inside, no sign of it from outside.
APPLICATIONS = {
    "Flask": ("web.on_flask:app", "flask", ("threads",)),
    "Django": ("web.on_django:app", "django", ("threads", "tasks")),
    "WSGI": ("web.plain:app", None, ("threads",)),
    "FastAPI": ("web.on_fastapi:app", "fastapi", ("threads", "tasks")),
    "Starlette": ("web.on_starlette:app", "starlette", ("tasks",)),
    "Django ASGI": ("web.on_django:asgi", "django", ("threads", "tasks")),
    "ASGI": ("web.plain:asgi", None, ("tasks",)),
}

PROBE = """
import importlib, importlib.metadata, json
found = {}
for name in %r:
    try:
        importlib.import_module(name)
    except ImportError:
        continue
    found[name] = importlib.metadata.version(name.partition(".")[0])
print(json.dumps(found))
"""
ASGI_WORKER = "gunicorn.workers.gasgi"  # not in Debian 12's gunicorn
HYPERCORN_WSGI = "hypercorn.app_wrappers"  # likewise
MODULES = ("flask", "django", "fastapi", "starlette", "uvicorn", "gunicorn", ASGI_WORKER,
           "hypercorn", HYPERCORN_WSGI, "daphne", "waitress", "cheroot", "twisted", "a2wsgi")
NEEDED = {"gunicorn asgi": [ASGI_WORKER], "hypercorn_asgi": ["hypercorn"],
          "hypercorn_wsgi": [HYPERCORN_WSGI], "a2wsgi": ["uvicorn"]}  # besides what they are named after
FEW = 100  # requests, to a server that others are like
SERVERS_OF_FEW = ("uvicorn wsgi", "hypercorn", "hypercorn_asgi", "hypercorn_wsgi", "daphne",
                  "waitress", "cheroot", "twisted", "a2wsgi")


class Place(agents.Agent):
    """An interpreter that serves: a copy, for a collector that follows children has its probes in
    the file. found: {module: the version of its distribution}."""

    def __init__(self, interpreter, base):
        root = str(interpreter.root or "")
        program = Path(os.path.realpath(root + interpreter.python))
        super().__init__(interpreter, base)
        copy = shutil.copy(program, base)
        self.interpreter = harness.Interpreter(interpreter.name, interpreter.root, self.inside(copy))
        self.targets = base / "targets"
        shutil.copytree(harness.TARGETS / "web", self.targets / "web",
                        ignore=shutil.ignore_patterns("__pycache__"))
        self.path = base
        self.found = json.loads(self.python("-c", PROBE % (MODULES,))[1])

    def why_not(self, server, framework):
        """What is missing for a row."""
        needed = [APPLICATIONS[framework][1], *NEEDED.get(server, []),
                  *(word for word in server.split() if word in MODULES)]
        return ", ".join("no " + name for name in needed if name and name not in self.found)

    def label(self, framework):
        """The framework with its version."""
        name = APPLICATIONS[framework][1]
        return "%s %s" % (framework, ".".join(self.found[name].split(".")[:2])) if name else framework


def children(pid):
    """Pids of a process's own children."""
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        return [int(child) for child in file.read().split()]


class Server:
    """One of SERVERS that runs. A context manager."""

    def __init__(self, place, server, framework, inside, before=()):
        """before: what starts it, a command that takes another."""
        self.server, self.port = server, harness.free_port()
        argv = [word.replace("{port}", str(self.port)) for word in SERVERS[server]]
        if server.split()[0] in COMMANDS:
            argv.append(APPLICATIONS[framework][0])
        env = {"FLOWTRACE_LOGFILE": place.inside(place.path / "t.jsonl"), "WEB_TRACE": "1",
               "FLOWTRACE_PACKAGE_PREFIX": "web"} if inside else {}
        packages = [place.targets, *([place.package] if inside else [])]
        env["PYTHONPATH"] = ":".join(map(place.inside, packages))
        self.log = place.path / "log"
        with open(self.log, "wb") as log:
            self.process = harness.start(
                [*before, *place.argv(*argv)], cwd=place.path, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, env=harness.environment(
                    PYTHONDONTWRITEBYTECODE="1", DJANGO_SETTINGS_MODULE="web.on_django", **env))

    def __enter__(self):
        try:
            harness.wait_for("the server", lambda: harness.answers(self.port) or
                             self.process.poll() is not None)
            assert self.process.poll() is None, self.log.read_text()[-3000:]
        except BaseException:
            harness.kill_session(self.process)
            raise
        return self

    def __exit__(self, *exception):
        harness.kill_session(self.process)

    def pids(self):
        """Its process and, of gunicorn, the two workers."""
        pid = self.process.pid
        if "gunicorn" not in self.server:
            return [pid]
        harness.wait_for("two workers", lambda: len(children(pid)) == 2)
        return [pid, *children(pid)]

    def end(self):
        """As it is ended by who runs it: what it traced is written."""
        # Without its reloader, runserver has no handler for SIGTERM.
        self.process.send_signal(signal.SIGINT if self.server == "runserver" else signal.SIGTERM)
        self.process.wait(timeout=harness.PATIENCE)


def elsewhere(framework, way):
    """What the clients ask for besides answers, errors and streams."""
    kinds = APPLICATIONS[framework][2]
    return kinds[:1] if (framework, way) == ("Django", "outside") else kinds


def count_of(server):
    """How many requests it is asked."""
    return FEW if server in SERVERS_OF_FEW else clients.REQUESTS


def from_inside(place, server, framework):
    """Serves the clients; returns (what they saw, the events)."""
    with Server(place, server, framework, inside=True) as running:
        seen = clients.ask_all(running.port, elsewhere(framework, "inside"),
                               count_of(server))
        running.end()
    return seen, place.events("t.jsonl")


def from_outside(place, server, framework):
    """The same under the collector, which comes before the first request and goes after the last."""
    if server == "gunicorn preload":
        return started_by_collector(place, framework)
    with Server(place, server, framework, inside=False) as running:
        pids = running.pids()
        options = ["--pid", pids[0], *(["--follow"] if len(pids) > 1 else [])]
        with harness.Tracer(place.path, "-v", "-P", "web", *options) as tracer:
            tracer.attached()
            seen = clients.ask_all(running.port, elsewhere(framework, "outside"),
                                   count_of(server))
            stop(tracer, len(seen))
        assert harness.answers(running.port), "the server did not survive the collector"
        if server == "waitress":
            seen = with_ends(seen, running.log)
    return seen, tracer.events()


def with_ends(seen, log):
    """What the clients saw, each request as long as the server itself was busy with it."""
    told = re.findall(r"^ended /\w+/(\d+) (\d+)$", log.read_text(), re.MULTILINE)
    ended = {int(n): int(at) for n, at in told}
    return [one._replace(micros=max(one.micros, ended[one.n] - one.sent)) for one in seen]


def started_by_collector(place, framework):
    """gunicorn as the command of the collector, which follows it into the workers."""
    tracer = harness.Tracer.__new__(harness.Tracer)
    tracer.output, tracer.errors = place.path / "trace.jsonl", place.path / "log"
    before = [harness.TRACER, "-v", "-P", "web", "-o", tracer.output, "--"]
    with Server(place, "gunicorn preload", framework, inside=False, before=before) as running:
        tracer.process = running.process
        seen = clients.ask_all(running.port, elsewhere(framework, "outside"))
        stop(tracer, len(seen))
    return seen, tracer.events()


def stop(tracer, count):
    """After the last response; nothing was lost."""
    with contextlib.suppress(AssertionError):  # said better by who compares
        harness.wait_for("responses", lambda: responses(tracer) >= count, 30)
    status, summary = tracer.stop(), tracer.stderr().splitlines()[-1]
    assert status == 0 and " 0 lost," in summary and " 0 unfinished," in summary, summary


def responses(tracer):
    """So many are in the trace."""
    return tracer.output.read_bytes().count(b'"HTTP_RESPONSE"') if tracer.output.exists() else 0
