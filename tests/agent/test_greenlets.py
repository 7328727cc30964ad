# SPDX-License-Identifier: MIT
"""Greenlets from inside: each has a stack of its own, whether greenlet was there before or not."""
import json

import greenlet_trace
import harness
import pytest

TARGET = harness.TARGETS / "greenlets.py"
THEM = [interpreter.name for interpreter in harness.with_greenlet()]


@pytest.fixture(autouse=True)
def only_where_it_is(agent):
    """Debian's package is for few of them."""
    if agent.interpreter.name not in THEM:
        pytest.skip("no package greenlet")


def check(events, told):
    """Every parent, result and exception."""
    assert not [event for event in events if event["event"] == "LOST"]
    faults, seen = greenlet_trace.wrong(events, told)
    assert not faults, "%d: %s" % (len(faults), "\n".join(faults[:20]))
    assert all(seen[name] > 9 for name in ("raises", "raises_again", "yields", "handles")), seen
    return seen


def test_loaded_later(agent):
    """Below calls that are open."""
    agent.write("greenlets.py", TARGET.read_text())
    _, out, _ = agent.command("-P", "__main__", "greenlets.py", "1", "30", "3", "60")
    seen = check(agent.events(), json.loads(out))
    assert seen["root"] > 100 and seen["generator_root"], seen


def test_loaded_before(agent):
    """Tracing begins inside of one greenlet, and again inside of another one."""
    agent.write("they.py", TARGET.read_text())
    _, out, _ = agent.run("""
        import json
        import random
        import time
        import greenlet
        import flowtrace_agent
        import they

        they.greenlet = greenlet

        def some(file):
            \"\"\"Traced from here on.\"\"\"
            they.killed.clear()
            they.thrown.clear()
            flowtrace_agent.start_tracing(flowtrace_agent.Config(
                logfile=file, package_prefix="they"))
            they.hub(next(they.numbers), 0, random.Random(7), 40, time.monotonic() + 30)
            flowtrace_agent.stop_tracing()
            print(json.dumps({"killed": they.killed, "thrown": they.thrown}))

        for file in ("one.jsonl", "two.jsonl"):
            greenlet.greenlet(some).switch(file)
        """)
    for file, told in zip(("one.jsonl", "two.jsonl"), out.splitlines()):
        check(agent.events(file), json.loads(told))
