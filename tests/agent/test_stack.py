# SPDX-License-Identifier: MIT
"""--stack from inside: the entries of an exception's traceback are those of the interpreter."""
import json

import harness


def test_stack(agent):
    """Every call that an exception leaves has the entries from it on."""
    program = harness.TARGETS / "came_through.py"
    agent.path.joinpath(program.name).write_bytes(program.read_bytes())
    _, printed, _ = agent.command("--stack", "-P", "__main__", "-o", "t.jsonl", program.name)
    truth = [json.loads(line) for line in printed.splitlines()]
    calls = ("handled", "bare", "uses", "finally_", "elsewhere", "huge", "deep", "loop")
    seen = {event["function"]: event["stack"] for event in agent.events("t.jsonl")
            if event["event"] == "EXCEPTION" and event["function"] in calls}
    assert len(truth) == len(calls)
    for name, entries in zip(calls, truth):
        assert seen[name] == (entries if len(entries) <= 64 else ["..."] + entries[-64:]), name
