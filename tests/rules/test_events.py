# SPDX-License-Identifier: MIT
"""docs/events.md and its schema say what the lines of a trace are."""
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))
import event_schema  # noqa: E402 - from tests/

PAGE = (ROOT / "docs/events.md").read_text()
DEFS = event_schema.SCHEMA["$defs"]
KINDS = event_schema.SCHEMA["properties"]["event"]["enum"]
CALLS = ("ENTER", "EXIT", "EXCEPTION")


def cells(section):
    """The rows of the first table after a heading."""
    table = PAGE.split(section)[1].split("| --- |")[1].split("\n\n")[0]
    return [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("golden", sorted((ROOT / "tests/replay").glob("*.expected.jsonl")),
                         ids=lambda path: path.name)
def test_golden_files_follow_the_schema(golden):
    event_schema.check_file(golden)


def test_examples_follow_the_schema():
    for page in ("README.md", "docs/events.md"):
        examples = re.findall(r'^\{"timestamp".*\}$', (ROOT / page).read_text(), re.M)
        whole = [line for line in examples if ", ...," not in line]
        assert whole and [event_schema.check(line) for line in whole]


def test_every_field_is_on_the_page():
    for kind in KINDS:
        row = next(fields for name, fields in cells("## Lines\n") if "`%s`" % kind in name)
        known = list(DEFS[kind]["properties"])
        named = re.findall(r"`(\w+)`", row.split(";")[0])
        assert named == (known[:len(named)] if kind in CALLS else known), kind
    tail = {field for names, _ in cells("The tail of function events")
            for field in re.findall(r"`(\w+)`", names)}
    heads = {"timestamp", "event", "thread", "module", "function", "args", "result",
             "durationMicros", "durationMillis"}
    assert tail == {field for kind in CALLS for field in DEFS[kind]["properties"]} - heads


def test_reasons_are_those_of_the_counters():
    counters = re.findall(r'\bX\((\w+),\s*"', (ROOT / "bpf/ft_counters.h").read_text())
    assert counters and counters == DEFS["LOST"]["properties"]["reason"]["enum"]
    assert counters == [re.search(r"`(\w+)`", reason)[1] for reason, _ in cells("## Lost\n")]


def rows(name, file="ft_state.h"):
    """{name: text} of an X-macro of bpf/."""
    header = (ROOT / "bpf" / file).read_text()
    return dict(re.findall(r'X\((\w+), "(.*?)"\)', header.split("#define %s(X)" % name)[1].split("\n\n")[0]))


def test_states_are_those_of_the_header():
    fields = DEFS["STATE"]["properties"]
    section = PAGE.split("## States\n")[1].split("\n## ")[0]
    for name, field in (("FT_STATES", "state"), ("FT_STATE_REASONS", "reason")):
        told = section.split("| %s |" % field)[1].split("| --- | --- |")[1].split("\n\n")[0]
        told = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", told, re.M))
        assert rows(name) == told and list(told) == fields[field]["enum"]


def test_rules_are_those_of_the_header():
    told = {re.search(r"`(\w+)`", rule)[1]: text.strip()
            for rule, text in cells("## Left out on purpose\n")}
    assert rows("FT_LEFT_OUT_RULES", "ft_left_out.h") == told
    assert list(told) == DEFS["SAMPLED"]["properties"]["rule"]["enum"]


@pytest.mark.parametrize("line", [
    '{"timestamp": 1, "event": "LOST", "count": 0, "reason": "ring_full", "pid": 1, "tid": 1}',
    '{"timestamp": 1, "event": "LOST", "count": 1, "reason": "bad luck", "pid": 1, "tid": 1}',
    '{"timestamp": 1, "event": "LOST", "count": 1, "reason": "jit", "pid": 1, "tid": 1, "x": 1}',
    '{"timestamp": 1, "event": "LOST", "count": 1, "reason": "jit", "tid": 1, "pid": 1}',
    '{"timestamp": 1, "event": "SAMPLED", "count": 0, "rule": "sample"}',
    '{"timestamp": 1, "event": "SAMPLED", "count": 1, "rule": "chance"}',
    '{"timestamp": 1, "event": "STATE", "state": "gone"}',
    '{"timestamp": 1, "event": "STATE", "reason": "signal"}',
    '{"timestamp": 1, "event": "ENTER"}',
    '{"timestamp": 1, "event": "LEAVE"}',
])
def test_what_is_wrong_is_noticed(line):
    with pytest.raises((AssertionError, event_schema.jsonschema.ValidationError)):
        event_schema.check(line)
