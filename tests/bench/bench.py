#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench: what tracing from outside costs, against the least that any tracer can pay.

Everything that is compared is measured side by side in one run, in interleaved rounds. Traps differ by
a factor of twenty between machines, so bounds are of what is above a program that only counts. The exit
status is 1 where one is missed.
"""

import argparse
import pathlib
import sys
import tempfile

import calls
import collector
import programs
import rows
import web
from traced import harness

PARTS = ("calls", "programs", "web")
FEW = 3  # rounds of what takes longer than calls


def every_interpreter(options, directory):
    """Accepted and rejected calls, a line each."""
    table = rows.Table("interpreter", (
        ("count", "count", 0, "ns a call under the program that only counts"),
        ("rejected", "rejected", 2, "times that"),
        ("accepted", "accepted", 2, "times that"),
        ("rejected_bpf", "in BPF, rejected", 0, "ns above counting; ~ where that takes %d ns a hit"
         % calls.COUNT_NS),
        ("accepted_bpf", "in BPF, accepted", 0, "the same of accepted calls"),
        ("lost", "lost", 0, "events"),
    ))
    for interpreter in harness.interpreters():
        reason = interpreter.why_not()
        if reason:
            print("%s: %s" % (interpreter, reason), file=sys.stderr)
            continue
        if interpreter.backend != "auto":
            continue  # count-sites takes the one that is chosen
        argv = [harness.own_python()] if interpreter.name == "system" else interpreter.argv()
        found = calls.measure(argv, directory, options.rounds,
                              ("rejected", "accepted"), "%s: " % interpreter)
        cells = {name: calls.case_cells(name, of, found.count) for name, of in found.cases.items()}
        table.add("%s %s" % (interpreter, interpreter.version()),
                  count=calls.middle(one["rejected"] for one in found.count), lost=found.lost,
                  **{name: of["ratio"] for name, of in cells.items()},
                  **{name + "_bpf": of["bpf"] for name, of in cells.items()})
    return table


def tables(options, directory):
    if options.all:
        yield every_interpreter(options, directory)
        return
    parts = options.parts or PARTS
    if "calls" in parts or options.programs:
        python = (options.python or harness.own_python()).split()
        found = calls.measure(python, directory, options.rounds)
        yield calls.machine_of(found)
        if options.programs:
            yield calls.programs_of(found)
            return
        yield calls.table_of(found)
        yield collector.table_of(found, python, directory, options.rounds)
    if "programs" in parts:
        yield programs.table_of(directory, min(FEW, options.rounds))
    if "web" in parts:
        yield web.table_of(min(FEW, options.rounds))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--python", help="interpreter that makes calls; default the system's")
    parser.add_argument("--all", action="store_true", help="every interpreter, few calls")
    parser.add_argument("--programs", action="store_true", help="what each BPF program takes, instead")
    parser.add_argument("parts", nargs="*", metavar="PART",
                        help="of %s; default all" % ", ".join(PARTS))
    options = parser.parse_args()
    wrong = set(options.parts) - set(PARTS)
    if wrong:
        parser.error("no such part: " + ", ".join(sorted(wrong)))
    ok = True
    with tempfile.TemporaryDirectory() as name:
        for table in tables(options, pathlib.Path(name)):
            table.show(options.json)
            ok = ok and table.ok()
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
