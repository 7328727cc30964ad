# SPDX-License-Identifier: MIT
"""instrument inserts whole lines and keeps every other byte; uninstrument takes just them out."""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import harness
import pytest
from source import DECORATOR, FLOWCTL, GUARD, as_json, flowctl, tree

BOM = b"\xef\xbb\xbf"

# Files whose bytes are easily spoilt: name -> (bytes, names of the functions that get the line).
FILES = {
    "plain": (b"def f():\n    return 1\n", "f"),
    "docstring": (b'"""doc"""\nimport os\ndef f():\n    return os\n', "f"),
    "long docstring": (b"'''doc\nmore\n'''\n\n# words\ndef f(): return 1\n", "f"),
    "future": (b'"""doc"""\nfrom __future__ import annotations\nfrom __future__ import division\n'
               b"import os\ndef f(): return 1\n", "f"),
    "future shares its line": (b"from __future__ import annotations; import os; import re\n"
                               b"def f(): return os\n", "f"),
    "docstring shares its line": (b'"""doc"""; x = 1\ndef f(): return x\n', "f"),
    "future in brackets": (b"from __future__ import (\n    annotations,\n    division,\n)\n\n"
                           b"def f(): return 1\n", "f"),
    "shebang and cookie": (b"#!/usr/bin/python3\n# -*- coding: latin-1 -*-\ndef f():\n"
                           b"    return '\xe9\xff'\n", "f"),
    "cookie on line 1": (b"# coding: cp1252\nname = '\x80'\ndef f(): return name\n", "f"),
    "shift_jis": (b"# coding: shift_jis\ndef f():\n    return '\x83\x5c\x83\x5c'\n", "f"),
    "bom": (BOM + b"def f(): return 1\n", "f"),
    "bom and cookie": (BOM + b"# coding: utf-8\ndef f(): return 1\n", "f"),
    "crlf": (b"import os\r\n\r\ndef f():\r\n    def g(): return 1\r\n    return g\r\n", "f g"),
    "cr": (b"import os\rdef f():\r    def g(): return 1\r    return g\r", "f g"),
    "mixed endings": (b"import os\r\ndef f():\n    return 1\rdef g():\r\n    return 2\n", "f g"),
    "tabs": (b"class A:\n\tdef f(self):\n\t\tdef g():\n\t\t\treturn 1\n\t\treturn g\n", "A.f g"),
    "tabs then blanks": (b"class A:\n\t  def f(self):\n\t  \treturn 1\n", "A.f"),
    "form feed": (b"import os\n\x0c\ndef f(): return 1\n\x0cdef g(): return 2\n", "f g"),
    "form feed in a class": (b"class A:\n    x = 1\n\x0c\n    def f(self): return 1\n", "A.f"),
    "no newline at the end": (b"x = 1\ndef f(): return 1", "f"),
    "only line, no newline": (b"def f(): return 1", "f"),
    "crlf, no newline at the end": (b"x = 1\r\ndef f(): return 1", "f"),
    "blank lines only at the end": (b"def f(): return 1\n\n\n   \n", "f"),
    "continued": (b"x = 1 + \\\n    2\ndef \\\n    f(a,\n      b): return a\n", "f"),
    "backslash above": (b"x = 1\n\\\ndef f(): return 1\n", "f"),
    "backslash in a class": (b"class A:\n    \\\n    def f(self): return 1\n", "A.f"),
    "backslash above the first": (b"\\\ndef f(): return 1\n", "f"),
    "async split": (b"async \\\n  def f(): return 1\n", "f"),
    "decorators": (b"import functools\n@functools.lru_cache(\n    maxsize=3,\n)\n# words\n\n"
                   b"@functools.wraps(print)\ndef f(): return 1\n", "f"),
    "one-line class": (b"class A: x = 1\nclass B: x = lambda: 1\ndef f(): return 1\n", "f"),
    "after if": (b"if 1: x = 2\nelse:\n    def f(): return 1\n", "f"),
    "everywhere": (b"try:\n  def a(): return 1\nexcept E:\n  def b(): return 1\nelse:\n"
                   b"  def c(): return 1\nfinally:\n  def d(): return 1\nfor i in x:\n"
                   b"  def e(): return 1\nelse:\n  def f(): return 1\nwhile 0:\n"
                   b"  def g(): return 1\nwith x:\n  def h(): return 1\nmatch x:\n  case 1:\n"
                   b"    def i(): return 1\n  case _:\n    def j(): return 1\nif x:\n"
                   b"  def k(): return 1\nelif y:\n  def l(): return 1\nelse:\n"
                   b"  def m(): return 1\ntry:\n  x\nexcept* E:\n  def n(): return 1\n",
                   "a b c d e f g h i j k l m n"),
    "our lines in a string": (b'def f():\n    return """\n@_flowtrace_trace  # flowctl\n'
                              b'def g(): return 1\n"""\n', "f"),
    "our lines in a docstring": ("'''\n{}\n'''\ndef f(): return 1\n".format("\n".join(GUARD))
                                 .encode(), "f"),
    "names": ("def é(): return 1\nclass Ä:\n    def _b(self): return 2\n".encode(), "é Ä._b"),
    "named escape": (b"def f(): return '\\N{EM DASH}'\n", "f"),
    "long": (b"x = 1\n" * 30000 + b"def f(): return 1\n" * 3000, "f " * 3000),
    "many branches": (b"if x == 0: pass\n" + b"".join(b"elif x == %d: pass\n" % i
                                                       for i in range(80))
                      + b"def f(): return 1\n", "f"),
}


