# SPDX-License-Identifier: MIT
"""Where the interpreter's file lies in the process, when that is less plain than usual."""
import json
import os
import subprocess
from pathlib import Path

import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]


def loaded(pid):
    """(lowest address, offset of a page in the middle of its code, file) of the interpreter, as its
    process sees them."""
    with open("/proc/%d/maps" % pid) as maps:
        rows = [line.split() for line in maps]
    rows = [row for row in rows if len(row) > 5 and row[5][0] == "/"]
    libraries = [row[5] for row in rows if "/libpython3." in row[5]]
    name = libraries[0] if libraries else os.readlink("/proc/%d/exe" % pid)
    rows = [row for row in rows if row[5] == name]
    lowest = min(int(row[0].split("-")[0], 16) for row in rows)
    size, offset = max((int(last, 16) - int(first, 16), int(row[2], 16)) for row in rows
                       if "x" in row[1] for first, last in [row[0].split("-")])
    root = os.readlink("/proc/%d/root" % pid)
    return lowest, offset + (size // 2 & ~4095), name[len(root):] if len(root) > 1 else name


def test_second_mapping(space):
    """A page of the interpreter's code that is mapped once more does not mislead."""
    program = space.inside(space.path / "targets" / "second_mapping.py")
    target = harness.start(space.interpreter.argv(program), stdout=subprocess.PIPE,
                           stdin=subprocess.PIPE)
    try:
        assert target.stdout.readline() == b"ready\n"
        lowest, page, name = loaded(target.pid)
        target.stdin.write(b"%d %d %s\n" % (lowest - 0x100000, page, name.encode()))
        target.stdin.flush()
        assert target.stdout.readline() == b"mapped\n"
        with harness.Tracer(space.path, "--backend", space.interpreter.backend, "-P", "__main__",
                            "-n", "40", "-p", target.pid) as tracer:
            assert tracer.wait() == 0, tracer.stderr()
            events = tracer.events()
    finally:
        target.stdout.close()
        target.stdin.close()
        harness.kill_session(target)
    values = [int(e["result"]) for e in events if e["event"] == "EXIT"]
    assert len(values) > 15
    assert values == list(range(values[0], values[0] + len(values)))


# ---- a library that is loaded later -------------------------------------------------------

def libraries():
    """{name: (libpython, PYTHONHOME)}: the system's, and those of own builds."""
    found = {"system": ("/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0", "/usr")}
    for interpreter in harness.interpreters():
        home = Path(interpreter.python).parents[1]
        for path in sorted(home.glob("lib/libpython3.*.so.1.0")):
            if interpreter.root is None:
                found[interpreter.name] = (str(path), str(home))
    return found


@pytest.fixture(name="late", scope="module")
def build_late(tmp_path_factory):
    """The program that loads one."""
    program = tmp_path_factory.mktemp("late") / "loads_late"
    harness.run(["cc", harness.TARGETS / "loads_late.c", "-o", program, "-ldl"], check=0)
    return program


@pytest.mark.parametrize("name", libraries())
def test_library_loaded_after_start(name, late, tmp_path):
    """A program that we started is held while it is hooked: its first call is seen."""
    library, home = libraries()[name]
    if not Path(library).exists():
        pytest.skip("no " + library)
    (tmp_path / "line").write_text("go\n")
    with open(tmp_path / "line") as line:
        tracer = harness.start([harness.TRACER, "-P", "__main__", "-o", tmp_path / "t.jsonl", "-v",
                                "--", late, library], stdin=line, stderr=subprocess.PIPE,
                               env=harness.environment(PYTHONHOME=home))
        errors = tracer.communicate(timeout=60)[1].decode()
    assert tracer.returncode == 0, errors
    events = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    calls = [e["result"] for e in events if e["event"] == "EXIT" and e["function"] == "late"]
    assert calls == ["2"] * 5 + [str(n + 1) for n in range(300)], errors


def test_library_loaded_after_attach(late, tmp_path):
    """With --follow a process that has no Python yet is waited for; without, it is refused."""
    library, home = libraries()["system"]
    if not Path(library).exists():
        pytest.skip("no " + library)
    target = harness.start([late, library], stdin=subprocess.PIPE,
                           env=harness.environment(PYTHONHOME=home))
    try:
        harness.refused(3, "-p", target.pid, says=["runs no Python", "--follow"], cwd=tmp_path)
        with harness.Tracer(tmp_path, "-f", "-P", "__main__", "-p", target.pid) as tracer:
            harness.wait_for("ready", lambda: "waiting for Python" in tracer.stderr())
            assert "runs no Python" in tracer.stderr()
            target.stdin.write(b"go\n")
            target.stdin.close()
            assert tracer.wait() == 0, tracer.stderr()
            events = tracer.events()
    finally:
        harness.kill_session(target)
    calls = [int(e["result"]) for e in events if e["event"] == "EXIT" and e["function"] == "late"]
    assert len(calls) > 100 and calls[-200:] == list(range(301 - len(calls[-200:]), 301))
