# SPDX-License-Identifier: MIT
"""What targets/greenlets.py did, compared with what a trace says: every call has its number and its
caller's among its arguments."""
import json
from collections import Counter

NUMBERED = ("plain", "raises", "raises_again", "handles", "yields", "key", "root",
            "generator_root", "hub", "load", "thread")
SKIPPED = ("any_call", "<lambda>")  # between two of those


class Call:
    """One span."""

    def __init__(self, enter):
        self.name = enter["function"]
        self.args = json.loads(enter["args"])
        self.parent = enter["parent"]
        self.ends = []

    @property
    def number(self):
        return self.args.get("me")


def read(events):
    """{span: Call}; every line but LOST belongs to one."""
    calls = {}
    for event in events:
        if event["event"] == "ENTER":
            assert event["span"] not in calls, event
            calls[event["span"]] = Call(event)
        elif event["event"] == "EXIT":
            calls[event["span"]].ends.append(event)
    return calls


def caller(calls, call):
    """The number of the nearest numbered call around it; 0: none."""
    call = calls.get(call.parent)
    while call and call.name in SKIPPED:
        call = calls.get(call.parent)
    return call.number if call else 0


def may_end(call, early, killed):
    """How the results that are right begin."""
    raised = '{"exception": "ValueError: number %d"}' % call.number
    allowed = []
    if call.name in ("raises", "raises_again", "root"):
        allowed.append(raised)
    if call.name in ("yields", "generator_root"):
        allowed.append("null")
        allowed.append('{"exception": "GeneratorExit"}')  # dropped behind its last step
    elif call.name not in ("raises", "raises_again"):
        allowed.append(str(call.number))
    if call.args.get("who") in early:
        allowed.append('{"exception": "LookupError: thrown"}')
    if call.args.get("who") in killed:
        allowed += ['{"exception": "GreenletExit"}', '{"exception": "GreenletExit: Killing']
    return allowed


def is_right(end, allowed):
    """One of those results, and told as such."""
    return not end.get("lost") and any(
        end["result"] == text or text.endswith("Killing") and end["result"].startswith(text)
        for text in allowed)


def wrong(events, told, late=False):
    """What differs, as text; told: what the program printed last. Also the number of calls.
    late: some began before the trace, and are not in it."""
    calls = read(events)
    numbers = {call.number for call in calls.values() if call.name in NUMBERED}
    killed, thrown = set(told["killed"]), set(told["thrown"])
    faults = []
    for call in calls.values():
        if call.name not in NUMBERED:
            continue
        # The close of a suspended generator passes no hook (from 3.13 on).
        closed = call.name == "generator_root" or (
            call.name == "yields" and call.args["who"] in killed | thrown)
        if len(call.ends) != 1 and not (closed and not call.ends):
            faults.append("%s %s ends %d times" % (call.name, call.args, len(call.ends)))
        above = call.args["parent"]
        if caller(calls, call) != (0 if late and above not in numbers else above):
            faults.append("%s %s has the parent %s" % (call.name, call.args, caller(calls, call)))
        for end in call.ends:
            if not is_right(end, may_end(call, thrown, killed)):
                faults.append("%s %s ends with %s" % (call.name, call.args, end["result"]))
    return faults, Counter(call.name for call in calls.values())
