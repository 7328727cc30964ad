# SPDX-License-Identifier: MIT
"""Wheels out of what intree.py builds: one for each release of Python that is at hand.

    wheels.py SOURCES FOLDER    SOURCES: a staged tree with setup.py; the wheels go to FOLDER

setuptools, of the Python that runs this, writes the metadata; the interpreters need no package.
"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from wheel.wheelfile import WheelFile

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "agent_ext"), str(ROOT / "tests")]
import harness  # noqa: E402
import intree  # noqa: E402

WHEEL = "Wheel-Version: 1.0\nGenerator: flowtrace\nRoot-Is-Purelib: false\nTag: %s\n"


def metadata(tree, folder):
    """The folder NAME-VERSION.dist-info that setup.py describes."""
    subprocess.run([sys.executable, "setup.py", "-q", "dist_info", "--output-dir", str(folder)],
                   cwd=tree, check=True, stdout=subprocess.DEVNULL)
    found, = Path(folder).glob("*.dist-info")
    return found


def pack(interpreter, info, folder):
    """One wheel, of the interpreter's build; returns its path."""
    tag = "cp3{0}-cp3{0}-linux_x86_64".format(interpreter.minor())
    path = Path(folder) / ("%s-%s.whl" % (info.stem, tag))
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        shutil.copytree(intree.BUILD / interpreter.name / "flowtrace_agent",
                        tree / "flowtrace_agent", ignore=shutil.ignore_patterns("__pycache__"))
        for library in tree.rglob("*.so"):
            subprocess.run(["strip", "-g", str(library)], check=True)
        shutil.copytree(info, tree / info.name)
        (tree / info.name / "WHEEL").write_text(WHEEL % tag)
        path.unlink(missing_ok=True)
        with WheelFile(str(path), "w") as wheel:
            wheel.write_files(str(tree))
    return path


def main(tree, folder):
    """The command; exit status 1 if one could not be built."""
    chosen = intree.releases(intree.distinct(harness.interpreters()))
    built = intree.build(list(chosen.values()))
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        info = metadata(tree, scratch)
        for _, interpreter in sorted(chosen.items()):
            why = built[interpreter]
            print("%-13s %s" % (interpreter.name, why or pack(interpreter, info, folder).name))
            failed |= isinstance(why, intree.Failed)
    sys.exit(failed)


if __name__ == "__main__":
    main(*sys.argv[1:])
