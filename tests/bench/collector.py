# SPDX-License-Identifier: MIT
"""What the collector takes for itself: to attach, while nothing happens, to render a recording; and
what it says when its ring is too small."""

import resource
import signal
import statistics
import subprocess
import time

import rows
import traced

IDLE_S = 4
RECORDED = 500000  # calls
OVERFLOWING = 20000
COLUMNS = (("value", "measured", 1, "< its bound, > the least; ! = missed"),)
ATTACH_MS, RSS_MIB, IDLE_MS, REPLAY = 350, 64, 2, 2e6  # bounds


def children_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def replay_rates(python, directory, number):
    """Records calls once, then replays the recording: (events a second of CPU, KiB, lost)."""
    traced.say("replay: recording")
    target = traced.Target(python)
    recording, output = directory / "calls.ftrec", directory / "replay.jsonl"
    collector = traced.Collector(target.pid, "asked", "/dev/null", "--record", recording)
    target.ns_per_call("accepted", RECORDED)
    events, lost = collector.close()
    target.close()
    rates = []
    for n in range(number):
        traced.say("replay: round %d of %d" % (n + 1, number))
        before = children_s()
        subprocess.run([traced.TRACER, "-q", "--replay", recording, "-P", "asked", "-o", output],
                       check=True)
        rates.append(events / (children_s() - before))
        output.unlink()
    return rates, collector.peak_kib, lost


def idle_ms(python, directory):
    """ms of CPU a second while the process that it traces does nothing."""
    traced.say("idle")
    target = traced.Target(python)
    collector = traced.Collector(target.pid, "asked", directory / "idle.jsonl")
    time.sleep(0.5)
    before, start = traced.cpu_ns(collector.pid), time.monotonic()
    time.sleep(IDLE_S)
    spent = (traced.cpu_ns(collector.pid) - before) / (time.monotonic() - start) / 1e6
    collector.close()
    target.close()
    return spent


def overflow(python, directory):
    """Calls while the collector is stopped make more records than its ring holds: (made, lost)."""
    traced.say("a full ring")
    target, output = traced.Target(python), directory / "overflow.jsonl"
    collector = traced.Collector(target.pid, "asked", output, "--buffer", "1M")
    target.ns_per_call("accepted", 100)
    collector.process.send_signal(signal.SIGSTOP)
    target.ns_per_call("accepted", OVERFLOWING)
    collector.process.send_signal(signal.SIGCONT)
    target.ns_per_call("accepted", 100)
    made = 2 * (OVERFLOWING + 200)
    lost = traced.accounted(collector, output, made)
    target.close()
    if not lost:
        raise SystemExit("bench: the ring was not full")
    return made, lost


def table_of(rounds, python, directory, number):
    """With what the rounds of calls found."""
    rates, record_kib, record_lost = replay_rates(python, directory, number)
    made, lost = overflow(python, directory)
    table = rows.Table("the collector", COLUMNS)
    table.add("attach, ms", value=rows.Cell(statistics.median(rounds.attach_ms), ATTACH_MS))
    for step in rounds.steps_ms[0]:
        table.add("  of it " + step, value=statistics.median(one[step] for one in rounds.steps_ms))
    table.add("idle, ms of CPU a second", value=rows.Cell(idle_ms(python, directory), IDLE_MS))
    table.add("peak memory, MiB",
              value=rows.Cell(max(rounds.peak_kib, record_kib) / 1024, RSS_MIB))
    table.add("replay, events a second of CPU",
              value=rows.Cell(statistics.median(rates), REPLAY, least=True))
    table.add("lost at the full rate", value=rows.Cell(rounds.lost + record_lost, 0))
    table.add("lost of %d, ring full" % made, value=lost)
    traced.say("")
    return table
