#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run an example and trace it both ways: sudo both_ways.py EXAMPLE [FOLDER]

EXAMPLE is flask-advanced, fastapi-realtime or django-microservice. It is started twice, as its README
says, and asked by its client.py: under flowtrace-bpf, which it knows nothing of, and with
flowtrace_agent inside. The traces are FOLDER/outside.jsonl and FOLDER/inside.jsonl; without FOLDER, in
a folder for temporary files.
"""
import collections
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build"

# How it is started, what turns tracing from inside on, and its modules.
EXAMPLES = {
    "flask-advanced": (["-m", "gunicorn", "--workers", "2", "--bind", "127.0.0.1:{port}", "app:app"],
                       "NOTES_TRACE", "app"),
    "fastapi-realtime": (["-m", "uvicorn", "--log-level", "error", "--port", "{port}", "app:app"],
                         "CHAT_TRACE", "app"),
    "django-microservice": (["service.py", "runserver", "--noreload", "{port}"],
                            "SERVICE_TRACE", "shop,service,__main__"),
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def collector():
    """What was built here, or is installed."""
    built = BUILD / "bin" / "flowtrace-bpf"
    found = str(built) if built.exists() else shutil.which("flowtrace-bpf")
    return found or sys.exit("both_ways.py: no flowtrace-bpf: run ./dev build first")


def command(example, way, trace, port):
    """(argv, environment): the example's server, traced into that file."""
    start, switch, prefix = EXAMPLES[example]
    argv = [sys.executable, *(word.replace("{port}", str(port)) for word in start)]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    if way == "outside":
        return [collector(), "--prefix", prefix, "-o", str(trace), "--", *argv], env
    env.update({switch: "1", "FLOWTRACE_LOGFILE": str(trace)})
    if (BUILD / "python" / "system").is_dir():
        env["PYTHONPATH"] = str(BUILD / "python" / "system")
    return argv, env


def end(process):
    """With all that it started."""
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=15)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            pass


def run(example, way, folder):
    """Starts the example in a copy of its folder, asks it, and ends it. Returns its client's output."""
    place, port = folder / way, free_port()
    shutil.copytree(HERE / example, place, ignore=shutil.ignore_patterns("*.db", "*.jsonl", "__*"))
    argv, env = command(example, way, folder / (way + ".jsonl"), port)
    with open(place / "log", "wb") as log:
        process = subprocess.Popen(argv, cwd=place, env=env, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, start_new_session=True)
    try:
        until = time.monotonic() + 20
        while not answers(port):
            if process.poll() is not None or time.monotonic() > until:
                sys.exit("both_ways.py: %s did not start:\n%s" % (
                    example, (place / "log").read_text()[-2000:]))
            time.sleep(0.05)
        return subprocess.run([sys.executable, place / "client.py", "http://127.0.0.1:%d" % port],
                              check=True, timeout=60, stdout=subprocess.PIPE, text=True).stdout
    finally:
        end(process)


def show(trace):
    """Each request: its answer, and the calls that were made for it."""
    calls, requests = collections.Counter(), []
    for line in trace.read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "HTTP_RESPONSE":
            requests.append(event)
        elif event["event"] == "ENTER":
            calls[event.get("request_id")] += 1
    for event in requests:
        print("  %(method)-6s %(path)-24s %(status_code)d" % event,
              " %6d us  %3d calls" % (event["durationMicros"], calls[event["request_id"]]))
    if calls[None]:
        print("  calls for no request: %d" % calls[None])


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in EXAMPLES:
        print(__doc__, file=sys.stderr)
        return 2
    example = sys.argv[1]
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="flowtrace-")).resolve()
    for way in ("outside", "inside"):
        text = run(example, way, folder)
        if way == "outside":
            print("the client:\n" + "".join("  %s\n" % line for line in text.splitlines()))
        print("traced from %s: %s" % (way, folder / (way + ".jsonl")))
        show(folder / (way + ".jsonl"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
