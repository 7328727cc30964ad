#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Print a flowtrace.jsonl as a tree of calls, one call a line, those of an HTTP request under it.

    show_trace.py [--limit N] [--width COLUMNS] [FILE]

Each line: when the call began, how long it took, then the function with its arguments and
its result or exception, indented under its caller. FILE defaults to standard input.
"""

import argparse
import json
import os
import re
import shutil
import sys
from datetime import datetime

RED, DIM, PLAIN = "\033[31m", "\033[2m", "\033[0m"
MAX_VALUE = 64  # characters of one value
OBJECT = re.compile(r"<(?:[^<> ]*\.)?([^<>. ]+) object at 0x[0-9a-f]+>")


def safe(text):
    """What a terminal would obey, or show to nobody, is not let through: the text is another's."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


class Call:
    """A call, or an HTTP request; `exit` is None until it is over."""

    def __init__(self, enter):
        self.enter = enter
        self.exit = None
        self.children = []


def read_calls(lines, limit):
    """The roots (calls, and LOST events among them) and how many calls were left out."""
    roots, calls, requests, left_out = [], {}, {}, 0
    for number, line in enumerate(lines, 1):
        try:
            event = json.loads(line)
        except ValueError:
            print(f"show_trace: line {number} is not JSON", file=sys.stderr)
            continue
        kind = event.get("event")
        if kind == "ENTER":
            if limit and len(calls) >= limit:
                left_out += 1
                continue
            call = calls[event["span"]] = Call(event)
            parent = calls.get(event.get("parent")) or requests.get(event.get("request_id"))
            (parent.children if parent else roots).append(call)
        elif kind == "EXIT":
            if event["span"] in calls:
                calls[event["span"]].exit = event
        elif kind == "HTTP_REQUEST" and not left_out:
            request = requests[event["request_id"]] = Call(event)
            roots.append(request)
        elif kind == "HTTP_RESPONSE":
            if event["request_id"] in requests:
                requests[event["request_id"]].exit = event
        elif kind == "LOST" and not left_out:
            roots.append(event)
    return roots, left_out


def shown_duration(micros):
    if micros < 1000:
        return f"{micros} us"
    if micros < 1000000:
        return f"{micros / 1000:.2f} ms"
    return f"{micros / 1e6:.2f} s"


def shown_value(value):
    """JSON, with objects as <Class> and long texts cut."""
    if isinstance(value, str) and OBJECT.fullmatch(value):
        return OBJECT.sub(r"<\1>", value)
    if isinstance(value, list):
        text = "[" + ", ".join(map(shown_value, value)) + "]"
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{json.dumps(k)}: {shown_value(v)}" for k, v in value.items()) + "}"
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 3] + "..."


def shown_request(request):
    """The request, its status, and whether that is a server's error."""
    text = f"{request.enter['method']} {request.enter['path']}"
    if request.exit is None:
        return text, "  (not finished)", False
    status = request.exit["status_code"]
    return text, f" -> {status}", status is not None and status >= 500


def shown_call(call):
    """The call, how it ended, and whether that was by an exception."""
    enter, end = call.enter, call.exit
    if enter["event"] == "HTTP_REQUEST":
        return shown_request(call)
    args = json.loads(enter["args"])
    values = ", ".join(f"{name}={shown_value(value)}" for name, value in args.items())
    text = f"{enter.get('class') or enter['module']}.{enter['function']}({values})"
    if end is None:
        return text, "  (not finished)", False
    if end.get("lost"):
        return text, "  (its end was lost)", False
    if "exception" in end:
        message = end["exception"]["message"]
        return text, f" raised {end['exception']['type']}" + (f": {message}" if message else ""), True
    return text, f" -> {shown_value(json.loads(end['result']))}", False


class Printer:
    def __init__(self, width, color):
        self.width = width
        self.color = color
        self.thread = None

    def line(self, timestamp, took, depth, text, end="", red=False):
        when = datetime.fromtimestamp(timestamp / 1e6).strftime("%H:%M:%S.%f")
        text = "  " * depth + text
        room = self.width - len(when) - 13
        if self.width and len(text + end) > room:  # rather the arguments than the end
            text = text[: max(room - len(end) - 4, room // 2)] + "...)"
        text = safe(text + end)
        if self.width and len(text) > room:
            text = text[: room - 3] + "..."
        head = f"{when} {took:>10}  "
        if self.color:
            head = DIM + head + PLAIN
            text = RED + text + PLAIN if red else text
        print(head + text)

    def root(self, root):
        if isinstance(root, dict):
            text = f"LOST {root['count']} events: {root['reason']}"
            self.line(root["timestamp"], "", 0, text, red=True)
            return
        thread = (root.enter["pid"], root.enter["thread"])
        if thread != self.thread:
            print(safe(f"-- process {thread[0]}, {thread[1]}"))
            self.thread = thread
        stack = [(root, 0)]
        while stack:
            call, depth = stack.pop()
            text, end, red = shown_call(call)
            took = shown_duration(call.exit["durationMicros"]) if call.exit else "..."
            self.line(call.enter["timestamp"], took, depth, text, end, red)
            stack.extend((child, depth + 1) for child in reversed(call.children))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", default="-")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="the first N calls only")
    parser.add_argument("--width", type=int, help="cut lines here; 0 = never")
    args = parser.parse_args()

    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    width = args.width
    if width is None:
        width = shutil.get_terminal_size((140, 24)).columns
    source = sys.stdin if args.file == "-" else open(args.file, encoding="utf-8", errors="replace")
    with source:
        roots, left_out = read_calls(source, args.limit)
    printer = Printer(width, color)
    for root in roots:
        printer.root(root)
    if left_out:
        print(f"... and {left_out} more calls")


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as e:
        sys.exit(safe(f"show_trace: {e}"))
