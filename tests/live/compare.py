# SPDX-License-Identifier: MIT
"""Compares a trace of flowtrace-bpf with the truth (truth.py).

    compare.py [--unordered] [--counts] TRACE TRUTH TRUTH

Truth is what two truth runs agree on. Prints the first differences; exit status 1 if any.
--unordered: calls are not compared in their order (thread pools). --counts: only how many
calls, exits and exceptions each function has, for programs that are not quite repeatable.
"""
import collections
import json
import re
import sys

import render

HEAD = {
    "ENTER": ("timestamp", "event", "thread", "module", "function", "args"),
    "EXIT": ("timestamp", "event", "thread", "module", "function", "result", "durationMicros",
             "durationMillis"),
    "EXCEPTION": ("timestamp", "event", "thread", "module", "function", "exception",
                  "durationMicros", "durationMillis"),
}
TAIL = ("class", "method", "file", "line", "pid", "tid", "span", "parent")
ADDRESS = re.compile(r"0x[0-9a-f]+")
INT_LIMIT = re.compile(r"<int of \d+ bits>")
SHOWN = 12


class Pairs(list):
    """A JSON object as its pairs, in order, with any key that comes twice."""


class Number(str):
    """A JSON number by its text."""


def real(text):
    """A float in one spelling; a text longer than the shortest stays as it is."""
    shortest = repr(float(text))
    digits = [len(re.sub(r"[eE].*|[-.]|", "", t).strip("0")) for t in (text, shortest)]
    return Number(shortest if digits[0] <= digits[1] else text)


def parse(text):
    """A JSON text as a tree in which equal values are equal and 1 is not 1.0."""
    return json.loads(text, object_pairs_hook=Pairs, parse_int=Number, parse_float=real)


class Call:
    """One call, from the truth or from the trace."""

    __slots__ = ("key", "module", "function", "line", "cls", "file", "thread", "tid", "parent",
                 "args", "result", "exception", "start", "end", "cut", "at_us")

    def where(self):
        return "%s.%s:%d" % self.key

    def outcome(self):
        """exit, exception or open."""
        if self.end is None:
            return "open"
        return "exception" if self.exception else "exit"

    def __str__(self):
        shown = self.exception or self.result
        return "%s args=%.120s -> %.120s [%s]" % (self.where(), self.args, shown, self.thread)


def load_truth(path):
    """Calls of a truth run by their number."""
    calls = {}
    with open(path, encoding="ascii") as file:
        for line in file:
            row = json.loads(line)
            call = make_call(row["module"], row["function"], row["line"], row["thread"])
            call.cls, call.file, call.args = row["class"], row["file"], row["args"]
            call.tid, call.start, call.end = row["tid"], row["start"], row.get("end")
            call.result, call.exception = row.get("result"), row.get("exception")
            call.parent = calls.get(row["parent"])
            calls[row["start"]] = call
    return list(calls.values())


def make_call(module, function, line, thread):
    """A call without an end."""
    call = Call()
    call.module, call.function, call.line, call.thread = module, function, line, thread
    call.key = (module, function, line)
    call.end = call.result = call.exception = call.parent = call.cls = call.file = None
    call.tid = call.at_us = None
    call.cut = {}
    return call


