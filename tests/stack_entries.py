# SPDX-License-Identifier: MIT
"""What targets/came_through.py prints of the tracebacks of its calls, against a trace with --stack."""
import json
import re

CALLS = ("handled", "bare", "uses", "finally_", "elsewhere", "huge", "deep", "loop")
MOST = 64


def shortened(entries):
    """As the trace has it: where it was raised is worth more."""
    return entries if len(entries) <= MOST else ["..."] + entries[-MOST:]


def compared(events, printed):
    """Every call's entries."""
    truth = dict(zip(CALLS, map(json.loads, printed.splitlines())))
    assert set(truth) == set(CALLS)
    seen = {event["function"]: event for event in events if event["event"] == "EXCEPTION"
            and event["function"] in CALLS}
    for name, entries in truth.items():
        stack = seen[name]["stack"]
        if name == "huge":  # a line that cannot be told is not made up
            stack = [re.sub(r":\? <module>$", ":6003 <module>", entry) for entry in stack]
        assert stack == shortened(entries), name
        assert ("stack" in seen[name].get("truncatedFields", {})) == (len(entries) > MOST)
    deep = seen["deep"]["truncatedFields"]["stack"]
    assert deep == {"threshold": MOST, "originalLength": len(truth["deep"])}
    assert not [event for event in events if event["event"] in ("EXIT", "LOST")
                and ("stack" in event or event["event"] == "LOST")]
