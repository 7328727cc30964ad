# SPDX-License-Identifier: MIT
"""The table of kernels; filled by test_kernels.py, printed by conftest.py after the last test."""
import collections

HEAD = ("kernel", "release", "boots", "loads", "attaches", "calls", "exits", "exceptions", "args",
        "results", "lost", "cgroups", "seconds")
ROWS = collections.defaultdict(dict)


def cells(comparison):
    """What was compared: the number, all of it equal, or "equal/compared!"."""
    row = {"lost": comparison.trace.lost}
    for name in ("calls", "exits", "exceptions", "args", "results"):
        equal, compared = comparison.tally[name]
        row[name] = str(compared) if equal == compared else "%d/%d!" % (equal, compared)
    return row


def text_of(value):
    """One cell."""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return "%.0f" % value if isinstance(value, float) else str(value)


def table(rows):
    """The rows as lines of aligned text."""
    texts = [HEAD] + [[name, *(text_of(row.get(column, "-")) for column in HEAD[1:])]
                      for name, row in rows.items()]
    widths = [max(map(len, column)) for column in zip(*texts)]
    return ["  ".join(text.ljust(width) if i < 2 else text.rjust(width)
                      for i, (text, width) in enumerate(zip(line, widths))).rstrip()
            for line in texts]