class Trace:
    """A flowtrace JSONL file: its calls, and what is wrong with it in itself."""

    def __init__(self, path):
        self.problems = []
        self.calls = []
        self.lost = 0
        self.reasons = collections.Counter()
        self.spans = {}
        self.awaiting = {}  # (pid, tid) -> the EXCEPTION line whose EXIT must come next
        self.latest = collections.defaultdict(int)
        with open(path, encoding="utf-8", newline="\n") as file:
            for number, text in enumerate(file, 1):
                self.line(number, text)

    def problem(self, number, text):
        """Notes a problem with a line."""
        self.problems.append("line %s: %s" % (number, text))

    def line(self, number, text):
        """One line of the trace."""
        if not text.endswith("\n"):
            return self.problem(number, "has no end: %.80s" % text)
        try:
            event = json.loads(text, object_pairs_hook=collections.OrderedDict)
        except ValueError as error:
            return self.problem(number, "no JSON (%s): %.200s" % (error, text))
        kind = event.get("event")
        if kind == "LOST":
            self.lost += event["count"]
            self.reasons[event["reason"]] += event["count"]
        elif kind in HEAD:
            self.fields(number, event)
            getattr(self, kind.lower())(number, event)
        else:
            self.problem(number, "unknown event %r" % kind)

    def fields(self, number, event):
        """Names and order of the fields, and what they must hold."""
        wanted = HEAD[event["event"]]
        names = list(event)
        if tuple(names[:len(wanted)]) != wanted:
            self.problem(number, "fields begin %s" % names[:len(wanted)])
        rest = [name for name in names[len(wanted):] if name in TAIL]
        if rest != [name for name in TAIL if name in names] or len(rest) != len(TAIL):
            self.problem(number, "common tail is %s" % rest)
        if not 0 < event["span"] < 2**53 or not 0 <= event["parent"] < 2**53:
            self.problem(number, "span %s, parent %s" % (event["span"], event["parent"]))
        if event["method"] != event["function"]:
            self.problem(number, "method %s" % event["method"])
        if abs(event.get("durationMillis", 0) - event.get("durationMicros", 0) / 1000) > 1:
            self.problem(number, "durationMillis does not fit durationMicros")
        self.ahead(number, event)

    def ahead(self, number, event):
        """The EXIT of an EXCEPTION is the thread's next line; time goes on in a thread."""
        thread = event["pid"], event["tid"]
        waiting = self.awaiting.pop(thread, None)
        if waiting and (event["event"], event["span"]) != ("EXIT", waiting["span"]):
            self.problem(number, "an EXCEPTION is not followed by its EXIT")
        if waiting and event.get("exception") != waiting["exception"]:
            self.problem(number, "EXIT does not repeat the exception")
        if event["event"] == "EXCEPTION" or waiting:
            return
        if event["timestamp"] < self.latest[thread]:
            self.problem(number, "time goes back by %d us" % (
                self.latest[thread] - event["timestamp"]))
        self.latest[thread] = max(self.latest[thread], event["timestamp"])

    def enter(self, number, event):
        """A call starts."""
        if event["span"] in self.spans:
            return self.problem(number, "span %d comes twice" % event["span"])
        call = make_call(event["module"], event["function"], event["line"], event["thread"])
        call.cls, call.file, call.start = event["class"], event["file"], number
        call.tid, call.at_us = event["tid"], [event["timestamp"], None]
        call.args = self.json_text(number, event, "args", dict)
        call.parent = self.parent(number, event)
        call.cut.update(event.get("truncatedFields") or {})
        self.spans[event["span"]] = (call, event)
        self.calls.append(call)

    def parent(self, number, event):
        """The parent's call: it started before."""
        if event["parent"] == 0:
            return None
        if event["parent"] not in self.spans:
            self.problem(number, "parent %d was never entered" % event["parent"])
            return None
        return self.spans[event["parent"]][0]

    def opened(self, number, event):
        """The call that a line ends; it must be open and the same function."""
        call, enter = self.spans.get(event["span"], (None, None))
        if call is None or call.end is not None:
            self.problem(number, "%s of a call that is not open" % event["event"])
            return None, None
        for name in ("module", "function", "class", "file", "line", "pid", "parent"):
            if event[name] != enter[name]:
                self.problem(number, "%s differs from ENTER: %s" % (name, event[name]))
        took = event["timestamp"] - enter["timestamp"]
        if took < 0 or abs(took - event["durationMicros"]) > 2:
            self.problem(number, "%d us after ENTER, durationMicros %d" % (
                took, event["durationMicros"]))
        return call, enter

    def exception(self, number, event):
        """An exception leaves a call."""
        call, _ = self.opened(number, event)
        if call:
            call.exception = [event["exception"]["type"], event["exception"]["message"]]
            self.awaiting[event["pid"], event["tid"]] = event

    def exit(self, number, event):
        """A call ends."""
        call, _ = self.opened(number, event)
        if not call:
            return
        call.end = number
        call.at_us[1] = event["timestamp"]
        if event.get("lost"):
            self.problem(number, "EXIT was lost")
        if bool(call.exception) != ("exception" in event):
            self.problem(number, "EXIT and EXCEPTION do not fit")
        call.result = self.json_text(number, event, "result", None)
        if call.exception:
            self.exception_result(number, event, call)
        else:
            call.cut.update(event.get("truncatedFields") or {})

    def exception_result(self, number, event, call):
        """{"exception": "ValueError: Invalid input"}."""
        text = json.loads(event["result"]).get("exception", "")
        kind, message = call.exception
        if not text.startswith(kind) or (len(message) < 200 and message not in text):
            self.problem(number, "result of an exception: %s" % event["result"])

    def json_text(self, number, event, name, kind):
        """The text of args or result: always JSON."""
        try:
            value = json.loads(event[name])
        except (ValueError, TypeError) as error:
            self.problem(number, "%s is no JSON (%s): %.200s" % (name, error, event[name]))
            return "null"
        if kind and not isinstance(value, kind):
            self.problem(number, "%s holds no object" % name)
        threshold = (event.get("truncatedFields") or {}).get(name, {}).get("threshold", 1000)
        if len(value if isinstance(value, str) else event[name]) > threshold + 8:
            self.problem(number, "%s is longer than its limit: %d" % (name, len(event[name])))
        return event[name]


