# SPDX-License-Identifier: MIT
"""Attaching to a gunicorn that serves: no request fails, every call of a handler is in the trace,
and detaching leaves nothing behind. The shop's workers count their calls; of a worker that is gone
gunicorn's access log tells."""
import collections
import contextlib
import json
import re
import shutil
import signal
import subprocess
import time
import urllib.request

import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
GUNICORN = "/usr/bin/gunicorn"
LOAD = "/quote/tea/3"


class Shop:
    """The example shop under gunicorn, with two workers."""

    def __init__(self, directory):
        self.port = harness.free_port()
        self.url = "http://127.0.0.1:%d" % self.port
        self.log = directory / "access.log"
        with open(directory / "gunicorn.log", "wb") as log:
            self.process = harness.start(
                [harness.own_python(), GUNICORN, "--workers", 2,
                 "--bind", "127.0.0.1:%d" % self.port,
                 "--access-logfile", self.log, "--access-logformat", "%(p)s %(U)s %(s)s",
                 "shop.app:app"], cwd=harness.REPO / "examples", stdout=log, stderr=log,
                env=harness.environment(PYTHONDONTWRITEBYTECODE="1"))
        harness.wait_for("the shop", self.answers)
        harness.wait_for("two workers", lambda: len(self.workers()) == 2)

    def answers(self):
        """Does it answer a request?"""
        try:
            return self.get("/")
        except OSError:
            return None

    def get(self, path):
        """The body of an answer; any error is raised."""
        with urllib.request.urlopen(self.url + path, timeout=harness.PATIENCE) as answer:
            return answer.read().decode()

    def workers(self):
        """Pids of the workers."""
        pid = self.process.pid
        with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
            return [int(child) for child in children.read().split()]

    def served(self):
        """Requests to the load path, by worker."""
        table = {}
        for line in self.log.read_text().splitlines():
            pid, path, status = line.split()
            assert status == "200" or path != LOAD, line
            if path == LOAD:
                pid = int(pid.strip("<>"))
                table[pid] = table.get(pid, 0) + 1
        return table

    def settled(self):
        """Waits until no request is under way; returns how often the handler was called, by
        worker. The log does not have the last few: the load's end closes their connections."""
        counts = [None, self.served()]
        while counts[-1] != counts[-2]:
            time.sleep(0.5)
            counts.append(self.served())
        living = {}
        harness.wait_for("an answer of every worker", lambda: self.count(living), pause=0)
        return {**counts[-1], **living}

    def count(self, table):
        """Asks one worker for its count; has every worker answered?"""
        answer = json.loads(self.get("/count"))
        table[answer["pid"]] = answer["calls"].get("quote", 0)
        return set(table) >= set(self.workers())

    def texts(self, pids):
        """What attached() wants to know."""
        return {pid: harness.text_of(pid) for pid in pids}


@pytest.fixture
def shop(tmp_path):
    """A running shop."""
    for needed in (GUNICORN, "/usr/bin/wrk"):
        if not shutil.which(needed):
            pytest.skip("no " + needed)
    running = Shop(tmp_path)
    yield running
    harness.kill_session(running.process)


@contextlib.contextmanager
def load(shop, seconds=0):
    """Bounded load beside the body of the with, so long at least; not one request may fail."""
    began = time.monotonic()
    process = harness.start(["/usr/bin/wrk", "-t1", "-c4", "-d60s", "--timeout", "8s",
                             shop.url + LOAD], stdout=-1, stderr=-2, text=True)
    try:
        yield
        time.sleep(max(0, began + seconds - time.monotonic()))
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=harness.PATIENCE)
    finally:
        harness.kill_session(process)
    assert process.returncode == 0, text
    assert "Non-2xx" not in text and "Socket errors" not in text, text
    assert int(re.search(r"(\d+) requests in", text)[1]) > 20, text


def handler_calls(tracer, function="quote"):
    """(ENTER, EXIT) of a handler by process."""
    table = {}
    for event in tracer.events():
        if event.get("function") == function and event["module"] == "shop.app":
            counts = table.setdefault(event["pid"], {"ENTER": 0, "EXIT": 0, "EXCEPTION": 0})
            counts[event["event"]] += 1
    return {pid: (counts["ENTER"], counts["EXIT"]) for pid, counts in table.items()}


def lost(tracer):
    """Events that the trace says are lost."""
    return sum(event["count"] for event in tracer.events() if event["event"] == "LOST")


def both(served):
    """The counts that a complete trace has."""
    return {pid: (count, count) for pid, count in served.items()}


def test_every_call_of_the_workers(shop, tmp_path):
    """Attached by pid, under load: as many calls as gunicorn served, per worker."""
    workers = shop.workers()
    before = shop.texts(workers)
    with harness.Tracer(tmp_path, "--pid", ",".join(map(str, workers)), "-P", "shop") as tracer:
        tracer.attached()
        with load(shop, 3):
            pass
        served = shop.settled()
        assert tracer.stop() == 0, tracer.stderr()
    assert sum(served.values()) > 20
    assert handler_calls(tracer) == both(served)
    assert lost(tracer) == 0
    assert shop.texts(workers) == before, "a probe was left in the text"
    assert shop.workers() == workers and shop.get("/")


