# SPDX-License-Identifier: MIT
"""Runs a program that is already watched from the inside: watched.py HOW SCRIPT [ARG...].

Debuggers, profilers and coverage tools rewrite bytecode (3.12 on) or make the interpreter take
other paths (before). Whoever traces from the outside must see the same calls.
"""
import bdb
import cProfile
import itertools
import os
import runpy
import sys
import threading
import time


def lines(frame, event, arg):
    """Asks for every line, as a debugger that steps does."""
    return lines


def opcodes(frame, event, arg):
    """Asks for every instruction too."""
    frame.f_trace_opcodes = True
    return opcodes


def catching(frame, event, arg):
    """Has an exception of its own, before the body that it is told of has begun."""
    try:
        raise LookupError(event)
    except LookupError:
        any(number for number in (1, 2))  # and a generator that is dropped
    return catching


def nothing(*args):
    """A callback."""


# One that runs no Python code, and takes any arguments.
NOTHING_IN_C = itertools.chain


def settrace(function, run):
    """In this thread and in those to come."""
    threading.settrace(function)
    sys.settrace(function)
    run()
    sys.settrace(None)


def setprofile(run):
    """As profilers in Python do."""
    threading.setprofile(nothing)
    sys.setprofile(nothing)
    run()
    sys.setprofile(None)


class Debugger(bdb.Bdb):
    """Stops at every line and steps on."""

    def user_line(self, frame):
        self.set_step()


def profile(run):
    """The profiler in C."""
    cProfile.Profile().runcall(run)


def cover(run):
    """Needs the package coverage."""
    import coverage
    watcher = coverage.Coverage(data_file=None)
    watcher.start()
    run()
    watcher.stop()


def all_events():
    """Every event of sys.monitoring that can be set by itself."""
    events = sys.monitoring.events
    return [number for name, number in vars(events).items()
            if not name.startswith("_") and number and name != "C_RETURN" and name != "C_RAISE"]


def monitor(run):
    """Every event, by two tools."""
    tools = sys.monitoring
    for tool in (tools.DEBUGGER_ID, tools.PROFILER_ID):
        tools.use_tool_id(tool, "watched")
        for event in all_events():
            tools.register_callback(tool, event, NOTHING_IN_C)
        tools.set_events(tool, sum(all_events()))
    run()


def toggle(run):
    """Events that come and go: code is rewritten while it runs."""
    tools = sys.monitoring
    tools.use_tool_id(tools.PROFILER_ID, "watched")
    for event in all_events():
        tools.register_callback(tools.PROFILER_ID, event, NOTHING_IN_C)
    ended = threading.Event()

    def switch():
        while not ended.is_set():
            tools.set_events(tools.PROFILER_ID, sum(all_events()))
            time.sleep(0.002)
            tools.set_events(tools.PROFILER_ID, 0)
            time.sleep(0.001)

    switcher = threading.Thread(target=switch)
    switcher.start()
    try:
        run()
    finally:
        ended.set()
        switcher.join()


HOW = {
    "lines": lambda run: settrace(lines, run),
    "opcodes": lambda run: settrace(opcodes, run),
    "catching": lambda run: settrace(catching, run),
    "setprofile": setprofile,
    "debugger": lambda run: Debugger().runcall(run),
    "profiler": profile,
    "coverage": cover,
    "monitoring": monitor,
    "toggled": toggle,
}


def main(how, script, *arguments):
    """Runs the script as python would."""
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(script)

    def run():
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as end:
            assert not end.code, end.code

    HOW[how](run)


if __name__ == "__main__":
    main(*sys.argv[1:])
