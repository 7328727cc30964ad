# SPDX-License-Identifier: MIT
"""A program of yours on every interpreter, as a table: ./dev truth FILE [PREFIX [INTERPRETER...]]

A cell is the number of calls, all of them told as the interpreter's own tracing or the agent tells
them; else what differs first. A line on standard error each, so that long work shows.
"""
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
import harness  # noqa: E402
import place  # noqa: E402

SHOWN = 3  # differences of a cell


def outside(where, prefix, command):
    """(number of calls, differences) against the interpreter's own tracing."""
    comparison = where.as_the_interpreter(prefix, command)
    return comparison.compared["calls"], comparison.differences


def inside(where, prefix, command):
    """The same against the agent."""
    texts, calls = where.as_the_agent(prefix, command)
    return calls, texts


def cell(way, where, prefix, file):
    """What one way says of a program; a failure of the program or of the comparison is said too."""
    try:
        calls, differences = way(where, prefix, [where.inside(where.path / file.name)])
    except (AssertionError, OSError, ValueError) as failed:
        said = [line for line in str(failed).splitlines() if "flowtrace-bpf: " not in line]
        return "failed: " + "".join(said[-1:])[:300]
    if not differences:
        return str(calls)
    return "\n    ".join(["%d of %d differ" % (len(differences), calls),
                          *(str(one)[:300] for one in differences[:SHOWN])])


def main(file, prefix="__main__", *names):
    """Returns how many cells are not right."""
    file, wrong = Path(file).resolve(), 0
    print("%-16s %-12s %s" % (file.name, "tracing", "agent"))
    for interpreter in harness.interpreters():
        if names and interpreter.name not in names:
            continue
        try:
            with place.made(interpreter) as where:
                shutil.copy(file, where.path)
                cells = [cell(way, where, prefix, file) for way in (outside, inside)]
        except place.LeftOut as reason:
            print("%-16s left out: %s" % (interpreter, reason))
            continue
        wrong += sum(not text.isdecimal() for text in cells)
        print("%-16s %-12s %s" % (interpreter, *cells), flush=True)
    return wrong


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(bool(main(*sys.argv[1:])))
