# SPDX-License-Identifier: MIT
"""--stack from inside: the entries of an exception's traceback are those of the interpreter."""
import harness
import stack_entries


def test_stack(agent):
    """Every call that an exception leaves has the entries from it on."""
    program = harness.TARGETS / "came_through.py"
    agent.path.joinpath(program.name).write_bytes(program.read_bytes())
    _, printed, _ = agent.command("--stack", "-P", "__main__", "-o", "t.jsonl", program.name)
    stack_entries.compared(agent.events("t.jsonl"), printed)
