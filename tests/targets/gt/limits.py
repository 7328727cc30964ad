# SPDX-License-Identifier: MIT
"""Values over a limit: long, deep, wide, and a loop of references."""


def echo(value):
    return value


def nest(n):
    value = "core"
    for _ in range(n):
        value = [value]
    return value


def nest_dict(n):
    value = "core"
    for _ in range(n):
        value = {"k": value}
    return value


def two(first, second):
    return None


def main():
    for n in (900, 996, 998, 999, 1000, 1001, 1500, 5000, 100000):
        echo("x" * n)
    echo("\u4e16" * 1500)
    echo("\U0001f40d" * 1500)
    echo("\"" * 1500)
    echo("\n" * 600)
    echo(b"\x00" * 900)
    echo(b"x" * 5000)
    for n in (5, 6, 7, 8, 12, 40):
        nest(n)
        nest_dict(n)
    for n in (63, 64, 65, 66, 200, 5000):
        echo([0] * n)
        echo((0,) * n)
        echo({i: 0 for i in range(n)})
        echo(set(range(n)))
    echo(["word %d" % i * 5 for i in range(60)])
    echo({"key %d" % i: "value " * 10 for i in range(60)})
    echo([["x" * 100] * 20] * 20)
    echo(2**5000)
    echo(-(2**40000))
    loop = [1]
    loop.append(loop)
    echo(loop)
    table = {}
    table["self"] = table
    echo(table)
    two("a" * 3000, "b" * 3000)
    two(1, "b" * 3000)