def counts(calls):
    """Per function: calls, exits, exceptions."""
    table = collections.defaultdict(collections.Counter)
    for call in calls:
        table[call.key]["ENTER"] += 1
        if call.end is not None:
            table[call.key]["EXIT"] += 1
        if call.exception:
            table[call.key]["EXCEPTION"] += 1
    return table


def threads(calls):
    """Calls by thread, in the order of their starts. Threads of one name count as one."""
    table = collections.defaultdict(list)
    for call in calls:
        table[call.thread].append(call)
    return table


def by_function(calls):
    """Calls by function, in an order that does not depend on who came first."""
    table = collections.defaultdict(list)
    for call in calls:
        table[call.key].append(call)
    for group in table.values():
        group.sort(key=lambda call: (mask(call.args), mask(call.result or ""),
                                     str(call.exception)))
    return table


def mask(text):
    """A text without its addresses."""
    return ADDRESS.sub("0x", text)


def name_of(call):
    """For messages: the function of a call that may be None."""
    return call.where() if call else "(root)"


def depth(call):
    """Length of the chain of parents."""
    n = 0
    while call.parent:
        call, n = call.parent, n + 1
    return n


def leave_dropped_open(trace, *truths):
    """A generator that is closed or dropped while suspended ends without an event of the
    interpreter from 3.13 on, unless a `try` encloses the suspension. sys.monitoring makes one,
    so the truth may have an end by GeneratorExit where the trace rightly has none."""
    mine = threads(trace.calls)
    for truth in truths:
        for key, calls in threads(truth).items():
            if len(calls) != len(mine[key]):
                continue
            for seen, call in zip(mine[key], calls):
                if (seen.outcome() == "open" and seen.key == call.key and call.exception and
                        call.exception[0] == "GeneratorExit"):
                    call.end = call.exception = call.result = None


