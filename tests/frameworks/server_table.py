# SPDX-License-Identifier: MIT
"""The table of servers: how many requests of how many were in the trace as the client saw them.

Filled by test_servers.py, printed by conftest.py after the last test.
"""
COLUMNS = ("requests", "pairs", "as seen", "calls", "told", "errors", "streams", "at once", "seconds")
HEAD = ("Python", "server", "framework", "traced", *COLUMNS)
ROWS = {}  # the first four of HEAD -> the cells, or a str: why there are none
NAMES = 4


def table(rows):
    """The rows as lines of aligned text."""
    ran = [HEAD] + [(*key, *map(str, cells)) for key, cells in rows.items()
                    if not isinstance(cells, str)]
    names = [HEAD[:NAMES], *rows]
    widths = [max(len(name[i]) for name in names) for i in range(NAMES)]
    widths += [max(map(len, column)) for column in list(zip(*ran))[NAMES:]]
    return [line(ran[0], widths)] + [
        line((*key, cells) if isinstance(cells, str) else (*key, *map(str, cells)), widths)
        for key, cells in rows.items()]


def line(texts, widths):
    return "  ".join(text.ljust(width) if i < NAMES or len(texts) == NAMES + 1 else
                     text.rjust(width)
                     for i, (text, width) in enumerate(zip(texts, widths))).rstrip()
