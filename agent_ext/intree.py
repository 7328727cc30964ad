# SPDX-License-Identifier: MIT
"""Builds the package for interpreters into build/python/NAME/flowtrace_agent, for the tests.

    intree.py             every interpreter that the tests can find
    intree.py NAME...     these

Only what changed is compiled (ninja). For a Python of a Debian root the host's compiler works
with the root's headers and libraries (--sysroot): what it makes must run with the C library there.
"""
import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import sources

HERE = Path(sources.HERE)
BUILD = HERE.parent / "build" / "python"
WARNINGS = "-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter"

ASK = """
import json, sysconfig
print(json.dumps({
    "include": [sysconfig.get_path("include"), sysconfig.get_path("platinclude")],
    "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
    "free": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
}))
"""

RULES = """\
ninja_required_version = 1.3
flags = -g -fPIC -D_GNU_SOURCE -DFT_VERSION=\\"{version}\\" {flags} {warnings} {includes}
rule cc
  command = gcc $sysroot $flags $more -MMD -MF $out.d -c -o $out $in
  depfile = $out.d
  deps = gcc
  description = cc $out
rule link
  command = gcc $sysroot -shared -o $out $in $libraries
  description = link $out
"""


class LeftOut(Exception):
    """Why nothing can be built for an interpreter here."""


class Failed(Exception):
    """What the compiler said."""


def ask(interpreter):
    """What an interpreter says of itself; raises LeftOut."""
    reason = interpreter.why_not()
    if reason:
        raise LeftOut(reason)
    done = subprocess.run(list(map(str, interpreter.argv("-c", ASK))), text=True, timeout=60,
                          stdout=subprocess.PIPE, check=True)
    facts = json.loads(done.stdout)
    root = str(interpreter.root or "")
    facts["include"] = [root + path for path in dict.fromkeys(facts["include"])]
    if facts["free"]:
        raise LeftOut("free-threaded Python is not supported")
    if not any(os.path.exists(path + "/Python.h") for path in facts["include"]):
        raise LeftOut("no Python.h in " + facts["include"][0])
    if not os.path.exists(root + "/usr/include/stdio.h"):
        raise LeftOut("no headers of the C library in %s: ./dev roots" % (root or "/usr"))
    return facts


def distinct(interpreters):
    """Each Python once: how a collector would hook it makes no difference here."""
    found = {}
    for interpreter in interpreters:
        found.setdefault((interpreter.root, interpreter.python), interpreter)
    return list(found.values())


def releases(interpreters):
    """{minor: interpreter}; the host's before those of roots, which have newer C libraries."""
    chosen = {}
    for interpreter in sorted(interpreters, key=lambda i: i.root is not None):
        if not interpreter.why_not():
            chosen.setdefault(interpreter.minor(), interpreter)
    return chosen


def name_of_root(interpreter):
    """Of the folder for what is compiled once for all Pythons of a root."""
    return interpreter.root.name if interpreter.root else "host"


def sysroot_of(interpreter):
    """The option that has gcc look for headers in the interpreter's root."""
    return "--sysroot=%s" % interpreter.root if interpreter.root else ""


def libraries_of(interpreter):
    """What to link with. Those of a root by their files: gcc would look beside itself first,
    and links in the root that are absolute lead out of it."""
    if interpreter.root is None:
        return " ".join("-l" + name for name in sources.LIBRARIES)
    names = ("libm.so.6", "libpthread.so.0", "libc.so.6", "libc_nonshared.a",
             "ld-linux-x86-64.so.2")
    folder = interpreter.root / "usr/lib/x86_64-linux-gnu"
    return "-nodefaultlibs %s -lgcc" % " ".join(str(folder / name) for name in names)


def compile_rules(base, paths, folder, sysroot, more=""):
    """Lines that compile some sources; returns (lines, objects)."""
    lines, objects = [], []
    for path in paths:
        objects.append("%s/%s.o" % (folder, path))
        lines += ["build %s: cc %s" % (objects[-1], Path(base) / path),
                  "  sysroot = " + sysroot, "  more = " + more]
    return lines, objects


