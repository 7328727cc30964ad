# SPDX-License-Identifier: MIT
"""Interpreters that cannot be traced: exit 6, and one line that names what was found and what was
looked for. Builds that nobody packages are copies of real ones with a few bytes changed that the
interpreter itself does not use, so they run."""
import contextlib
import os
import shutil
import struct
import subprocess
from pathlib import Path

import harness
import pytest
from harness import refused

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
PYTHON = 6  # the exit status
SLEEP = "import time\nprint('ready')\nimport sys\nsys.stdout.flush()\ntime.sleep(60)"


@contextlib.contextmanager
def sleeping(*command):
    """An interpreter that runs and has said so."""
    process = harness.start([*command, "-c", SLEEP], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n", "%s does not run" % (command,)
        yield process.pid
    finally:
        process.stdout.close()
        harness.kill_session(process)


def own_build(version):
    """An own build that is not supported."""
    found = sorted(Path("~/.pyenv/versions").expanduser().glob("%s.*/bin/python" % version))
    if not found:
        pytest.skip("no Python %s under ~/.pyenv/versions" % version)
    return str(found[0])


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7"])
def test_older(version, tmp_path):
    """Before 3.8."""
    with sleeping(own_build(version)) as pid:
        refused(PYTHON, "-p", pid, cwd=tmp_path,
                says=["Python " + version, str(pid), "supported are Python 3.8 "])
    assert not list(tmp_path.iterdir()), "an output file was made for nothing"


def test_pypy(tmp_path):
    """Another implementation."""
    pypy = shutil.which("pypy3")
    if not pypy:
        pytest.skip("no pypy3 in PATH (Debian package pypy3)")
    with sleeping(pypy) as pid:
        refused(PYTHON, "-p", pid, cwd=tmp_path, says=["pypy", "only CPython"])


# ---- changed copies --------------------------------------------------------------------------

def address_of(path, symbol):
    """(virtual address, file offset) of what is exported."""
    _, out, _ = harness.run(["readelf", "-W", "--dyn-syms", "--segments", path], check=0)
    rows = [line.split() for line in out.splitlines()]
    address = next(int(r[1], 16) for r in rows if len(r) > 7 and r[7].split("@")[0] == symbol)
    for r in rows:
        if r[:1] == ["LOAD"] and 0 <= address - int(r[2], 16) < int(r[4], 16):
            return address, int(r[1], 16) + address - int(r[2], 16)
    raise AssertionError("%s is in no segment" % symbol)


def changed(source, target, at, data):
    """A copy with other bytes at one place."""
    shutil.copy(source, target)
    with open(target, "r+b") as file:
        file.seek(at)
        file.write(data)
    return target


def test_newer(tmp_path):
    """A Python that is not there yet, as its Py_Version says."""
    python = os.path.realpath(harness.PYTHON)
    copy = changed(python, tmp_path / "python3.99", address_of(python, "Py_Version")[1],
                   struct.pack("<I", 0x036300f0))
    with sleeping(copy) as pid:
        refused(PYTHON, "-p", pid, cwd=tmp_path,
                says=["Python 3.99", "yet", "supported are Python 3.8 to 3."])


def test_no_dispatch_table(tmp_path):
    """Without computed gotos there is none; here one opcode too many has a handler."""
    python = os.path.realpath(harness.PYTHON)
    if os.path.basename(python) != "python3.11":
        pytest.skip("%s is not Python 3.11" % python)
    data = Path(python).read_bytes()
    words = struct.unpack_from("<%dQ" % (len(data) // 8), data)
    tables = [i - 181 for i in range(181, len(words) - 75)
              if 0 < words[i] == words[i + 73] and len(set(words[i:i + 74])) == 1
              and words[i - 1] != words[i] != words[i + 74] and 0 not in words[i - 181:i]]
    assert len(tables) == 1, tables
    copy = changed(python, tmp_path / "python3.11", (tables[0] + 200) * 8,
                   struct.pack("<Q", words[tables[0]]))
    with sleeping(copy) as pid:
        refused(PYTHON, "-p", pid, cwd=tmp_path,
                says=["no dispatch table of Python 3.11", "computed gotos"])


def in_root(name):
    """(command, its file, a directory of its root for the copy) of an interpreter of a root."""
    for interpreter in harness.in_roots():
        path = Path(str(interpreter.root) + interpreter.python)
        if path.name == name and path.exists():
            return ["chroot", interpreter.root], path, interpreter.root / "tmp"
    return pytest.skip("no Debian root with " + name)


SPOILT = {
    "free-threaded": (16, struct.pack("<Q", 1), ["free-threaded", "GIL"]),
    "no-cookie": (0, b"XXXXXXXX", ["does not start with _Py_DebugOffsets", "xdebugpy"]),
    "other-version": (8, struct.pack("<Q", 0x030c01f0), ["0x30c01f0", "looked for"]),
    "other-offset": (None, struct.pack("<Q", 0xffffffffffffffff),
                     ["thread_state.current_frame", "0xffffffffffffffff", "looked for"]),
}
# Where thread_state.current_frame stands in the structure (user/collector/cpython/offsets).
CURRENT_FRAME = {"python3.13": 184, "python3.14": 208, "python3.15": 208}


@pytest.mark.parametrize("python", sorted(CURRENT_FRAME))
@pytest.mark.parametrize("what", sorted(SPOILT))
def test_debug_offsets(python, what, tmp_path):
    """What the interpreter says about itself makes no sense, or says that it is another build."""
    chroot, source, directory = in_root(python)
    at, data, says = SPOILT[what]
    offset = address_of(source, "_PyRuntime")[1]
    copy = changed(source, directory / ("flowtrace-%d-%s" % (os.getpid(), python)),
                   offset + (CURRENT_FRAME[python] if at is None else at), data)
    try:
        with sleeping(*chroot, "/tmp/" + copy.name) as pid:
            refused(PYTHON, "-p", pid, cwd=tmp_path, says=says)
    finally:
        copy.unlink()
