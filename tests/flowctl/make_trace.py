#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes a trace as a service under load makes it: any number of events, the same for a seed.

    make_trace.py [--events N] [--seed N] [--threads N] [--functions N] [-o FILE]

Threads that take turns, each with nested calls; exceptions that pass through some of them; HTTP
requests around the outermost calls; losses; cut and long texts; texts that are not ASCII. It ends
with calls that are still open. Every duration is what the two timestamps say.
"""
import argparse
import json
import random
import sys

START_US = 1_700_000_000_000_000
MODULES = ("shop.app", "shop.orders", "shop.pricing", "shop.db", "shop.lager.bestände", "billing")
CLASSES = ("", "", "Order", "Basket.Line", "Größe", "Repository")
VERBS = ("load", "save", "total", "check", "render", "find", "apply", "prüfe", "parse", "send")
PATHS = ("/", "/orders", "/orders/17", "/search", "/café/\"x\"", "/static/a.css")
ERRORS = (("ValueError", "Invalid input"), ("KeyError", "'größe'"), ("TimeoutError", ""),
          ("shop.orders.Refused", "no \"stock\"\nfor 3 items \U0001f4e6"))
ARGS = ({"data": [1, 2, 3]}, {}, {"self": "<shop.orders.Order object at 0x7f3a5c1b2d90>", "n": 17},
        {"name": "Zoë \"Z\"", "price": 12.5, "tags": ["a", "b", None, True]},
        {"text": "x" * 300}, {"rows": [{"id": i, "ok": i % 2 == 0} for i in range(6)]})
RESULTS = (None, [2, 4, 6], "done", {"total": 1999, "currency": "€"}, True, 3.25)
LONG = "lang und länger, " * 12000  # about 200 KB
REASONS = ("ring_full", "value_too_long")
RARE = 100_000  # one event in so many is a loss, one a long text


def text(value):
    return json.dumps(value, ensure_ascii=False)


def pairs(**fields):
    """Members of an object, without its braces."""
    return ", ".join('"%s": %s' % (name, text(value)) for name, value in fields.items())


class Function:
    def __init__(self, chance, number):
        module, group = chance.choice(MODULES), chance.choice(CLASSES)
        self.name = "%s_%d" % (chance.choice(VERBS), number)
        self.head = pairs(module=module, function=self.name)
        self.tail = pairs(**{"class": module + ("." + group if group else ""), "method": self.name,
                             "file": "/srv/%s.py" % module.replace(".", "/"),
                             "line": 10 + 7 * (number % 300)})
        self.args = [pairs(args=text(value)) for value in chance.sample(ARGS, 3)]
        self.results = [pairs(result=text(value)) for value in chance.sample(RESULTS, 2)]
        self.weight = 1 / (1 + number)


class Thread:
    """One thread's stack of (span, parent, start, function, request)."""

    def __init__(self, trace, number):
        self.trace = trace
        self.stack = []
        self.clock = START_US + number
        name = "MainThread" if number == 0 else "Bearbeiter_%d" % number
        self.ids = pairs(pid=4000 + number // 4, tid=5000 + number)
        self.name = pairs(thread=name)
        self.request = None

    def head(self, event):
        return '{"timestamp": %d, "event": "%s", ' % (self.clock, event)

    def call_line(self, event, function, middle, span, parent, rest=""):
        request = ', "request_id": "%s"' % self.request[0] if self.request else ""
        return '%s%s, %s, %s, %s, %s, "span": %d, "parent": %d%s%s}\n' % (
            self.head(event), self.name, function.head, middle, function.tail, self.ids, span,
            parent, request, rest)

    def enter(self):
        trace = self.trace
        if not self.stack and self.request is None and trace.roll() < 0.5:
            self.begin_request()
        function = trace.pick()
        span = trace.new_span()
        parent = self.stack[-1][0] if self.stack else 0
        args, rest = function.args[span % 3], ""
        if trace.rare():
            args = pairs(args=text({"text": LONG}))
        elif span % 97 == 0:
            rest = ', "truncatedFields": {"args": {"threshold": 1000, "originalLength": 2048}}'
        trace.put(self.call_line("ENTER", function, args, span, parent, rest))
        self.stack.append((span, parent, self.clock, function))

    def durations(self, start):
        spent = self.clock - start
        return '"durationMicros": %d, "durationMillis": %d' % (spent, spent // 1000)

    def leave(self):
        span, parent, start, function = self.stack.pop()
        lost = ', "lost": true' if self.trace.rare() else ""
        self.trace.put(self.call_line(
            "EXIT", function, function.results[span % 2] + ", " + self.durations(start), span,
            parent, lost))
        self.end_request(200)

    def fail(self):
        """An exception that leaves one call or more."""
        kind, message = self.trace.chance.choice(ERRORS)
        exception = pairs(exception={"type": kind, "message": message})
        result = pairs(result=text({"exception": "%s: %s" % (kind, message)}))
        while self.stack:
            span, parent, start, function = self.stack.pop()
            spent = self.durations(start)
            self.trace.put(self.call_line("EXCEPTION", function, exception + ", " + spent, span,
                                          parent))
            self.trace.put(self.call_line("EXIT", function, result + ", " + spent, span, parent,
                                          ", " + exception))
            if self.trace.roll() < 0.4:
                break
            self.clock += 3
        self.end_request(500)

    def begin_request(self):
        chance = self.trace.chance
        self.request = ("%08x-0000-4000-8000-%012x" % (chance.getrandbits(32), self.trace.events),
                        pairs(method=chance.choice(("GET", "GET", "POST")),
                              path=chance.choice(PATHS)), self.clock)
        self.trace.put("%s%s, %s, %s, %s, %s}\n" % (
            self.head("HTTP_REQUEST"), pairs(request_id=self.request[0]), self.request[1],
            pairs(remote_addr="127.0.0.1", user_agent=None), self.ids, self.name))

    def end_request(self, status):
        if self.stack or self.request is None:
            return
        name, what, start = self.request
        self.request = None
        self.trace.put('%s%s, %s, "status_code": %d, %s, %s, %s}\n' % (
            self.head("HTTP_RESPONSE"), pairs(request_id=name), what, status,
            self.durations(start), self.ids, self.name))

    def step(self):
        trace = self.trace
        self.clock += trace.pause()
        depth, roll = len(self.stack), trace.roll()
        if depth == 0 or (roll < 0.52 and depth < 24):
            self.enter()
        elif roll > 0.995:
            self.fail()
        else:
            self.leave()


class Trace:
    def __init__(self, out, events, seed, threads, functions):
        self.out = out
        self.wanted, self.events, self.lines = events, 0, []
        self.chance = random.Random(seed)
        self.roll = self.chance.random
        made = [Function(self.chance, number) for number in range(functions)]
        # Drawn beforehand: a draw an event would cost more than the event.
        self.picks = self.chance.choices(made, [f.weight for f in made], k=65521)
        self.pauses = [1 + int(self.chance.paretovariate(1.1)) % 100_000 for _ in range(65519)]
        self.picked = self.paused = 0
        self.span = self.chance.getrandbits(21) << 32
        self.threads = [Thread(self, number) for number in range(threads)]

    def pick(self):
        self.picked = (self.picked + 1) % len(self.picks)
        return self.picks[self.picked]

    def pause(self):
        self.paused = (self.paused + 1) % len(self.pauses)
        return self.pauses[self.paused]

    def new_span(self):
        self.span += 1
        return self.span

    def rare(self):
        return self.roll() < 1 / RARE

    def put(self, line):
        if self.events == self.wanted:
            return
        self.events += 1
        self.lines.append(line)
        if len(self.lines) >= 4096:
            self.flush()

    def flush(self):
        self.out.write("".join(self.lines).encode())
        self.lines.clear()

    def write(self):
        while self.events < self.wanted:
            thread = self.chance.choice(self.threads)
            for _ in range(self.chance.randrange(1, 64)):
                thread.step()
            if self.events % 5003 < 32 and self.roll() < 0.1:
                self.put('%s"count": %d, "reason": "%s", %s}\n' % (
                    thread.head("LOST"), self.chance.randrange(1, 50),
                    self.chance.choice(REASONS), thread.ids))
        self.flush()


def make(out, events, seed=1, threads=8, functions=200):
    """Writes it to a binary file."""
    Trace(out, events, seed, threads, functions).write()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--functions", type=int, default=200)
    parser.add_argument("-o", "--output", default="-")
    options = parser.parse_args()
    out = sys.stdout.buffer if options.output == "-" else open(options.output, "wb")
    with out:
        make(out, options.events, options.seed, options.threads, options.functions)


if __name__ == "__main__":
    main()