class Comparison:
    """The differences between a trace and the truth."""

    def __init__(self, trace, first, second, ordered=True, values=True, mask=mask):
        self.trace = trace
        self.ordered = ordered
        self.mask = mask
        self.first, self.second = first, second
        self.differences = list(trace.problems)
        self.compared = collections.Counter()
        self.tally = collections.defaultdict(lambda: [0, 0])  # column: [equal, compared]
        # Functions whose calls, or whose values, differ between the two truth runs. Where one
        # value depends on an address, the others may only agree by chance.
        self.unstable, self.shaky = set(), set()
        self.lost()
        self.counted()
        if values:
            matched = list(self.matched(ordered))
            self.shaky = {one.key for _, (one, two) in matched if not same_values(one, two)}
            self.compared["values left out"] = 0
            for mine, pair in matched:
                self.call(mine, *pair)

    def noted(self, column, equal, compared=1):
        """Counts for the table of interpreters (matrix.py)."""
        self.tally[column][0] += equal
        self.tally[column][1] += compared

    def differ(self, text, *args):
        self.differences.append(text % args if args else text)

    def lost(self):
        """Nothing may be lost."""
        if self.trace.lost:
            self.differ("%d events lost: %s", self.trace.lost, dict(self.trace.reasons))

    def counted(self):
        """Calls, exits and exceptions of each function."""
        one, two, mine = counts(self.first), counts(self.second), counts(self.trace.calls)
        for key in sorted(set(one) | set(two) | set(mine)):
            if one[key] != two[key]:
                self.unstable.add(key)
                continue
            self.compared["functions"] += 1
            self.compared["calls"] += one[key]["ENTER"]
            for column, event in (("calls", "ENTER"), ("exits", "EXIT"),
                                  ("exceptions", "EXCEPTION")):
                wanted, seen = one[key][event], mine[key][event]
                self.noted(column, max(0, wanted - abs(wanted - seen)), wanted)
            if one[key] != mine[key]:
                self.differ("%s: truth %s, trace %s", "%s.%s:%d" % key,
                            show(one[key]), show(mine[key]))

    def matched(self, ordered):
        """(call of the trace, its two calls of the truth)."""
        group = threads if ordered else by_function
        one, two, mine = group(self.first), group(self.second), group(self.trace.calls)
        for key in one:
            if ordered and not self.same_shape(key, one[key], two[key], mine[key]):
                continue
            if len(one[key]) == len(two[key]) == len(mine[key]):
                yield from zip(mine[key], zip(one[key], two[key]))

    def same_shape(self, thread, one, two, mine):
        """Do a thread's calls come in the same order, nested in the same way?"""
        shapes = [[(call.key, depth_of) for call, depth_of in zip(calls, map(depth, calls))]
                  for calls in (one, two, mine)]
        if shapes[0] != shapes[1]:
            self.compared["threads left out"] += 1
            return False
        self.compared["threads"] += 1
        if shapes[0] != shapes[2]:
            self.first_break(thread, shapes[0], shapes[2])
            return False
        return self.same_ends(thread, one, two, mine)

    def first_break(self, thread, truth, mine):
        """Says where the order of the calls breaks off."""
        at = next((i for i, (a, b) in enumerate(zip(truth, mine)) if a != b),
                  min(len(truth), len(mine)))
        self.differ("thread %s: %d calls, truth has %d; from call %d on truth %s, trace %s",
                    thread, len(mine), len(truth), at, truth[at:at + 3], mine[at:at + 3])

    def same_ends(self, thread, one, two, mine):
        """Starts and ends in one sequence: a late EXIT must not change their order."""
        orders = [order(calls) for calls in (one, two, mine)]
        if orders[0] == orders[1] != orders[2]:
            at = next((i for i, (a, b) in enumerate(zip(orders[0], orders[2])) if a != b), -1)
            self.differ("thread %s: order of starts and ends, at %d: truth %s, trace %s", thread,
                        at, *([(what, calls[i].where()) for i, what in sequence[at:at + 3]]
                              for calls, sequence in ((one, orders[0]), (mine, orders[2]))))
        return True

    def call(self, mine, one, two):
        """One call against its truths."""
        for name in ("thread", "cls", "file"):
            values = [getattr(call, name) for call in (one, two, mine)]
            if name == "thread" and not self.ordered:
                values = [value.rstrip("0123456789") for value in values]
            if values[0] is not None and values[0] == values[1]:
                self.equal(mine, name, values[0], values[2])
        if name_of(one.parent) == name_of(two.parent):
            self.equal(mine, "parent", name_of(one.parent), name_of(mine.parent))
        if one.outcome() == two.outcome():
            self.equal(mine, "outcome", one.outcome(), mine.outcome())
        if mine.key in self.shaky:
            self.compared["values left out"] += 1
            return
        self.field(mine, "args", one.args)
        if mine.outcome() == one.outcome() == two.outcome() == "exit":
            self.field(mine, "result", one.result)
        elif mine.exception and one.exception == two.exception and one.exception:
            self.exception(mine, one.exception)

    def equal(self, mine, name, wanted, seen):
        """A field that is equal or not."""
        self.compared[name] += 1
        if name == "thread":
            self.noted("threads", wanted == seen)
        if wanted != seen:
            self.differ("%s: %s is %s, truth %s", mine, name, seen, wanted)

    def exception(self, mine, wanted):
        """Type and message."""
        kind, message = mine.exception
        self.compared["exceptions"] += 1
        same = message == wanted[1] or wanted[1] == render.ANY or (
            message.endswith("...") and len(wanted[1]) > 900 and
            wanted[1].startswith(message[:-3]))
        same = same and kind.rpartition(".")[2] == wanted[0]
        if not same:
            self.noted("exceptions", -1, 0)
            self.differ("%s: exception %s, truth %s", mine, mine.exception, wanted)

    def field(self, mine, name, one):
        """args or result."""
        self.compared["values"] += 1
        text = getattr(mine, name)
        same = same_text(parse(self.mask(one)), parse(self.mask(text)), name in mine.cut)
        self.noted("args" if name == "args" else "results", same)
        if not same:
            self.differ("%s: %s is\n    %s\n  truth\n    %s", mine.where(), name, text[:1200],
                        one[:1200])
        elif needs_cut(one) and name not in mine.cut:
            self.differ("%s: %s is cut but not named in truncatedFields", mine.where(), name)

    def report(self):
        """A readable account."""
        lines = ["compared: " + ", ".join("%s %s" % (n, k) for k, n in self.compared.items())]
        if self.shaky:
            lines.append("values left out, not the same in two truth runs: %d functions" %
                         len(self.shaky))
        if self.unstable:
            lines.append("left out, not the same in two truth runs: %d functions" %
                         len(self.unstable))
        lines += ["- " + text for text in self.differences[:SHOWN]]
        if len(self.differences) > SHOWN:
            lines.append("... %d differences in all" % len(self.differences))
        return "\n".join(lines)


