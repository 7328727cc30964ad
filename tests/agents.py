# SPDX-License-Identifier: MIT
"""The in-process agent under every interpreter that it can be built for.

pytest runs on the system's Python only; what is tested runs in processes of each interpreter. The
conftest.py of a suite takes its fixtures from here.
"""
import ast
import itertools
import json
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path

import harness
import pytest

sys.path.append(str(harness.REPO / "agent_ext"))
import intree  # noqa: E402

CHECKS = harness.REPO / "tests" / "agent" / "checks"  # with what runs them
PYTHONS = intree.distinct(harness.interpreters())
releases = intree.releases


class Agent:
    """The package built for one interpreter.

    path: a folder that the interpreter sees too, new for each test; programs run in it.
    """

    def __init__(self, interpreter, base):
        self.interpreter = interpreter
        self.base = base
        self.path = base
        self.package = intree.BUILD / interpreter.name
        if interpreter.root:
            self.package = base / "package"
            shutil.copytree(intree.BUILD / interpreter.name, self.package)
        self._numbers = itertools.count()
        self._checks = {}

    def __repr__(self):
        return repr(self.interpreter)

    def minor(self):
        """The N of Python 3.N."""
        return self.interpreter.minor()

    def fresh(self):
        """Makes .path a new folder."""
        self.path = self.base / ("test%d" % next(self._numbers))
        self.path.mkdir()

    def inside(self, path):
        """A path as the interpreter sees it."""
        root = self.interpreter.root
        return str(path) if root is None else "/" + str(Path(path).relative_to(root))

    def environment(self, **more):
        """With the package on its path."""
        return harness.environment(PYTHONPATH=self.inside(self.package),
                                   PYTHONDONTWRITEBYTECODE="1", **more)

    def argv(self, *args):
        """The command that runs the interpreter in .path."""
        root = [] if self.interpreter.root is None else ["chroot", self.interpreter.root]
        return [*root, "env", "-C", self.inside(self.path), self.interpreter.python, *args]

    def python(self, *args, env=None, check=0, timeout=60):
        """Runs the interpreter with these arguments: (status, stdout, stderr)."""
        return harness.run(self.argv(*args), check=check, timeout=timeout, cwd=self.path,
                           env=self.environment(**(env or {})))

    def write(self, name, source):
        """A file in .path; returns its name."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source), "utf-8")
        return name

    def run(self, program, *args, env=None, check=0, timeout=60):
        """Runs a script (a Path, copied into .path) or a source text."""
        if isinstance(program, Path):
            name = program.name
            shutil.copy(program, self.path)
        else:
            name = self.write("program%d.py" % next(self._numbers), program)
        return self.python(name, *args, env=env, check=check, timeout=timeout)

    def command(self, *args, env=None, check=0, timeout=60):
        """python -m flowtrace_agent ..."""
        return self.python("-m", "flowtrace_agent", *args, env=env, check=check, timeout=timeout)

    def events(self, file="flowtrace.jsonl"):
        """The lines of a trace, as objects; every line must be whole."""
        text = (self.path / file).read_bytes()
        assert not text or text.endswith(b"\n"), text[-200:]
        return [json.loads(line) for line in text.splitlines()]

    def passes(self, group, name, checks=CHECKS):
        """Did one function of checks/GROUP.py pass? All of a file run in one process."""
        if group not in self._checks:
            for folder in {CHECKS, checks}:
                shutil.copytree(folder, self.path / "checks", dirs_exist_ok=True,
                                ignore=shutil.ignore_patterns("__pycache__"))
            _, out, err = self.python("checks/run.py", group, timeout=120)
            self._checks[group] = json.loads(out.splitlines()[-1]), err
        results, err = self._checks[group]
        assert results[name] in (None, "skipped"), results[name] + err
        if results[name]:
            pytest.skip("not for this release")


def checks_of(group, checks=CHECKS):
    """The names of the functions that checks/GROUP.py is made of."""
    tree = ast.parse((checks / (group + ".py")).read_text("utf-8"))
    return [node.name for node in tree.body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("check_")]


@pytest.fixture(scope="session")
def built():
    """{interpreter: why it is left out, or None}, after everything was built."""
    return intree.build(PYTHONS)


@pytest.fixture(scope="session", params=PYTHONS, ids=repr)
def agent(request, built):
    """The package under each interpreter."""
    interpreter = request.param
    why = built[interpreter]
    if isinstance(why, intree.LeftOut):
        pytest.skip(str(why))
    assert why is None, str(why)
    base = interpreter.root / "tmp" if interpreter.root else None
    with tempfile.TemporaryDirectory(prefix="flowtrace-agent-", dir=base) as path:
        yield Agent(interpreter, Path(path))


@pytest.fixture(autouse=True)
def fresh_folder(request):
    """Every test has a folder of its own."""
    if "agent" in request.fixturenames:
        request.getfixturevalue("agent").fresh()