def ninja_file(known):
    """The text of build.ninja for {interpreter: its facts}."""
    lines = [RULES.format(
        version=sources.version(), flags=" ".join(sources.FLAGS), warnings=WARNINGS,
        includes=" ".join("-I" + path for path in sources.includes()))]
    core = {}
    for interpreter, facts in known.items():
        root = name_of_root(interpreter)
        sysroot = sysroot_of(interpreter)
        if root not in core:
            new, core[root] = compile_rules(sources.CORE, sources.core(), "core/" + root, sysroot)
            lines += new
        more = " ".join("-isystem " + path for path in facts["include"])
        new, objects = compile_rules(HERE, sources.extension(), "objects/" + interpreter.name,
                                     sysroot, more)
        lines += new
        new, wrappers = compile_rules(sources.FRAMEWORKS, sources.wrappers(),
                                      "objects/%s/frameworks" % interpreter.name, sysroot, more)
        lines += new
        objects += wrappers
        lines += ["build %s/flowtrace_agent/_core%s: link %s" % (
            interpreter.name, facts["suffix"], " ".join(objects + core[root])),
            "  sysroot = " + sysroot, "  libraries = " + libraries_of(interpreter),
            "build %s: phony %s/flowtrace_agent/_core%s" % (
                "for-" + interpreter.name, interpreter.name, facts["suffix"])]
    return "\n".join(lines) + "\n"


def copy_package(interpreter):
    """The files that need no compiler. Those that are the same stay, a program may run them;
    those that are gone from the source are removed."""
    target = BUILD / interpreter.name / "flowtrace_agent"
    wanted = files_below(HERE / "flowtrace_agent", target)
    wanted.update(files_below(Path(sources.FRAMEWORKS) / "python", target / "frameworks"))
    for path in [*target.rglob("*.py"), *target.rglob("*.pyi")]:
        if path not in wanted:
            path.unlink()
    for path, source in wanted.items():
        copy_if_new(source, path)


def files_below(source, target):
    """{where a file goes: where it is}."""
    return {target / path.relative_to(source): path for path in source.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}


def copy_if_new(source, target):
    """At no moment is there half a file."""
    if target.exists() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(target.name + ".new")
    shutil.copy(source, half)
    half.rename(target)


def write_if_new(path, text):
    """Leaves the time of the file alone when it says the same."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def ninja(*args):
    """Runs it; returns (status, what it said)."""
    done = subprocess.run(["ninja", "-C", str(BUILD), "-k", "0", *args], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def build(interpreters):
    """{interpreter: None, or LeftOut or Failed}."""
    outcome, known = {}, {}
    if not all(map(shutil.which, ("ninja", "gcc"))):
        return {interpreter: LeftOut("no ninja or no gcc") for interpreter in interpreters}
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for interpreter in interpreters:
            try:
                known[interpreter] = ask(interpreter)
                copy_package(interpreter)
                outcome[interpreter] = None
            except LeftOut as why:
                outcome[interpreter] = why
        write_if_new(BUILD / "build.ninja", ninja_file(known))
        if ninja(*("for-" + interpreter.name for interpreter in known))[0]:
            for interpreter in known:
                status, said = ninja("for-" + interpreter.name)
                outcome[interpreter] = Failed(said) if status else None
    return outcome


def main(names):
    """The command."""
    sys.path.append(str(HERE.parent / "tests"))
    import harness

    found = distinct(harness.interpreters())
    wrong = set(names) - {interpreter.name for interpreter in found}
    if wrong:
        sys.exit("intree.py: no such interpreter: " + ", ".join(sorted(wrong)))
    failed = False
    for interpreter, why in build([i for i in found if not names or i.name in names]).items():
        print("%-16s %s" % (interpreter.name, "built" if why is None else why))
        failed |= isinstance(why, Failed)
    sys.exit(failed)


if __name__ == "__main__":
    main(sys.argv[1:])
