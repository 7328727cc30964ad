# SPDX-License-Identifier: MIT
"""Files and names of functions that are longer than a record: cut, each by itself."""
import json

import pytest

PROGRAM = """
import types
def called(value):
    return value
for changes in %r:
    code = called.__code__.replace(**changes)
    types.FunctionType(code, {"__name__": "long"})(1)
"""
CHANGES = [{"co_name": "n" * 10000}, {"co_filename": "f" * 10000},
           {"co_filename": "\u20ac" * 10000, "co_name": "\u20ac" * 10000}]


@pytest.mark.live
def test_longer_than_a_record(space):
    """What is long takes no room from the module, by which it is decided, or the parameters."""
    output, errors = space.trace("long.jsonl", space.interpreter.argv("-c", PROGRAM % CHANGES),
                                 prefix="long")
    events = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    calls = [event for event in events if event["event"] == "ENTER"]
    assert [call["module"] for call in calls] == 3 * ["long"], errors
    assert [call["args"] for call in calls] == 3 * ['{"value": 1}']
    assert calls[0]["function"] == 250 * "n" + "..." and calls[0]["file"] == "<string>"
    assert calls[1]["function"] == "called" and calls[1]["file"] == 700 * "f" + "..."
    assert calls[2]["function"] == 250 * "\u20ac" + "..."
