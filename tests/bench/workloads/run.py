# SPDX-License-Identifier: MIT
"""run.py NAME PREFIX FILE: for each line "HOW TIMES" does the work of that module as often, and
answers with ms of CPU each.

HOW: plain, or a tracer inside: cProfile, sys.setprofile, or the agent with that prefix and file.
"""

import cProfile
import importlib
import sys
import time


def nothing(frame, event, arg):
    pass


def traced_by(how):
    """How to begin it and how to end it."""
    if how == "cProfile":
        profile = cProfile.Profile()
        return profile.enable, profile.disable
    if how == "sys.setprofile":
        return lambda: sys.setprofile(nothing), lambda: sys.setprofile(None)
    if how == "agent":
        from flowtrace_agent import Config, start_tracing, stop_tracing

        config = Config(package_prefix=sys.argv[2], logfile=sys.argv[3])
        return lambda: start_tracing(config), stop_tracing
    return lambda: None, lambda: None


def timed(how, module, times):
    """Of all threads: the agent has one that writes."""
    begin, end = traced_by(how)
    begin()
    start = time.process_time_ns()
    found = {module.work() for _ in range(times)}
    end()
    took = (time.process_time_ns() - start) / times / 1e6
    assert len(found) == 1, found
    return took


def main():
    module = importlib.import_module("workloads." + sys.argv[1])
    module.work()
    print("ready", flush=True)
    for line in sys.stdin:
        how, times = line.split()
        print(timed(how, module, int(times)), flush=True)


main()
