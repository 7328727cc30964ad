#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench: what a traced call costs, against the least that any tracer can pay.

Everything that is compared is measured side by side in one run, in interleaved rounds; the
figures are medians. Traps differ by a factor of twenty between machines, so the ratios count.
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import harness  # noqa: E402 - from tests/

BUILD = pathlib.Path(os.environ.get("FLOWTRACE_BUILD", ROOT / "build"))
TRACER = BUILD / "bin" / "flowtrace-bpf"
COUNT = BUILD / "tests" / "count-sites"
CALLS = 40000
LIMITS = {  # name: (bound, what it means)
    "accepted": (1.35, "accepted call, args and result, JSONL written / count only"),
    "rejected": (1.08, "rejected call / count only"),
    "replay": (1e6, "events a second, recording to JSONL, one core"),
    "rss": (64, "MiB, collector's peak resident set"),
    "attach": (300, "ms, from start to the last hook"),
    "lost": (0, "events lost at the highest call rate, default buffer"),
}


class Target:
    """The process that makes the calls, pinned to one core."""

    def __init__(self, python):
        # By its text: an interpreter in a root of its own does not see this tree.
        program = (ROOT / "tests/bench/target.py").read_text()
        self.process = subprocess.Popen([*python, "-c", program],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        os.sched_setaffinity(self.process.pid, {0})
        self.process.stdout.readline()

    def ns_per_call(self, calls=CALLS):
        self.process.stdin.write("%d\n" % calls)
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.wait()


class Counter:
    """The counting program on the target's entry and return sites, or with "contexts" on those that
    HTTP requests need besides."""

    def __init__(self, pid, *what):
        self.process = subprocess.Popen([COUNT, str(pid), *what], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit("bench: count-sites failed")

    def close(self):
        """(hits, hits where a context is copied)"""
        counts, _ = self.process.communicate("")
        return tuple(map(int, counts.split()))


class Collector:
    """flowtrace-bpf on the target, on the other core where there is one."""

    def __init__(self, pid, prefix, output, *options):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([TRACER, "-v", "-P", prefix, "-o", output, *options,
                                         "--pid", str(pid)], stderr=self.errors)
        os.sched_setaffinity(self.process.pid, {os.cpu_count() - 1})
        self.attach_ms = self.ready()
        self.peak_kib = 0

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def ready(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.said().splitlines():
                if "attached after" in line:
                    return float(line.split("attached after ")[1].split()[0])
            time.sleep(0.01)
        raise SystemExit("bench: flowtrace-bpf did not attach: %s" % self.said())

    def close(self):
        """Detaches; returns (events, lost) of its summary."""
        status = pathlib.Path("/proc/%d/status" % self.process.pid).read_text()
        self.peak_kib = int(status.split("VmHWM:")[1].split()[0])
        self.process.send_signal(signal.SIGINT)
        if self.process.wait(timeout=60):
            raise SystemExit("bench: flowtrace-bpf failed: %s" % self.said())
        words = [line for line in self.said().splitlines() if " events, " in line][-1].split()
        return int(words[1]), int(words[3])


def measure_calls(python, directory, rounds, say):
    """Interleaved: nothing, count only, accepted, rejected; per round ns a call."""
    target = Target(python)
    pid = target.process.pid
    output = directory / "calls.jsonl"
    times = {"nothing": [], "count": [], "accepted": [], "rejected": []}
    attach, peak, lost = [], 0, 0
    target.ns_per_call(200000)
    for number in range(rounds):
        say("calls: round %d of %d" % (number + 1, rounds))
        times["nothing"].append(target.ns_per_call(1000000))
        counter = Counter(pid)
        times["count"].append(min(target.ns_per_call() for _ in range(2)))
        if counter.close()[0] < 4 * CALLS:
            raise SystemExit("bench: the counting program did not see every call")
        for kind, prefix in (("accepted", "__main__"), ("rejected", "no_such_module")):
            collector = Collector(pid, prefix, output)
            target.ns_per_call(1000)
            times[kind].append(min(target.ns_per_call() for _ in range(2)))
            events, missing = collector.close()
            if (events + missing >= 4 * CALLS) != (kind == "accepted"):
                raise SystemExit("bench: %s calls: %d events" % (kind, events))
            attach.append(collector.attach_ms)
            peak, lost = max(peak, collector.peak_kib), lost + missing
        output.unlink()
    target.close()
    return times, attach, peak, lost


def ratios(times):
    """Medians of the rounds' own ratios to counting only."""
    return {kind: statistics.median(a / b for a, b in zip(times[kind], times["count"]))
            for kind in ("accepted", "rejected")}


def measure_replay(python, directory, rounds, say):
    """Records calls once, then replays the recording on one core."""
    say("replay: recording")
    target = Target(python)
    recording = directory / "calls.ftrec"
    collector = Collector(target.process.pid, "__main__", "/dev/null", "--record", recording)
    target.ns_per_call(500000)
    events, lost = collector.close()
    target.close()
    rates = []
    for number in range(rounds):
        say("replay: round %d of %d" % (number + 1, rounds))
        output = directory / "replay.jsonl"
        start = time.monotonic()
        subprocess.run(["taskset", "-c", "0", TRACER, "-q", "--replay", recording, "-P", "__main__",
                        "-o", output], check=True)
        rates.append(events / (time.monotonic() - start))
        output.unlink()
    return rates, lost, collector.peak_kib


def report(rows, as_json):
    for row in rows:
        if as_json:
            print(json.dumps(row))
        else:
            bound = row.get("bound")
            print("%-34s %12s %-22s %s" % (row["name"], "%.4g" % row["value"], row["unit"],
                                           "" if bound is None else
                                           "%s (bound %g)" % ("ok" if row["ok"] else "OVER", bound)))


def row(name, value, unit, key=None):
    """One figure; key names its bound."""
    result = {"name": name, "value": value, "unit": unit}
    if key:
        bound = LIMITS[key][0]
        ok = value >= bound if key == "replay" else value <= bound
        result.update(bound=bound, ok=ok, meaning=LIMITS[key][1])
    return result


def every_interpreter(directory, rounds, as_json, say):
    """The two ratios on every interpreter at hand, a line each."""
    if not as_json:
        print("%-16s %-8s %10s %10s %10s %10s" % ("interpreter", "version", "count, ns", "accepted",
                                                  "rejected", "lost"))
    for interpreter in harness.interpreters():
        reason = interpreter.why_not()
        if reason:
            print("%s: %s" % (interpreter, reason), file=sys.stderr)
            continue
        if interpreter.backend != "auto":
            continue  # count-sites takes the one that is chosen
        times, _, _, lost = measure_calls(
            interpreter.argv(), directory, rounds, lambda text: say("%s: %s" % (interpreter, text)))
        say("")
        count, ratio = statistics.median(times["count"]), ratios(times)
        cells = [("%.3f%s" % (ratio[kind], " " if ratio[kind] <= LIMITS[kind][0] else "!"))
                 for kind in ("accepted", "rejected")]
        if as_json:
            print(json.dumps({"interpreter": interpreter.name, "version": interpreter.version(),
                              "count_ns": count, "lost": lost, **ratio}), flush=True)
        else:
            print("%-16s %-8s %10.0f %10s %10s %10d" % (interpreter, interpreter.version(), count,
                                                        *cells, lost), flush=True)
    if not as_json:
        print("accepted, rejected: ns a call against counting only at the same sites; bounds %g, %g"
              % (LIMITS["accepted"][0], LIMITS["rejected"][0]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--python", default="/usr/bin/python3", help="interpreter to trace")
    parser.add_argument("--all", action="store_true", help="every interpreter, calls only")
    options = parser.parse_args()

    def say(text):
        if sys.stderr.isatty():
            print("\r\033[K%s" % text, end="", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        if options.all:
            return every_interpreter(directory, options.rounds, options.json, say)
        python = options.python.split()
        times, attach, peak, lost = measure_calls(python, directory, options.rounds, say)
        rates, replay_lost, record_peak = measure_replay(python, directory, options.rounds, say)
    say("")
    middle = {kind: statistics.median(values) for kind, values in times.items()}
    ratio = ratios(times)
    report([
        row("call, nothing attached", middle["nothing"], "ns"),
        row("call, count only", middle["count"], "ns"),
        row("call, accepted", middle["accepted"], "ns"),
        row("call, rejected", middle["rejected"], "ns"),
        row("accepted / count only", ratio["accepted"], "ratio", "accepted"),
        row("rejected / count only", ratio["rejected"], "ratio", "rejected"),
        row("replay", statistics.median(rates), "events/s", "replay"),
        row("collector peak RSS", max(peak, record_peak) / 1024, "MiB", "rss"),
        row("attach", statistics.median(attach), "ms", "attach"),
        row("lost at full rate", lost + replay_lost, "events", "lost"),
    ], options.json)


if __name__ == "__main__":
    main()
