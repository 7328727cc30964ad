# SPDX-License-Identifier: MIT
"""Frames that no def makes: class bodies, comprehensions, genexprs, exec, import."""
import importlib
import sys


def comprehensions(n):
    return ([i for i in range(n)], {i for i in range(n)}, {i: i for i in range(n)},
            [[j for j in range(i)] for i in range(n)])


def genexprs(n):
    return sum(i for i in range(n)), list(i * j for i in range(2) for j in range(n))


def genexpr_partly():
    return next(i for i in range(10))


def genexpr_fails():
    try:
        return list(1 // i for i in (1, 0))
    except ZeroDivisionError:
        return "zero"


def comprehension_fails():
    try:
        return [1 // i for i in (1, 0)]
    except ZeroDivisionError:
        return "zero"


def class_body(value):
    class Local:
        """A body that runs code and captures."""
        doubled = value * 2
        items = [i for i in range(2)]

        def get(self):
            return value
    return Local().get() + Local.doubled


def failing_class_body():
    try:
        class Broken:
            """Never finished."""
            x = 1 // 0
        return Broken
    except ZeroDivisionError:
        return "broken"


def dynamic(n):
    """Code without a file; exec with this module's globals, then with others."""
    scope = {"__name__": "gt.dynamic"}
    exec("def made(x):\n    return x + 1\nvalue = made(%d)" % n, scope)
    return eval("n + 1"), scope["value"]


def many_functions(n):
    """Code objects come and go: their addresses are used again."""
    total = 0
    for i in range(n):
        scope = {"__name__": "gt.dynamic"}
        exec("def f%d(x):\n    return x * %d\n" % (i, i), scope)
        total += scope["f%d" % i](2)
    return total


def reimport():
    sys.modules.pop("gt.sub", None)
    module = importlib.import_module("gt.sub")
    importlib.reload(module)
    return module.VALUE


def main():
    comprehensions(3)
    genexprs(3)
    genexpr_partly()
    genexpr_fails()
    comprehension_fails()
    class_body(21)
    failing_class_body()
    dynamic(1)
    many_functions(30)
    reimport()
