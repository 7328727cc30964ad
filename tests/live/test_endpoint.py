# SPDX-License-Identifier: MIT
"""The HTTP endpoint (--metrics): what it says before, while and after hooks are live, and that no
client holds up the trace."""
import contextlib
import http.client
import json
import re
import signal
import socket
import subprocess
import time

import harness
import pytest
from harness import refused

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
TICKS = """
import time
def tick(n):
    return n
n = 0
while True:
    tick(n)
    n += 1
    time.sleep(0.002)
"""
LABEL = r'[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(%s(?:,%s)*)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
                    % (LABEL, LABEL))


def get(port, path, host="127.0.0.1", method="GET"):
    """(status, text)."""
    connection = http.client.HTTPConnection(host, port, timeout=harness.PATIENCE)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def health(port, host):
    with contextlib.suppress(OSError):
        return get(port, "/healthz", host)


def ready(port):
    with contextlib.suppress(OSError):
        return get(port, "/readyz")[0] == 200


@contextlib.contextmanager
def traced(tmp_path, *options, metrics=None, program=TICKS):
    """A collector with an endpoint; the port."""
    port = harness.free_port()
    process = harness.start([harness.TRACER, "-q", "-P", "__main__", "-o", tmp_path / "trace",
                             "--metrics", (metrics or "%d") % port, *options, "--",
                             *(["sh", "-c", "read x"] if program is None else
                               [harness.PYTHON, "-c", program])],
                            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield process, port
    finally:
        harness.kill_session(process)


def metrics_of(text):
    """{name: value, or {labels: value}}; each is written as Prometheus' text format says."""
    values, kinds, last = {}, {}, None
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# "):
            what, name, rest = line[2:].split(" ", 2)
            assert what in ("HELP", "TYPE") and (what, name) not in kinds and rest
            kinds[what, name] = rest
            last = name
            continue
        match = SAMPLE.fullmatch(line)
        assert match and match[1] == last and kinds["TYPE", last] in ("counter", "gauge"), line
        assert ("HELP", last) in kinds
        assert (kinds["TYPE", last] == "counter") == last.endswith("_total")
        assert (match[1], match[2]) not in values
        values[match[1], match[2]] = float(match[3])
    return values


def test_states(tmp_path):
    """Not ready before hooks are live, ready after; alive all the time; counts are those of the
    trace."""
    with traced(tmp_path) as (process, port):
        harness.wait_for("an answer", lambda: harness.answers(port))
        status, text = get(port, "/readyz")
        assert (status, text) in ((503, "starting\n"), (503, "attaching\n"), (200, "ok\n"))
        assert get(port, "/healthz") == (200, "ok\n")
        harness.wait_for("hooks", lambda: ready(port))
        time.sleep(2.5)
        assert get(port, "/healthz") == (200, "ok\n")
        values = metrics_of(get(port, "/metrics")[1])
        assert values["flowtrace_ready", None] == 1 and values["flowtrace_processes", None] == 1
        assert values["flowtrace_lost_events_total", 'reason="ring_full"'] == 0
        assert 1 << 20 < values["process_resident_memory_bytes", None] < 1 << 30
        time.sleep(1.5)
        later = metrics_of(get(port, "/metrics")[1])
        assert later["flowtrace_events_total", None] > values["flowtrace_events_total", None] > 100
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=harness.PATIENCE) in (0, 128 + signal.SIGINT)
        events = sum(1 for _ in open(tmp_path / "trace"))
        assert events >= later["flowtrace_events_total", None]


def test_waits_for_python(tmp_path):
    with traced(tmp_path, program=None) as (_, port):
        harness.wait_for("the command", lambda: harness.answers(port)
                         and get(port, "/readyz") == (503, "waiting for Python\n"))
        assert get(port, "/healthz")[0] == 200


@pytest.mark.parametrize("metrics,host", [("[::1]:%d", "::1"), (":%d", "::1"), (":%d", "127.0.0.1"),
                                          ("0.0.0.0:%d", "127.0.0.1"),
                                          ("localhost:%d", "127.0.0.1")])
def test_addresses(metrics, host, tmp_path):
    with traced(tmp_path, metrics=metrics) as (_, port):
        harness.wait_for("an answer", lambda: health(port, host) == (200, "ok\n"))


def test_a_port_is_of_this_machine_alone(tmp_path):
    with traced(tmp_path) as (_, port):
        harness.wait_for("an answer", lambda: harness.answers(port))
        listening = harness.run(["ss", "-Hltn", "sport = :%d" % port], check=0)[1]
        assert "127.0.0.1:%d" % port in listening and listening.count("LISTEN") == 1


def test_requests(tmp_path):
    """Other methods and paths, long and broken requests."""
    with traced(tmp_path) as (_, port):
        harness.wait_for("an answer", lambda: harness.answers(port))
        assert get(port, "/healthz", method="HEAD") == (200, "")
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "X"):
            assert get(port, "/metrics", method=method)[0] == 405
        assert get(port, "/")[0] == get(port, "/../etc/passwd")[0] == 404
        for request in (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n", b"\0" * 20000,
                        b"GET /healthz HTTP/1.1\r\nA: " + b"y" * 100000 + b"\r\n\r\n",
                        b"POST /healthz HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"):
            with contextlib.suppress(ConnectionError, TimeoutError), \
                    socket.create_connection(("127.0.0.1", port), 8) as one:
                one.sendall(request)
                assert b" 200 " not in one.recv(4096)
        assert get(port, "/healthz") == (200, "ok\n")


def test_slow_clients(tmp_path):
    """Eight that send a byte now and then, and more that wait: they are ended, the trace does not
    notice."""
    with traced(tmp_path) as (process, port):
        harness.wait_for("hooks", lambda: ready(port))
        clients = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(12)]
        began, answered = time.monotonic(), None
        while answered is None and time.monotonic() < began + harness.PATIENCE:
            for one in clients:
                with contextlib.suppress(OSError):
                    one.send(b"G")
            with contextlib.suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
                connection.request("GET", "/healthz")
                answered = connection.getresponse().status
            time.sleep(0.2)
        assert answered == 200 and time.monotonic() - began < harness.promised(25)
        for one in clients:
            one.close()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=harness.PATIENCE)
    seen = [json.loads(e["args"])["n"] for e in map(json.loads, open(tmp_path / "trace"))
            if e["event"] == "ENTER" and e["function"] == "tick"]
    assert seen == list(range(len(seen))) and len(seen) > 1000


def test_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(1, "--metrics", str(port), "--", "true", cwd=tmp_path,
                says=["--metrics", "in use", "another port"])
    refused(1, "--metrics", "192.0.2.1:9464", "--", "true", cwd=tmp_path, says=["192.0.2.1:9464"])
    refused(2, "--metrics", "nothing", "--", "true", cwd=tmp_path, says=["nothing"])
    refused(2, "--metrics", "9464", "--replay", "x", cwd=tmp_path, says=["live"])
