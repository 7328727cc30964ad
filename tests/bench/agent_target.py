# SPDX-License-Identifier: MIT
"""What a call costs under the agent, in one process and interleaved rounds; prints JSON.

    agent_target.py ROUNDS FILE

Runs in every interpreter: Python 3.8 and later, nothing but the standard library.
"""
import functools
import json
import os
import sys
import time

from flowtrace_agent import Config, init_decorator_logger, start_tracing, stop_tracing, trace
from flowtrace_agent import _core
from flowtrace_agent._run import RUN

BURST = 3000  # calls; their records fit a thread's buffer
SUSTAINED = 1000000
ROUNDS, FILE = int(sys.argv[1]), sys.argv[2]


def plain(x, y):
    return x + y


@trace
def decorated(x, y):
    return x + y


def seed_style(function, file):
    """The seed's approach: a wrapper in Python that dumps and flushes a line an event."""
    def write(event):
        file.write(json.dumps(event) + "\n")
        file.flush()

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        start = time.time()
        write({"timestamp": int(start * 1e6), "event": "ENTER", "thread": "MainThread",
               "module": function.__module__, "function": function.__name__,
               "args": json.dumps({"args": [json.dumps(a) for a in args],
                                   "kwargs": {k: json.dumps(v) for k, v in kwargs.items()}})})
        result = function(*args, **kwargs)
        end = time.time()
        micros = int((end - start) * 1e6)
        write({"timestamp": int(end * 1e6), "event": "EXIT", "thread": "MainThread",
               "module": function.__module__, "function": function.__name__,
               "result": json.dumps(result), "durationMicros": micros,
               "durationMillis": micros // 1000})
        return result

    return wrapper


def ns_per_call(function, calls=BURST):
    """The loop around it is paid by everybody, and taken off as part of the plain call."""
    start = time.perf_counter_ns()
    for n in range(calls):
        function(n, 1)
    return (time.perf_counter_ns() - start) / calls


def best(function, between=None, times=3):
    """The least of a few bursts: what disturbs can only add."""
    found = []
    for _ in range(times):
        if between:
            between()
        found.append(ns_per_call(function))
    return min(found)


def nothing(frame, event, arg):
    pass


def outside():
    """The same function and loop in a module that is not asked for."""
    space = {"__name__": "elsewhere", "time": time, "BURST": BURST}
    source = "def plain(x, y):\n    return x + y\n\n" + (
        "def ns_per_call(function, calls=BURST):\n"
        "    start = time.perf_counter_ns()\n"
        "    for n in range(calls):\n"
        "        function(n, 1)\n"
        "    return (time.perf_counter_ns() - start) / calls\n")
    exec(compile(source, "elsewhere.py", "exec"), space)
    return lambda: min(space["ns_per_call"](space["plain"]) for _ in range(3))


def one_round(seed, elsewhere):
    """One figure of each kind: ns a call."""
    config = Config(package_prefix="__main__", logfile=FILE)
    found = {"plain": best(plain), "elsewhere": elsewhere()}
    sys.setprofile(nothing)
    found["profile"] = best(plain)
    sys.setprofile(None)
    found["seed"] = ns_per_call(seed, 300)
    init_decorator_logger(config)
    decorated(1, 2)
    found["trace"] = best(decorated, _core.flush)
    found["elsewhere, @trace on"] = elsewhere()
    start_tracing(config)
    plain(1, 2)
    found["start_tracing"] = best(plain, _core.flush)
    elsewhere()
    found["elsewhere, traced"] = elsewhere()
    stop_tracing()
    RUN.decorate_no_more()
    os.unlink(FILE)
    return found


def memory_kib():
    """The most that the process ever had; 0 in a root, which has no /proc. What getrusage() says
    counts the parent's memory before exec."""
    if not os.path.exists("/proc/self/status"):
        return 0
    with open("/proc/self/status") as status:
        return int(status.read().split("VmHWM:")[1].split()[0])


def sustained():
    """A million calls to disk: ns a call until all of it is in the file, by the clock and of CPU of all
    threads, and its lines."""
    start_tracing(Config(package_prefix="__main__", logfile=FILE))
    plain(1, 2)
    start, cpu = time.perf_counter_ns(), time.process_time_ns()
    ns_per_call(plain, SUSTAINED)
    _core.flush()
    took = (time.perf_counter_ns() - start) / SUSTAINED
    cpu = (time.process_time_ns() - cpu) / SUSTAINED
    stop_tracing()
    with open(FILE, "rb") as file:
        lines = sum(b'"function": "plain"' in line for line in file)
    os.unlink(FILE)
    return {"ns": took, "cpu_ns": cpu, "lines": lines}


def main():
    before = memory_kib()
    with open(FILE + ".seed", "w") as file:
        seed, elsewhere = seed_style(plain, file), outside()
        ns_per_call(plain, 100000)
        rounds = [one_round(seed, elsewhere) for _ in range(ROUNDS)]
    os.unlink(FILE + ".seed")
    result = {"rounds": rounds, "sustained": [sustained() for _ in range(3)]}
    print(json.dumps({**result, "grown_kib": memory_kib() - before}))


if __name__ == "__main__":
    main()
