# SPDX-License-Identifier: MIT
"""One code object that runs as several modules; code objects and classes that come where others
were freed, with the same names; modules that are renamed."""
import types

SOURCE = """
def work(n):
    return n
def count(n):
    while n:
        yield n
        n -= 1
def back(other, n):
    if n == 0:
        raise KeyError(__name__)
    return other[n % 2](other, n - 1)
def swallow(other, n):
    try:
        return other[0](other, n)
    except KeyError as error:
        return str(error)
for _ in range(4):
    work(1)
"""


def echo(value):
    return value


def fresh(name):
    """Globals whose __name__ is a text that is nowhere else."""
    return {"__name__": "".join(list(name))}


def warm():
    """Until what is not asked for is told at once, by what was found before (bpf/pass.bpf.h)."""
    space = fresh("outside.warm")
    exec(compile(SOURCE, "warm.py", "exec"), space)
    for n in range(300):
        space["work"](n)
    for n in range(100):
        space["changes"] = n
        space["work"](n)


def one_code():
    """The same code, in dicts that come and go."""
    code = compile(SOURCE, "one.py", "exec")
    for name in ("outside.a", "gt.a", "gt.again", "outside.a", "gt.a", "gtx", "g", "gt.again") * 3:
        exec(code, fresh(name))
    spaces = [fresh(name) for name in ("gt.kept", "outside.kept", "gt.other", "outside.other")]
    for space in spaces:
        exec(code, space)
    for _ in range(3):
        for space in spaces:
            space["work"](2)
            echo(space["count"](1))
    counts = [space["count"](3) for space in spaces]
    while any([next(count, None) for count in counts]):
        pass
    return spaces


def mixed(spaces):
    """Calls of one code, of wanted and unwanted modules on top of each other."""
    for first in spaces:
        for second in spaces:
            for n in (0, 1, 2, 5):
                first["swallow"]((first["back"], second["back"]), n)


def renamed():
    code = compile(SOURCE, "renamed.py", "exec")
    space = fresh("outside.before")
    exec(code, space)
    for name in ("gt.named", "outside.named", "gt.renamed", None, "gt.back", "gt.named"):
        space["__name__"] = name
        space["work"](3)
    del space["__name__"]
    space["work"](4)
    space["new"] = 1
    space["__name__"] = "gt.late"
    space["work"](5)
    late = types.FunctionType(space["work"].__code__, {"__name__": "gt.lent"})
    late(6)
    types.FunctionType(space["work"].__code__, {"__name__": "outside.lent"})(7)
    types.FunctionType(space["work"].__code__, {})(8)
    late(9)


def cleared():
    """Calls that outlive the name of their module."""
    code = compile(SOURCE, "cleared.py", "exec")
    for name in ("gt.cleared", "outside.cleared", "gt.cleared"):
        space = fresh(name)
        exec(code, space)
        counts = [space["count"](3) for _ in range(4)]
        for count in counts:
            next(count)
        counts[0].close()
        work, back = space["work"], space["back"]
        space["__name__"] = "outside.renamed"
        next(counts[1])
        counts[1].close()
        back((lambda other, n: space.clear(),), 2)
        work(2)
        list(counts[2])
        try:
            counts[3].throw(KeyError("thrown"))
        except KeyError:
            pass


def compiled():
    """Code that is compiled, run and freed, again and again."""
    for n in range(40):
        name = ("gt.m%d" if n % 3 else "outside.m%d") % (n % 4)
        source = "\n" * (n % 2) + "def work(n):\n    return n + %d\nwork(1)\n" % n
        exec(compile(source, "".join(["<file %d>" % (n % 10)]), "exec"), fresh(name))


def classes():
    """Classes that come where others were, with names of the same length."""
    for n in range(60):
        bases, arguments = (((), ()), ((float,), (1.5,)), ((set,), ([n],)))[n % 3]
        made = type("Class%d" % (n % 7), bases, {"__module__": "made%d" % (n % 5)})
        echo(made(*arguments))
        del made
    for n in range(20):
        echo(type("Same", ((float,), ())[n % 2], {})())


def main():
    warm()
    mixed(one_code())
    renamed()
    cleared()
    compiled()
    classes()
