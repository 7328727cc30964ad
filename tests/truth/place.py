# SPDX-License-Identifier: MIT
"""Where a program runs twice under the collector: beside the interpreter's own tracing, and beside
the agent."""
import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

import harness

sys.path += [str(harness.LIVE), str(harness.REPO / "agent_ext")]
import intree  # noqa: E402
from compare import Trace, load_truth  # noqa: E402
from one_run import OneRun, differing_lines  # noqa: E402

HERE = Path(__file__).parent


class LeftOut(Exception):
    """Why an interpreter cannot be used here."""


class Place:
    """A folder that an interpreter sees too, with the programs and the package."""

    def __init__(self, interpreter, path):
        self.interpreter, self.path = interpreter, path
        shutil.copytree(HERE / "programs", path / "programs",
                        ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(intree.BUILD / interpreter.name, path / "package")
        for file in (harness.LIVE / "truth.py", harness.LIVE / "render.py", HERE / "marked.py"):
            shutil.copy(file, path)

    def inside(self, path):
        """A path as the interpreter sees it."""
        root = self.interpreter.root
        return str(path) if root is None else "/" + str(path.relative_to(root))

    def collected(self, prefix, *argv):
        """Runs a command of the interpreter under the collector; returns its trace."""
        output = self.path / "outside.jsonl"
        output.unlink(missing_ok=True)
        path = "%s:%s" % (self.inside(self.path / "package"), self.inside(self.path))
        command = ["env", "PYTHONPATH=" + path, *self.interpreter.argv("-W", "ignore", *argv)]
        # Children would be there too, and a short one may be over before it is hooked.
        harness.run([harness.TRACER, "-P", prefix + ",flowtrace_truth", "--no-http", "--no-follow",
                     "--buffer", "64M", "--backend", self.interpreter.backend, "-o", output, "--",
                     *command], check=0, timeout=240, cwd=self.path)
        return Trace(output)

    def program(self, argv):
        """The command line of a script of ours."""
        script, *rest = argv
        return [self.inside(self.path / "programs" / script), *rest]

    def as_the_interpreter(self, prefix, command, watched=()):
        """Compares with sys.settrace or sys.monitoring; watched: words for the program there."""
        truth = self.path / "truth.jsonl"
        truth.unlink(missing_ok=True)
        trace = self.collected(prefix, "-c", "import truth; truth.main()", "--mark", "-o",
                               self.inside(truth), "-P", prefix, *command, *watched)
        return OneRun(trace, load_truth(truth), self.interpreter.minor())

    def as_the_agent(self, prefix, command):
        """(texts of the lines that differ from the agent's, how many calls there were)"""
        own = self.path / "inside.jsonl"
        own.unlink(missing_ok=True)
        outside = self.collected(prefix, "-m", "flowtrace_agent", "-P", prefix + ",flowtrace_truth",
                                 "-o", self.inside(own), self.inside(self.path / "marked.py"),
                                 *command)
        return differing_lines(Trace(own), outside), len(outside.calls)


@contextlib.contextmanager
def made(interpreter):
    """A place that is gone at the end. Raises LeftOut."""
    reason = interpreter.why_not() or intree.build([interpreter])[interpreter]
    if isinstance(reason, (str, intree.LeftOut)):
        raise LeftOut(str(reason))
    base = interpreter.root / "tmp" if interpreter.root else None
    with tempfile.TemporaryDirectory(prefix="flowtrace-truth-", dir=base) as path:
        yield Place(interpreter, Path(path))