def test_values_of_a_request(shop, tmp_path):
    """What an order looks like in the trace: arguments, results, exceptions, secrets."""
    before = shop.texts(shop.workers())
    pids = ",".join(map(str, before))
    with harness.Tracer(tmp_path, "--pid", pids, "-P", "shop") as tracer:
        tracer.attached()
        harness.run([harness.PYTHON, harness.REPO / "examples" / "shop_requests.py", shop.url],
                    check=0)
        assert tracer.stop() == 0, tracer.stderr()
    events = tracer.events()
    reserve = [e for e in events if e["event"] == "ENTER" and e["function"] == "reserve"]
    assert '"lines": {"tea": 2, "bread": 1}' in reserve[0]["args"]
    assert reserve[0]["class"] == "shop.inventory.Inventory"
    raised = {(e["function"], e["exception"]["type"], e["exception"]["message"])
              for e in events if e["event"] == "EXCEPTION"}
    assert ("find", "NotFound", "no product 'caviar'") in raised
    assert ("_check", "OutOfStock", "100 of saffron wanted, 3 left") in raised
    assert ("place_order", "PaymentDeclined", "the card number is not valid") in raised
    send = [e for e in events if e["event"] == "ENTER" and e["function"] == "_send"]
    assert '"token": "***"' in send[0]["args"] and "shop-secret" not in str(send)


def test_master_with_follow(shop, tmp_path):
    """The master's pid and --follow: the workers that are there, one that takes the place of a
    killed one, and all of them after a reload."""
    old = shop.workers()
    before = shop.texts([shop.process.pid, *old])
    with harness.Tracer(tmp_path, "--pid", shop.process.pid, "--follow", "-P", "shop") as tracer:
        tracer.attached()
        with load(shop, 6):
            time.sleep(1)
            harness.os.kill(old[0], signal.SIGTERM)
            time.sleep(2)
            shop.process.send_signal(signal.SIGHUP)
        served = shop.settled()
        assert tracer.stop() == 0, tracer.stderr()
    assert len(served) >= 4 and not set(shop.workers()) & set(old)
    assert handler_calls(tracer) == both(served)
    assert lost(tracer) == 0
    assert shop.get("/")


def test_attach_and_detach_under_load(shop, tmp_path):
    """Attached and detached again while requests are served: none fails."""
    before = shop.texts(shop.workers())
    pids = ",".join(map(str, before))
    with load(shop):
        for n in range(2):
            directory = tmp_path / str(n)
            directory.mkdir()
            with harness.Tracer(directory, "--pid", pids, "-P", "shop") as tracer:
                tracer.attached()
                time.sleep(0.5)
                assert tracer.stop() == 0, tracer.stderr()
            assert handler_calls(tracer), "nothing was traced"
    assert shop.texts(before) == before
    assert shop.get("/")


def test_killed_collector(shop, tmp_path):
    """kill -9 of the collector under load: the shop serves on, the kernel cleans up."""
    before = shop.texts(shop.workers())
    pids = ",".join(map(str, before))
    with load(shop, 4):
        with harness.Tracer(tmp_path, "--pid", pids, "-P", "shop") as tracer:
            tracer.attached()
            time.sleep(0.5)
            assert tracer.stop(signal.SIGKILL) == -signal.SIGKILL
        harness.wait_for("probes gone", lambda: shop.texts(before) == before)
    assert set(before) == set(shop.workers()) and shop.get("/")


def test_master_without_follow_is_explained(shop, tmp_path):
    """A target that makes no matching call but has Python children: their pids are named."""
    with harness.Tracer(tmp_path, "--pid", shop.process.pid, "-P", "shop", "-d", "1.5") as tracer:
        assert tracer.wait() == 0, tracer.stderr()
    for worker in shop.workers():
        assert re.search(r"\b%d\b" % worker, tracer.stderr()), tracer.stderr()


MANY = 40


def test_many_processes_of_one_interpreter(tmp_path):
    """Each is hooked for itself, and every call of each is there."""
    script = "import sys\ndef f(n):\n    return n\nsys.stdin.readline()\nfor n in range(5):\n    f(n)\n"
    targets = [harness.start([harness.PYTHON, "-c", script], stdin=subprocess.PIPE)
               for _ in range(MANY)]
    try:
        with harness.Tracer(tmp_path, "-P", "__main__", "-p",
                            ",".join(str(t.pid) for t in targets)) as tracer:
            tracer.attached(120)
            for target in targets:
                target.stdin.close()
            assert [t.wait(20) for t in targets] == [0] * MANY and tracer.wait() == 0, tracer.stderr()
        results = collections.Counter((e["pid"], e["result"]) for e in tracer.events()
                                      if e["event"] == "EXIT" and e["function"] == "f")
        assert results == {(t.pid, str(n)): 1 for t in targets for n in range(5)}
    finally:
        for target in targets:
            harness.kill_session(target)
