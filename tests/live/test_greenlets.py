# SPDX-License-Identifier: MIT
"""Greenlets from outside: each has a stack of its own, whatever the release of greenlet, and
whether it was loaded before the collector came or later."""
import collections
import concurrent.futures
import contextlib
import http.client
import json
import signal
import subprocess
import time
from pathlib import Path

import greenlet_trace
import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]


@pytest.fixture(name="space", params=harness.with_greenlet() or [None], ids=repr)
def a_space(request):
    """A workspace of each interpreter that has the package."""
    if not request.param:
        pytest.skip("no Python with the package greenlet")
    with request.param.workspace() as space:
        yield space


def program(space, *args):
    """The command that runs the target."""
    return space.interpreter.argv(space.inside(space.path / "targets" / "greenlets.py"), *args)


def test_loaded_later(space):
    """Below open calls, in threads that have some too: every parent, result and exception."""
    output = space.path / "trace.jsonl"
    status, out, errors = harness.run(
        [harness.TRACER, "-P", "__main__", "-o", output, "--backend", space.interpreter.backend,
         "--", *program(space, 1, 30, 3, 60)], timeout=60)
    assert status == 0, errors
    events = [json.loads(line) for line in output.read_text().splitlines()]
    assert not [event for event in events if event["event"] == "LOST"], errors
    faults, seen = greenlet_trace.wrong(events, json.loads(out))
    assert not faults, "%d: %s" % (len(faults), "\n".join(faults[:20]))
    assert all(seen[name] > 9 for name in ("raises", "raises_again", "yields", "handles")), seen
    assert seen["root"] > 100 and seen["generator_root"], seen


def test_attached(space):
    """The collector comes when greenlets are on their way: calls that it sees from their start on
    are right; no exit is one of a call that it does not know."""
    process = harness.start(program(space, 2, 30, 2), stdout=subprocess.PIPE, text=True)
    try:
        pid = process.pid
        maps = Path("/proc/%d/maps" % pid)
        harness.wait_for("greenlet in its maps", lambda: "greenlet." in maps.read_text())
        with harness.Tracer(space.path, "-v", "-P", "__main__", "--backend",
                            space.interpreter.backend, "--pid", pid) as tracer:
            tracer.attached()
            time.sleep(.5)
            process.send_signal(signal.SIGUSR1)
            out, _ = process.communicate(timeout=harness.PATIENCE)
            assert tracer.wait() == 0
            events = tracer.events()
    finally:
        harness.kill_session(process)
    assert not [event for event in events if event["event"] == "LOST"], tracer.stderr()
    faults, seen = greenlet_trace.wrong(events, json.loads(out), late=True)
    assert not faults, "%d: %s" % (len(faults), "\n".join(faults[:20]))
    assert seen["plain"] > 20, seen


def ask(port, n):
    """The status of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=harness.PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", "/%d" % n, headers={"X-Request-ID": "id-%d" % n})
        answer = connection.getresponse()
        answer.read()
        return answer.status


@pytest.mark.parametrize("server", ("gunicorn", "pywsgi", "eventlet"))
def test_requests(space, server):
    """Each greenlet's requests are its own, and so are the calls that are made for them."""
    if server != "gunicorn" and space.interpreter.name != "system":
        pytest.skip("the same, but for what serves")
    package = "eventlet" if server == "eventlet" else "gevent"
    if harness.run(space.interpreter.argv("-c", "import " + package))[0]:
        pytest.skip("no %s for this Python" % package)
    port, modules = harness.free_port(), "greenlet_server,__main__"
    target = space.inside(space.path / "targets" / "greenlet_server.py")
    with harness.Tracer(space.path, "--http", "-P", modules, "--backend",
                        space.interpreter.backend, "--", *space.interpreter.argv(
                            target, server, port)) as tracer:
        harness.wait_for("the server", lambda: harness.answers(port))
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            seen = dict(zip(range(48), pool.map(lambda n: ask(port, n), range(48))))
        time.sleep(.3)
        tracer.stop()
        events = tracer.events()
    assert not [event for event in events if event["event"] == "LOST"], tracer.stderr()
    told = [(event["request_id"], event["path"]) for event in events
            if event["event"] == "HTTP_REQUEST"]
    assert sorted(told) == sorted(("id-%d" % n, "/%d" % n) for n in seen)
    statuses = [(event["request_id"], event["status_code"]) for event in events
                if event["event"] == "HTTP_RESPONSE"]
    assert sorted(statuses) == sorted(("id-%d" % n, seen[n]) for n in seen)
    calls = {event["span"]: event for event in events if event["event"] == "ENTER"}
    made = collections.Counter()
    for event in calls.values():
        args = json.loads(event["args"])
        if "n" in args:
            made[event["function"]] += 1
            parent = calls.get(event["parent"], event)
            assert event["request_id"] == "id-%d" % args["n"], event
            assert json.loads(parent["args"]).get("n", args["n"]) == args["n"], (event, parent)
    assert made["work"] == 48 and made["inner"] == 48 * 3 + 2 * made["parts"], made
    ended = [event["span"] for event in events if event["event"] == "EXIT"]
    assert len(ended) == len(set(ended))
    assert "unknown" not in "".join(event.get("result", "") for event in events)
