# SPDX-License-Identifier: MIT
"""The table of interpreters: how much of what the truth has is the same in the trace.

Filled by test_ground_truth.test_scenario, printed by conftest.py after the last test. A cell is
the number of things compared, all of them equal, or "equal/compared!".
"""
import collections

COLUMNS = ("calls", "exits", "exceptions", "args", "results", "async", "threads")
ASYNC = ("asyncgens", "coroutines")
HEAD = ("interpreter", "version", "backend", *COLUMNS, "lost", "seconds")


class Row:
    """One interpreter."""

    def __init__(self):
        self.version = self.backend = "?"
        self.seconds = 0.0
        self.lost = 0
        self.cells = {name: [0, 0] for name in COLUMNS}

    def add(self, scenario, comparison, seconds):
        """One scenario that was compared."""
        self.seconds += seconds
        self.lost += comparison.trace.lost
        for name, (equal, compared) in comparison.tally.items():
            self.count(name, equal, compared)
        if scenario in ASYNC:
            self.count("async", *comparison.tally["exits"])

    def count(self, name, equal, compared):
        self.cells[name][0] += equal
        self.cells[name][1] += compared

    def texts(self, label):
        """The row as it is printed."""
        cells = [str(compared) if equal == compared else "%d/%d!" % (equal, compared)
                 for equal, compared in (self.cells[name] for name in COLUMNS)]
        return [label, self.version, self.backend, *cells, str(self.lost), "%.0f" % self.seconds]


ROWS = collections.defaultdict(Row)


def table(rows):
    """The rows as lines of aligned text."""
    texts = [HEAD] + [row.texts(label) for label, row in rows.items()]
    widths = [max(map(len, column)) for column in zip(*texts)]
    return ["  ".join(text.ljust(width) if i < 3 else text.rjust(width)
                      for i, (text, width) in enumerate(zip(line, widths))).rstrip()
            for line in texts]
