# SPDX-License-Identifier: MIT
"""What the tests of the source commands share."""
import functools
import json
import os
import shutil
import sys
from pathlib import Path

import harness

sys.path.append(str(harness.REPO / "agent_ext"))
import intree  # noqa: E402

FLOWCTL = Path(os.environ.get("FLOWCTL") or harness.REPO / "build" / "bin" / "flowctl")
DECORATOR = "@_flowtrace_trace  # flowctl"
GUARD = [
    "try:  # flowctl",
    "    from flowtrace_agent import trace as _flowtrace_trace  # flowctl",
    "except Exception:  # flowctl",
    "    _flowtrace_trace = lambda function: function  # flowctl",
]


def flowctl(*args, status=0, **options):
    """Runs it; returns (stdout, stderr). Errors are whole lines of its own."""
    got, out, errors = harness.run([FLOWCTL, *args], timeout=120, **options)
    assert got == status, "status %d, not %d: %s%s" % (got, status, out, errors)
    return out, errors


def as_json(*args, status=0, **options):
    """The object that it prints."""
    return json.loads(flowctl(*args, "--json", status=status, **options)[0])


@functools.lru_cache(maxsize=None)
def system():
    """The interpreter with the headers that flowctl is built against, and where its agent is."""
    interpreter = next(i for i in harness.interpreters() if i.name == "system")
    why = intree.build([interpreter])[interpreter]
    assert why is None, why
    return interpreter, intree.BUILD / interpreter.name


def with_agent(*before, **more):
    """The environment in which that interpreter finds the agent, behind other folders."""
    path = os.pathsep.join(map(str, [*before, system()[1]]))
    return harness.environment(PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1", **more)


def tree(folder):
    """{path: (bytes, mode)} of every file below."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = (os.readlink(path), None)
        elif path.is_file():
            found[str(path.relative_to(folder))] = (path.read_bytes(), path.stat().st_mode)
    return found


def copy_python(source, target, but=lambda path: False):
    """A folder without what is compiled and without links; nor files of which but(path) is true."""
    def others(folder, names):
        paths = [(name, Path(folder, name)) for name in names]
        return [name for name, path in paths if name == "__pycache__" or path.is_symlink()
                or path.suffix in (".so", ".a", ".o") or but(path)]
    shutil.copytree(source, target, ignore=others)
