# SPDX-License-Identifier: MIT
"""The same interpreter linked in other ways: at a fixed address, position-independent with
relocations of both kinds, as a library; stripped to the last symbol that is not exported."""
import json
import subprocess
from pathlib import Path

import harness
import pytest
from compare import Comparison, Trace, load_truth

ARCHIVES = Path("/usr/lib/python3.11/config-3.11-x86_64-linux-gnu")
MAIN = """int Py_BytesMain(int argc, char **argv);
int main(int argc, char **argv) { return Py_BytesMain(argc, argv); }
"""
RELR = "-Wl,-z,pack-relative-relocs"
LIBRARIES = ["-lexpat", "-lz", "-lm", "-ldl"]
SCENARIOS = ("methods", "generators", "exceptions", "scalars", "containers")
# name: (what --check calls it, flags, archive)
EXECUTABLES = {
    "fixed": ("executable at a fixed address", ["-no-pie"], "libpython3.11.a"),
    "pie-rela": ("position-independent executable", ["-pie"], "libpython3.11-pic.a"),
    "pie-relr": ("position-independent executable", ["-pie", RELR], "libpython3.11-pic.a"),
}


def link(directory, *args):
    """Runs the compiler."""
    (directory / "main.c").write_text(MAIN)
    done = subprocess.run(["cc", *map(str, args)], cwd=directory, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert not done.returncode, done.stdout


def whole(archive):
    """All of an archive, as CPython's own Makefile takes it."""
    return ["-Wl,--whole-archive", ARCHIVES / archive, "-Wl,--no-whole-archive"]


@pytest.fixture(params=[*EXECUTABLES, "library-relr"])
def linked(request, tmp_path):
    """(a workspace of such an interpreter, what --check calls it)."""
    if not ARCHIVES.exists():
        pytest.skip("no libpython3.11-dev")
    python = tmp_path / "python3.11"
    if request.param in EXECUTABLES:
        said, flags, archive = EXECUTABLES[request.param]
        link(tmp_path, *flags, "main.c", "-o", python, "-rdynamic", *whole(archive), *LIBRARIES)
        stripped = python
    else:
        said, stripped = "shared library", tmp_path / "libpython3.11.so.1.0"
        link(tmp_path, "-shared", RELR, "-Wl,-soname," + stripped.name, "-o", stripped,
             *whole("libpython3.11-pic.a"), *LIBRARIES)
        link(tmp_path, "main.c", "-o", python, stripped, "-Wl,-rpath," + str(tmp_path))
    subprocess.run(["strip", stripped], check=True)
    dynamic = subprocess.run(["readelf", "-Wd", stripped], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    assert ("(RELR)" in dynamic) == request.param.endswith("relr")
    with harness.Interpreter(request.param, None, str(python)).workspace() as space:
        yield space, said


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_linked(linked):
    """Found, named, and traced like the truth."""
    space, said = linked
    python = space.interpreter.python
    target = harness.start([python, "-c", "import time; print(1, flush=True); time.sleep(60)"],
                           stdout=subprocess.PIPE)
    try:
        target.stdout.readline()
        _, out, _ = harness.run([harness.TRACER, "--check", "-p", str(target.pid)], check=0)
    finally:
        harness.kill_session(target)
    assert "%s, %s" % (space.interpreter.version(), said) in out
    truths = [load_truth(space.truth(name, *SCENARIOS)) for name in ("first", "second")]
    output, errors = space.trace("trace.jsonl", space.program(*SCENARIOS))
    comparison = Comparison(Trace(output), *truths)
    if comparison.differences:
        pytest.fail(comparison.report(), pytrace=False)
    assert comparison.compared["calls"] > 200
    assert harness.lost_in_summary(errors) in (0, None), errors


@pytest.fixture(params=["-no-pie", "-pie"])
def silent(request, tmp_path):
    """An interpreter in a program that exports nothing, as programs that embed one often do."""
    if not ARCHIVES.exists():
        pytest.skip("no libpython3.11-dev")
    archive = "libpython3.11.a" if request.param == "-no-pie" else "libpython3.11-pic.a"
    link(tmp_path, request.param, "main.c", "-o", "embeds", *whole(archive), *LIBRARIES)
    (tmp_path / "late.py").write_text("def late(n):\n    return n + 1\nlate(late(1))\n")
    return tmp_path


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_nothing_exported(silent):
    """What .symtab says is enough."""
    status, _, errors = harness.run([harness.TRACER, "-P", "__main__", "-o", "t.jsonl", "--",
                                     "./embeds", "late.py"], cwd=silent)
    assert not status, errors
    events = [json.loads(line) for line in (silent / "t.jsonl").read_text().splitlines()]
    assert [e["result"] for e in events if e["event"] == "EXIT"] == ["2", "3", "null"]


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
def test_nothing_exported_and_stripped(silent):
    """It is said what it is and what was looked for."""
    subprocess.run(["strip", "embeds"], cwd=silent, check=True)
    harness.refused(6, "-o", "t.jsonl", "--", "./embeds", "late.py", cwd=silent,
                    says=["has a Python in it", "_PyRuntime", ".symtab", "-rdynamic"])
