# SPDX-License-Identifier: MIT
"""Lines of a trace against docs/events.schema.json, which docs/events.md explains."""
import json
from pathlib import Path

import jsonschema

SCHEMA = json.loads((Path(__file__).resolve().parents[1] / "docs/events.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def check(line):
    """Raises what is wrong with one line; returns the event. Stricter than a reader has to be: a
    field that the schema does not know is one that the page does not know."""
    event = json.loads(line)
    VALIDATOR.validate(event)
    known = list(SCHEMA["$defs"][event["event"]]["properties"])
    assert [field for field in known if field in event] == list(event), line
    if "args" in event:
        assert isinstance(json.loads(event["args"]), dict), line
    if "result" in event:
        json.loads(event["result"])
    return event


def check_file(path):
    """The events of a trace, each of them checked."""
    *lines, rest = Path(path).read_text("utf-8").split("\n")  # U+2028 ends no line of a trace
    assert lines and not rest, path
    return [check(line) for line in lines]
