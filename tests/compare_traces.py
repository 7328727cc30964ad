#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Do two collectors write the same trace? For a change that must not change what traces contain.

    compare_traces.py OLD_TRACER NEW_TRACER [PYTHON...]

Runs programs that do the same in each run under both, with several options, on each PYTHON (the
system's own and those of ~/.pyenv, from 3.8 on), and compares the traces line by line, in their
order in each thread. Left out of a line is what no two runs share: times, pids, addresses (but for
their length, so they are not randomized); numbers of spans and ids of requests are counted anew.
Exit status 1 if any line differs. Needs root.
"""
import itertools
import os
import re
import sys
import tempfile
from pathlib import Path

import harness

REPLAY = harness.REPO / "tests" / "replay"
ALONE = ("pool",)  # which of its threads takes which job is open
OPTIONS = (("-P",), ("-P", "--stack"), ("-P", "--no-args"), ("-P", "--max-items", "3"), ())
SHOWN, AROUND = 4, 90  # lines that differ, of a run; characters around the first that does

TIMES = re.compile(r'"(timestamp|durationMicros|durationMillis|pid)": \d+')
ADDRESS = re.compile(r"0x[0-9a-f]{5,}")
COUNTED = re.compile(r'"(tid|span|parent|request_id)": ("[^"]*"|\d+)')
WHOSE = re.compile(r'"pid": (\d+), "tid": (\d+)')
THREAD = re.compile(r'"thread": "[^"]*"')
NUMBER = re.compile(r"-\d+")


def programs(python):
    """(title, prefix, arguments of the interpreter) of what runs there."""
    text = harness.run([python, harness.TARGETS / "run.py", "--list"], check=0)[1]
    scenarios = [name for name in text.split() if name not in ALONE]
    itself = harness.TARGETS / "asks_itself.py"
    yield "scenarios", "gt", [harness.TARGETS / "run.py", *scenarios]
    yield "wsgi", "served", [itself, "wsgi"]
    yield "asgi", "served", [itself, "asgi"]
    if not harness.run([python, "-c", "import flask"])[0]:
        yield "shop", "shop", [itself, "shop"]
    yield "tree", "__main__,json", [harness.REPO / "examples" / "show_trace.py",
                                    REPLAY / "exceptions.expected.jsonl"]


class Numbers:
    """Values as the number of their first appearance."""

    def __init__(self):
        self.seen = {}

    def of(self, found):
        name, value = found.groups()
        kind = "span" if name == "parent" else name
        if value == "0" or "given-" in value:
            return found.group()
        number = self.seen.setdefault((kind, value), len(self.seen))
        return '"%s": "#%d"' % (name, number)


def plain(line):
    """A line without what no two runs share."""
    line = ADDRESS.sub(lambda found: "-" * len(found.group()), line)
    line = THREAD.sub(lambda found: NUMBER.sub("-N", found.group()), line)
    return TIMES.sub(r'"\1": N', line)


def lines_of(path):
    """The lines of a trace: thread by thread, in an order that does not depend on who was first."""
    threads, names = {}, {}
    for line in path.read_bytes().decode().split("\n")[:-1]:
        whose, name = WHOSE.search(line).groups(), THREAD.search(line)
        if name:  # LOST has none; a tid is given again when a thread is over
            names[whose] = name.group()
        threads.setdefault((whose, names.get(whose)), []).append(plain(line))
    numbers = Numbers()
    texts = sorted(threads.values(), key=lambda lines: [COUNTED.sub("", line) for line in lines])
    return [COUNTED.sub(numbers.of, line) for lines in texts for line in lines]


def trace(tracer, directory, python, prefix, arguments, options):
    """The lines that a collector writes, of one run."""
    output = directory / "trace.jsonl"
    output.unlink(missing_ok=True)
    options = [part for option in options for part in ((option, prefix) if option == "-P" else
                                                       (option,))]
    harness.run(["setarch", "-R", tracer, "-q", "-o", output, *options, "--", python, "-B", *arguments], check=0,
                timeout=120, cwd=directory)
    return lines_of(output)


def differences(old, new):
    """Pairs of lines that are not equal, at the same place."""
    pairs = itertools.zip_longest(old, new, fillvalue="(none)")
    return [pair for pair in pairs if pair[0] != pair[1]]


def around(old, new):
    """What is shown of two lines: where they begin to differ."""
    at = len(os.path.commonprefix((old, new)))
    return tuple(text[max(0, at - 2 * AROUND):at + AROUND] for text in (old, new))


def compare(tracers, directory, python, program, options):
    """Prints what differs; returns (lines compared, lines that differ)."""
    title, prefix, arguments = program
    old, new = [trace(tracer, directory, python, prefix, arguments, options)
                for tracer in tracers]
    found = differences(old, new)
    where = "%s %s %s" % (python, title, " ".join(options) or "(no -P)")
    if not old:
        found = [("(no lines)", "(no lines)")]
    if found and differences(old, trace(tracers[0], directory, python, prefix, arguments, options)):
        where += ": NOT REPEATABLE, the old collector differs from itself"
    print("%s: %d lines%s" % (where, len(old), ", %d differ" % len(found) if found else ""),
          flush=True)
    for pair in found[:SHOWN]:
        print("  old ...%s\n  new ...%s" % around(*pair))
    return len(old), len(found)


def main(tracers, pythons):
    """Every program on every interpreter with every set of options."""
    pythons = pythons or [python.python for python in
                          (harness.Interpreter("system"), *harness.own_builds())]
    runs = compared = differ = 0
    with tempfile.TemporaryDirectory(prefix="flowtrace-compare-") as directory:
        for python in pythons:
            for program, options in itertools.product(programs(python), OPTIONS):
                counts = compare(tracers, Path(directory), python, program, options)
                runs, compared, differ = runs + 1, compared + counts[0], differ + counts[1]
    print("%d runs, %d lines compared, %d differ" % (runs, compared, differ))
    return 1 if differ else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main([Path(arg).resolve() for arg in sys.argv[1:3]], sys.argv[3:]))