@pytest.fixture(params=FILES, ids=lambda name: name.replace(" ", "-"))
def case(request, tmp_path):
    """(file, its bytes, names)"""
    content, names = FILES[request.param]
    path = tmp_path / "case.py"
    path.write_bytes(content)
    return path, content, names.split()


def split(content):
    """The lines that Python counts, with their ends."""
    return re.findall(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", content)


def end_of(line):
    """How it ends."""
    return re.search(rb"[\r\n]*$", line)[0]


def test_in_and_out(case):
    path, before, names = case
    flowctl("instrument", path)
    after = path.read_bytes()
    compile(after, str(path), "exec")
    lines = split(after[3:] if after.startswith(BOM) else after)
    ours = [i for i, line in enumerate(lines) if line.strip() == DECORATOR.encode()]
    assert len(ours) == len(names) + before.count(DECORATOR.encode())
    for i in ours:
        # As the line that it stands above: its blanks and its end, if it has one.
        line, below = lines[i:i + 2]
        assert end_of(line) == (end_of(below) or end_of(lines[i - 1]))
        assert below.startswith(line[:line.index(b"@")])
    flowctl("instrument", path)
    assert path.read_bytes() == after, "the second time changed it"
    found = as_json("analyze", path)["files"][0]["functions"]
    assert [f["name"].split(".<locals>.")[-1] for f in found
            if f["state"] == "instrumented"] == names
    flowctl("uninstrument", path)
    assert path.read_bytes() == before


def apply_dry_run(command, path):
    """Has patch do what the command would; returns what it made of the file."""
    diff = subprocess.run([FLOWCTL, command, "-n", path.name], cwd=path.parent, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    done = subprocess.run(["patch", "--binary", "-p1"], cwd=path.parent, input=diff,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    assert b"fuzz" not in done.stdout and b"offset" not in done.stdout, done.stdout
    return path.read_bytes()


@pytest.mark.skipif(not shutil.which("patch"), reason="no patch")
def test_dry_run_is_a_patch(case, tmp_path):
    path, before, _ = case
    flowctl("instrument", "--dry-run", path)
    assert list(tree(tmp_path)) == ["case.py"] and path.read_bytes() == before
    wanted = tmp_path / "wanted.py"
    wanted.write_bytes(before)
    flowctl("instrument", wanted)
    assert apply_dry_run("instrument", path) == wanted.read_bytes()
    assert apply_dry_run("uninstrument", path) == before


def test_new_functions_get_the_line(tmp_path):
    """A file that grew after it was instrumented."""
    path = tmp_path / "app.py"
    path.write_text("def f(): return 1\n")
    flowctl("instrument", path)
    path.write_text(path.read_text() + "def g(): return 2\n")
    errors = flowctl("instrument", path)[1]
    assert "app.py.bak exists" in errors
    assert path.read_text().count(DECORATOR) == 2 and path.read_text().count(GUARD[0]) == 1
    flowctl("uninstrument", path)
    assert path.read_text() == "def f(): return 1\ndef g(): return 2\n"
    assert (tmp_path / "app.py.bak").read_text() == "def f(): return 1\n"


def test_lines_that_somebody_changed_stay(tmp_path):
    path = tmp_path / "app.py"
    path.write_text("def f(): return 1\ndef g(): return 2\n")
    flowctl("instrument", path)
    changed = path.read_text().replace(DECORATOR + "\ndef g", "@_flowtrace_trace\ndef g")
    path.write_text(changed)
    errors = flowctl("uninstrument", path)[1]
    assert "2 of flowctl's lines were edited" in errors
    # The import must stay for the other.
    assert path.read_text() == "\n".join(GUARD) + "\ndef f(): return 1\n" \
        "@_flowtrace_trace\ndef g(): return 2\n"


def test_owner_mode_link_and_backup(tmp_path):
    real = tmp_path / "real" / "app.py"
    real.parent.mkdir()
    real.write_text("def f(): return 1\n")
    real.chmod(0o751)
    if os.geteuid() == 0:
        os.chown(real, 1234, 2345)
    before = real.stat()
    link = tmp_path / "link.py"
    link.symlink_to("real/app.py")
    flowctl("instrument", link)
    assert link.is_symlink() and os.readlink(link) == "real/app.py"
    for path in (real, real.parent / "app.py.bak"):
        now = path.stat()
        assert (now.st_mode, now.st_uid, now.st_gid) == (before.st_mode, before.st_uid,
                                                         before.st_gid)
    assert (real.parent / "app.py.bak").read_text() == "def f(): return 1\n"
    assert sorted(os.listdir(real.parent)) == ["app.py", "app.py.bak"]
    flowctl("uninstrument", link)
    assert os.listdir(real.parent) == ["app.py"], "the backup held what the file is again"
    assert real.read_text() == "def f(): return 1\n"
    flowctl("instrument", "--no-backup", link)
    assert os.listdir(real.parent) == ["app.py"]


def test_what_cannot_be_read_is_named_and_the_rest_done(tmp_path):
    bad = {
        "python2.py": (b"def f():\n    print 'x'\n", "python-2", "Python 2: line 2"),
        "newer.py": (b"def f[T](x: T) -> T: return x\n", "syntax", "not Python 3.11: line 1"),
        "cookie.py": (b"# coding: nothing-known\ndef f(): return 1\n", "encoding",
                      "unknown encoding"),
        "bytes.py": (b"def f(): return '\xff'\n", "encoding", "utf-8"),
        "zero.py": (b"def f(): return 1\0\n", "syntax", "null bytes"),
        "deep.py": (b"def f(): return " + b"(" * 5000 + b")" * 5000, None, ""),
        "deep2.py": (b"x = " + b"-" * 100000 + b"1\ndef f(): return 1\n", None, ""),
        "return.py": (b"return 1\ndef f(): return 1\n", "syntax", "'return' outside function"),
        "name.py": (b"_flowtrace_trace = 1\ndef f(): return 1\n", None, "uses the name"),
    }
    for name, (content, _, _) in bad.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "good.py").write_text("def f(): return 1\n")
    before = tree(tmp_path)
    out, errors = flowctl("instrument", tmp_path, status=1)
    lines = errors.splitlines()
    assert len(lines) == len(bad), errors
    for name, (_, _, says) in bad.items():
        line = next(line for line in lines if "/%s: " % name in line)
        assert line.startswith("flowctl: ") and says in line
    assert "1 file changed" in out and "%d files skipped" % len(bad) in out
    assert DECORATOR in (tmp_path / "good.py").read_text()
    flowctl("uninstrument", tmp_path, status=1)
    assert tree(tmp_path) == before
    kinds = {os.path.basename(f["path"]): f.get("kind")
             for f in as_json("analyze", tmp_path, status=1)["files"]}
    for name, (_, kind, _) in bad.items():
        assert kind is None or kinds[name] == kind


def test_operands(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no Python file" in flowctl("analyze", tmp_path / "empty", status=1)[1]
    assert "No such file" in flowctl("analyze", tmp_path / "none.py", status=1)[1]
    os.mkfifo(tmp_path / "pipe.py")
    assert "not a regular file" in flowctl("analyze", tmp_path / "pipe.py", status=1)[1]
    flowctl("analyze", status=2)
    flowctl("instrument", status=2)
    # What is not the project's own is not touched.
    for name in (".hidden/a.py", "venv/lib/a.py", "site-packages/a.py", "__pycache__/a.py",
                 "src/b.py", "src/notes.txt", "src/c.pyw"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("def f(): return 1\n")
    (tmp_path / "venv/pyvenv.cfg").touch()
    (tmp_path / "src/again.py").symlink_to("b.py")
    (tmp_path / "pipe.py").unlink()
    files = as_json("analyze", tmp_path, tmp_path / "src" / "b.py")["files"]
    assert [os.path.relpath(f["path"], tmp_path) for f in files] == ["src/b.py", "src/c.pyw"]


def test_read_only_stays():
    # Root may write everything, so somebody else tries.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        path = folder / "app.py"
        path.write_text("def f(): return 1\n")
        path.chmod(0o444)
        program = shutil.copy(FLOWCTL, folder)
        other = {"user": 65534} if os.geteuid() == 0 else {}
        status, _, errors = harness.run([program, "instrument", path], **other)
        assert status == 1 and "cannot write" in errors and "Permission denied" in errors
        assert sorted(os.listdir(folder)) == ["app.py", "flowctl"]
