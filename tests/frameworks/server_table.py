# SPDX-License-Identifier: MIT
"""The table of servers: how many requests of how many were in the trace as the client saw them.

Filled by test_servers.py, printed by conftest.py after the last test.
"""
COLUMNS = ("requests", "pairs", "as seen", "calls", "ids", "errors", "streams", "seconds")
HEAD = ("server", "framework", *COLUMNS)
ROWS = {}  # (server, framework) -> the cells


def table(rows):
    """The rows as lines of aligned text."""
    texts = [HEAD] + [(*key, *map(str, cells)) for key, cells in rows.items()]
    widths = [max(map(len, column)) for column in zip(*texts)]
    return ["  ".join(text.ljust(width) if i < 2 else text.rjust(width)
                      for i, (text, width) in enumerate(zip(line, widths))).rstrip()
            for line in texts]
