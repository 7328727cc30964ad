# SPDX-License-Identifier: MIT
"""Eight threads on few cores, long and nested values at full rate. Every value is made from its
thread and number, so what it must be is known without a truth run; a scratch buffer that two
threads share, or a token of another's record, shows."""
import importlib
import json
import sys

import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
sys.path.insert(0, str(harness.TARGETS))
stress = importlib.import_module("gt.stress")
WHOLE_RUN = "64M"  # the collector may get no processor while all threads run


def plain(value):
    """A value as JSON has it."""
    if isinstance(value, bytes):
        return repr(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def expected(function, args):
    """(all arguments, result) of a call, from its thread and number."""
    thread, seq = args["thread"], args["seq"]
    known = {"thread": thread, "seq": seq}
    if function == "text_call":
        text = stress.pattern(thread, seq, 20 + seq % 900)
        return {**known, "text": text}, text
    if function == "long_call":
        text = stress.pattern(thread, seq, stress.LONG)
        return {**known, "text": text}, text
    if function == "nested_call":
        value = plain(stress.structure(thread, seq))
        key = stress.pattern(thread, seq, 60)
        return ({**known, "value": value, "rest": [thread, seq], "key": key},
                [value, [thread, seq], key])
    if function == "deep_call":
        return {**known, "n": args["n"]}, [thread, seq, 0]
    return known, {"exception": "ValueError: failure %d:%d" % (thread, seq)}


def agrees(wanted, seen, cut):
    """Equal; or, where the field is cut, a text that begins in the same way."""
    if isinstance(seen, str) and cut and seen.endswith("..."):
        return len(seen) > 800 and isinstance(wanted, str) and wanted.startswith(seen[:-3])
    if isinstance(wanted, dict):
        return (isinstance(seen, dict) and wanted.keys() == seen.keys() and
                all(agrees(wanted[key], seen[key], cut) for key in wanted))
    return wanted == seen


def check_call(enter, leave):
    """One call's two lines; what is wrong with them."""
    args, result = json.loads(enter["args"]), json.loads(leave["result"])
    if enter["thread"] != "stress-%d" % args["thread"]:
        return "thread is %s" % enter["thread"]
    want_args, want_result = expected(enter["function"], args)
    if not agrees(want_args, args, "truncatedFields" in enter):
        return "args %s, wanted %s" % (enter["args"], want_args)
    if not agrees(want_result, result, "truncatedFields" in leave):
        return "result %s, wanted %s" % (leave["result"], want_result)
    return None


def wanted_calls():
    """Every (function, thread, number, n) that the program calls."""
    for thread in range(stress.THREADS):
        for seq in range(stress.CALLS):
            yield "text_call", thread, seq, None
            yield "nested_call", thread, seq, None
            if seq % 4 == 0:
                yield "long_call", thread, seq, None
                yield from (("deep_call", thread, seq, n) for n in range(6))
            if seq % 8 == 0:
                yield "failing_call", thread, seq, None


def test_stress(space):
    """All calls, all values, none lost."""
    output, errors = space.trace("stress.jsonl", "stress", "--buffer", WHOLE_RUN)
    checked = {"text_call", "long_call", "nested_call", "deep_call", "failing_call"}
    enters, seen, wrong = {}, [], []
    with open(output, encoding="utf-8") as file:
        for event in map(json.loads, file):
            assert event["event"] != "LOST", event
            if event["function"] not in checked:
                continue
            if event["event"] == "ENTER":
                enters[event["span"]] = event
            elif event["event"] == "EXIT":
                enter = enters.pop(event["span"])
                args = json.loads(enter["args"])
                seen.append((enter["function"], args["thread"], args["seq"], args.get("n")))
                wrong += filter(None, [check_call(enter, event)])
    assert not wrong, "%d wrong, the first: %s" % (len(wrong), wrong[0])
    assert not enters, "%d calls without an end" % len(enters)
    assert sorted(seen, key=str) == sorted(wanted_calls(), key=str)
    assert harness.lost_in_summary(errors) in (0, None), errors
