# SPDX-License-Identifier: MIT
"""Many short programs, one after the other: each is traced from its first call."""
import collections
import subprocess

import harness
import pytest

RATE, SECONDS = 100, 5
BUFFER = "256K"  # full of the calls of the one that starts them before half a second is over


def commands():
    """Two interpreters that differ."""
    found = [i for i in harness.interpreters() if i.root is None and not i.why_not()]
    if len(found) < 2:
        pytest.skip("there is one interpreter only that needs no chroot")
    return [" ".join(i.argv()) for i in (found[0], found[-1])]


def stays(tracer):
    """Which of those that stay are traced: from then on their interpreters have hooks."""
    return {e["result"] for e in tracer.events() if e["event"] == "EXIT" and e["function"] == "stays"}


def storm(tmp_path, options=()):
    """Runs it; returns (how many were started, the events)."""
    driver = harness.start([harness.own_python(), harness.TARGETS / "storm.py", RATE, SECONDS,
                            *commands()], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert driver.stdout.readline() == b"ready\n"
        with harness.Tracer(tmp_path, "-f", "-P", "__main__", "--buffer", BUFFER, *options,
                            "-p", driver.pid) as tracer:
            tracer.attached()
            driver.stdin.write(b"\n")
            driver.stdin.flush()
            harness.wait_for("both are hooked", lambda: stays(tracer) == {"0", "1"}, 30, 0.2)
            driver.stdin.write(b"\n")
            driver.stdin.flush()
            started, _ = driver.stdout.readline().split()
            driver.stdin.close()
            assert driver.wait(20) == 0 and tracer.wait() == 0, tracer.stderr()
            return int(started), tracer.events()
    finally:
        driver.stdout.close()
        harness.kill_session(driver)


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_start_storm(tmp_path):
    started, events = storm(tmp_path)
    calls = collections.Counter((e["event"], e.get("args"), e.get("result")) for e in events
                                if e.get("function") == "first")
    entered = [args for kind, args, _ in calls if kind == "ENTER"]
    left = [result for kind, _, result in calls if kind == "EXIT"]
    lost = collections.Counter()
    for event in events:
        if event["event"] == "LOST":
            lost[event["reason"]] += event["count"]
    assert set(calls.values()) == {1}
    assert len(entered) == started and sorted(left, key=int) == list(map(str, range(started)))
    # The ring was read all the time. Late were the two that stay, whose files had no hooks.
    assert set(lost) <= {"late"} and lost["late"] <= 2, lost
    beats = [int(e["result"]) for e in events if e["event"] == "EXIT" and e["function"] == "beat"]
    assert beats == list(range(len(beats))) and len(beats) > 100 * SECONDS
