# SPDX-License-Identifier: MIT
"""Where the interpreter's file lies in the process, when that is less plain than usual."""
import os
import subprocess

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
