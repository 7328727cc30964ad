# SPDX-License-Identifier: MIT
"""What was measured: a row a thing, with cells, some of which have a bound."""

import json


class Cell:
    """A figure. What is held against the bound may be another: the figure as it were on the machine
    that the bound is of."""

    def __init__(self, value, bound=None, compared=None, least=False):
        self.value, self.bound = value, bound
        self.compared = value if compared is None else compared
        self.least = least  # the bound is the least that it may be

    def ok(self):
        if self.bound is None:
            return True
        return self.compared >= self.bound if self.least else self.compared <= self.bound

    def as_json(self):
        if self.bound is None:
            return self.value
        return {"value": self.value, "compared": self.compared, "bound": self.bound, "ok": self.ok()}


class Table:
    """columns: (key, title, digits, meaning)."""

    def __init__(self, title, columns):
        self.title, self.columns, self.rows = title, columns, []

    def add(self, name, **cells):
        """None: not known here."""
        cells = {key: cell if isinstance(cell, Cell) else Cell(cell)
                 for key, cell in cells.items() if cell is not None}
        self.rows.append((name, cells))

    def ok(self):
        return all(cell.ok() for _, cells in self.rows for cell in cells.values())

    def show(self, as_json):
        if as_json:
            for name, cells in self.rows:
                print(json.dumps({"table": self.title, "name": name,
                                  **{key: cell.as_json() for key, cell in cells.items()}}), flush=True)
            return
        if not self.rows:
            return
        print("%-34s" % self.title + "".join("%20s" % title for _, title, _, _ in self.columns))
        for name, cells in self.rows:
            print("%-34s" % name + "".join(
                "%20s" % (self.text(cells[key], digits) if key in cells else "")
                for key, _, digits, _ in self.columns))
        for _, title, _, meaning in self.columns:
            print("    %-20s %s" % (title, meaning))
        print(flush=True)

    @staticmethod
    def text(cell, digits):
        text = "{:,.{}f}".format(cell.value, digits)
        if cell.bound is None:
            return text + "  "
        if cell.compared != cell.value:
            text += " ~ {:,.{}f}".format(cell.compared, digits)
        return "%s %s{:,.{}f}%s".format(cell.bound, digits) % (
            text, ">" if cell.least else "<", " " if cell.ok() else "!")
