# SPDX-License-Identifier: MIT
"""What is known of each CPython release, against every copy of its headers on this machine."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

import harness
import pytest

CPYTHON = harness.REPO / "user" / "collector" / "cpython"
MINORS = sorted(int(path.stem[2:]) for path in (CPYTHON / "offsets").glob("3_*.h"))


def headers(minor):
    """Directories with the headers of Python 3.minor, the internal ones too; skips without."""
    roots = sorted(harness.ROOTS.glob("*/usr")) if harness.ROOTS.is_dir() else []
    own = sorted(Path("~/.pyenv/versions").expanduser().glob("3.%d.*" % minor))
    found = [root / "include" / ("python3.%d" % minor) for root in [Path("/usr"), *roots, *own]]
    found = [path for path in found if (path / "internal" / "pycore_pystate.h").exists()]
    if not found:
        pytest.skip("no headers of Python 3.%d: libpython3.%d-dev in the system or in a Debian "
                    "root, or an own build" % (minor, minor))
    return found


def check(*include, generator=CPYTHON / "offsets" / "generate.py"):
    """generate.py --check: (status, what it says)."""
    done = subprocess.run([sys.executable, "-B", generator, "--check", *include], text=True,
                          stderr=subprocess.PIPE)
    return done.returncode, done.stderr


@pytest.mark.parametrize("minor", MINORS)
def test_offsets_are_those_of_the_headers(minor):
    """The generated file says what the compiler says."""
    assert check(*headers(minor)) == (0, "")


@pytest.mark.parametrize("minor", [8, 13])
def test_a_wrong_offset_is_noticed(minor, tmp_path):
    """One number changed."""
    include = headers(minor)[0]
    shutil.copytree(CPYTHON / "offsets", tmp_path / "offsets")
    path = tmp_path / "offsets" / ("3_%d.h" % minor)
    path.write_text(path.read_text().replace(".code_flags = ", ".code_flags = 1", 1))
    status, errors = check(include, generator=tmp_path / "offsets" / "generate.py")
    assert status == 1 and "3_%d.h" % minor in errors


def row(minor):
    """The text of a release's row."""
    text = (CPYTHON / "layout_table.c").read_text()
    macros = dict(re.findall(r"#define (OPCODES\w+)\s*((?:.*\\\n)+.*)", text))
    found = re.search(r"\.minor = %d,(.*?)\.layout" % minor, text, re.S)[1]
    return re.sub(r"OPCODES\w+", lambda name: macros[name[0]], found)


def opcodes(include):
    """{number: names} of a release."""
    files = [include / "opcode.h", include / "opcode_ids.h", include / "internal/pycore_opcode.h"]
    result = {}
    for path in files:
        for name, number in re.findall(r"^#define\s+([A-Z]\w+)\s+(\d+)\s*$",
                                       path.read_text() if path.exists() else "", re.M):
            if int(number) < 256 and not name.startswith(("NB_", "HAVE_", "MIN_", "MAX_", "CMP_")):
                result.setdefault(int(number), set()).add(name)
    return result


@pytest.mark.parametrize("minor", MINORS)
def test_opcodes_are_those_of_the_headers(minor):
    """The hooked ones have their numbers, and the fingerprint names just those without a name."""
    known = opcodes(headers(minor)[0])
    hooked = re.findall(r"\bHOOK_\w+, (\d+),\s*\"(\w+)\"", row(minor))
    assert len(hooked) >= 2
    assert [(n, name) for n, name in hooked if name not in known.get(int(n), ())] == []
    listed = "".join(re.findall(r'"([^"]*)"', row(minor).split(".opcode")[0])).split(",")
    undefined = {n for part in listed
                 for n in range(int(part.split("-")[0]), int(part.split("-")[-1]) + 1)}
    assert undefined == set(range(256)) - set(known)
