#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench agent: what a call costs under the in-process agent, on every interpreter.

The yardstick is a callback of sys.setprofile in Python that does nothing, in the same process and
the same rounds; figures are medians.
"""
import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "agent_ext")]
import harness  # noqa: E402 - from tests/
import intree  # noqa: E402 - from agent_ext/

TARGET = Path(__file__).with_name("agent_target.py")
COLUMNS = (  # title, bound (None: for information), text
    ("yardstick", None, "ns that a no-op Python sys.setprofile callback adds"),
    ("@trace", 2.0, "added by a burst of @trace-d calls / yardstick (aim 1)"),
    ("tracing", 2.5, "added by a burst under start_tracing / yardstick (aim 1.3)"),
    ("burst", 300.0, "ns added by a burst under start_tracing: records into an empty buffer"),
    ("outside", 10.0, "ns added to a function outside the prefix under start_tracing, from 3.12 on"),
    ("out,@", None, "ns added to it while only @trace is on"),
    ("disk", 1500.0, "ns a call, 1,000,000 calls to disk until all of it is there"),
    ("cpu", 1900.0, "ns of CPU of the process for each of them, its writer included"),
    ("MiB", 64.0, "memory that all of this took, at its peak"),
    ("lost", 0.0, "lines missing of three times 2,000,002"),
    ("seed", None, "times the yardstick that the seed's approach adds"),
)


def measure(interpreter, rounds):
    """The target's own figures."""
    base = interpreter.root / "tmp" if interpreter.root else None
    with tempfile.TemporaryDirectory(prefix="flowtrace-bench-", dir=base) as name:
        path = Path(name)
        shutil.copytree(intree.BUILD / interpreter.name, path / "package")
        shutil.copy(TARGET, path)
        inside = str(path) if base is None else "/" + str(path.relative_to(interpreter.root))
        _, out, _ = harness.run(
            interpreter.argv(inside + "/" + TARGET.name, str(rounds), inside + "/t.jsonl"), check=0,
            timeout=600, env=harness.environment(PYTHONPATH=inside + "/package"))
    return json.loads(out)


def figures(data):
    """One value a column."""
    def middle(fn, of="rounds"):
        return statistics.median(fn(r) for r in data[of])

    def added(kind):
        return lambda r: (r[kind] - r["plain"]) / (r["profile"] - r["plain"])

    return {
        "yardstick": middle(lambda r: r["profile"] - r["plain"]),
        "@trace": middle(added("trace")),
        "tracing": middle(added("start_tracing")),
        "burst": middle(lambda r: r["start_tracing"] - r["plain"]),
        "outside": middle(lambda r: r["elsewhere, traced"] - r["elsewhere"]),
        "out,@": middle(lambda r: r["elsewhere, @trace on"] - r["elsewhere"]),
        "disk": middle(lambda r: r["ns"], "sustained"),
        "cpu": middle(lambda r: r["cpu_ns"], "sustained"),
        "MiB": data["grown_kib"] / 1024,
        "lost": sum(2000002 - r["lines"] for r in data["sustained"]),
        "seed": middle(added("seed")),
    }


def over(title, bound, value, minor):
    """Is a bound missed? The price of functions outside is bounded from 3.12 on."""
    return bound is not None and value > bound and (title != "outside" or minor >= 12)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("names", nargs="*", help="interpreters; default all")
    options = parser.parse_args()
    pythons = [i for i in intree.distinct(harness.interpreters())
               if not options.names or i.name in options.names]
    built = intree.build(pythons)
    ok = True
    if not options.json:
        print("%-13s %-8s" % ("interpreter", "version") +
              "".join("%11s" % title for title, _, _ in COLUMNS))
    for interpreter in pythons:
        if built[interpreter] is not None:
            print("%s: %s" % (interpreter, built[interpreter]), file=sys.stderr)
            continue
        row = figures(measure(interpreter, options.rounds))
        ok = ok and not any(over(title, bound, row[title], interpreter.minor())
                            for title, bound, _ in COLUMNS)
        if options.json:
            print(json.dumps({"interpreter": interpreter.name, "version": interpreter.version(),
                              **row}), flush=True)
            continue
        print("%-13s %-8s" % (interpreter, interpreter.version()) + "".join(
            "%10.*f%s" % (2 if title in ("@trace", "tracing") else 0, row[title],
                          "!" if over(title, bound, row[title], interpreter.minor()) else " ")
            for title, bound, _ in COLUMNS), flush=True)
    if not options.json:
        for title, bound, text in COLUMNS:
            print("%-10s %s%s" % (title, text, "" if bound is None else "; bound %g" % bound))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