def same_values(one, two):
    """Do two truth runs agree about a call's values?"""
    first, second = [(mask(call.args), mask(call.result or ""), call.exception)
                     for call in (one, two)]
    return first == second


def show(counter):
    """Counts of a function in a fixed order."""
    return "/".join(str(counter[name]) for name in ("ENTER", "EXIT", "EXCEPTION"))


def order(calls):
    """Starts and ends of calls in one sequence of (index, what)."""
    moments = [(call.start, i, "start") for i, call in enumerate(calls)]
    moments += [(call.end, i, "end") for i, call in enumerate(calls) if call.end is not None]
    return [(i, what) for _, i, what in sorted(moments)]


def needs_cut(text):
    """Is the truth's text over a limit that everybody counts the same way?"""
    return len(json.dumps(json.loads(text), ensure_ascii=False)) > 1200


def same_text(truth, mine, cut):
    """Equal trees; where the field is cut, what is there must be equal."""
    if isinstance(truth, str) and type(truth) is str:
        return truth == render.ANY or same_string(truth, mine, cut)
    if type(truth) is not type(mine):
        return cut and (mine == "..." or bool(type(mine) is str and INT_LIMIT.fullmatch(mine)))
    if isinstance(truth, Number):
        return truth == mine
    if isinstance(truth, list):
        return same_items(truth, mine, cut)
    return truth == mine


def same_string(truth, mine, cut):
    """A cut string ends in three dots."""
    if type(mine) is not str:
        return False
    return truth == mine or (cut and mine.endswith("...") and truth.startswith(mine[:-3]))


def same_items(truth, mine, cut):
    """Elements of an array, or pairs of an object."""
    loose = bool(truth) and truth[0] == render.LOOSE
    truth = truth[1:] if loose else truth
    end = ("...", "...") if isinstance(truth, Pairs) or isinstance(mine, Pairs) else "..."
    kept = list(mine)
    if (cut or loose) and kept and kept[-1] == end and (len(kept) - 1 <= len(truth)):
        kept, truth = kept[:-1], truth[:len(kept) - 1]
    if len(kept) != len(truth):
        return False
    return all(same_item(a, b, cut) for a, b in zip(truth, kept))


def same_item(truth, mine, cut):
    """An element, or a key with its value."""
    if isinstance(truth, tuple):
        return same_text(truth[0], mine[0], cut) and same_text(truth[1], mine[1], cut)
    return same_text(truth, mine, cut)


def main(argv):
    """Command line."""
    options = {arg for arg in argv if arg.startswith("--")}
    paths = [arg for arg in argv if not arg.startswith("--")]
    if len(paths) != 3 or options - {"--unordered", "--counts"}:
        sys.exit(__doc__)
    comparison = Comparison(Trace(paths[0]), load_truth(paths[1]), load_truth(paths[2]),
                            "--unordered" not in options, "--counts" not in options)
    print(comparison.report())
    return 1 if comparison.differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
