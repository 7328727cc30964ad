# SPDX-License-Identifier: MIT
"""What `flowctl stats` computes, computed again from the contract, with all durations kept."""
import json
from collections import defaultdict

PERCENTS = (50, 95, 99)


class Row:
    """A function, a module or a thread."""

    def __init__(self):
        self.exceptions = self.unfinished = self.lost = self.own = 0
        self.durations = []

    def figures(self):
        """As a row of `stats --json` has them."""
        ordered, count = sorted(self.durations), len(self.durations)
        total = sum(ordered)
        row = {"calls": count, "exceptions": self.exceptions, "unfinished": self.unfinished,
               "lost": self.lost, "totalMicros": total, "selfMicros": self.own,
               "meanMicros": total / count if count else 0,
               "maxMicros": ordered[-1] if count else 0}
        for percent in PERCENTS:  # nearest rank
            row["p%dMicros" % percent] = ordered[-(-percent * count // 100) - 1] if count else 0
        return row


def by_function(event):
    return tuple(event[name] for name in ("module", "class", "function", "file", "line"))


def by_module(event):
    return event["module"]


def by_thread(event):
    return "%s %d/%d" % (event["thread"], event["pid"], event["tid"])


KEYS = {"function": by_function, "module": by_module, "thread": by_thread}


def key_of_row(by, row):
    """What KEYS gives for the events of this row of flowctl's."""
    return by_function(row) if by == "function" else row["name"]


def compute(lines, by="function"):
    """{key: figures} of a trace in which every call begins that ends."""
    rows, running, key_of = defaultdict(Row), {}, KEYS[by]
    for line in lines:
        event = json.loads(line)
        kind = event["event"]
        if kind == "ENTER":
            running[event["span"]] = [key_of(event), event["parent"], 0]
        elif kind == "EXIT":
            key, parent, children = running.pop(event["span"])
            row, spent = rows[key], event["durationMicros"]
            row.durations.append(spent)
            row.own += max(0, spent - children)
            row.exceptions += "exception" in event
            row.lost += event.get("lost", False)
            if parent in running:
                running[parent][2] += spent
    for key, _, _ in running.values():
        rows[key].unfinished += 1
    return {key: row.figures() for key, row in rows.items()}
