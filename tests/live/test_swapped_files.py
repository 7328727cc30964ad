# SPDX-License-Identifier: MIT
"""A process of another user that swaps what the names of its files lead to, while root attaches to
it: no hook comes into any file but the one that it runs. The directory becomes a link, or another
lies mounted over it, or the process has another root; what each does is in swapper.py."""
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import harness
import pytest

LIBRARY = "libpython3.11.so.1.0"
SYSTEMS = Path("/usr/lib/x86_64-linux-gnu") / LIBRARY
MAIN = """int Py_BytesMain(int argc, char **argv);
int main(int argc, char **argv) { return Py_BytesMain(argc, argv); }
"""
NOBODY = 65534
ROUNDS = int(os.environ.get("FLOWTRACE_SWAPS", "2"))
# Maps a file as a loader does, and waits.
VICTIM = """
import ctypes, os, sys, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
fd = os.open(sys.argv[1], os.O_RDONLY)
size = os.fstat(fd).st_size
at = libc.mmap(None, ctypes.c_size_t(size), 5, 2, fd, ctypes.c_long(0))
print(at, size, flush=True)
time.sleep(3600)
"""


@pytest.fixture
def home():
    """nobody's directory with an interpreter and its library, and root's with another file of the
    library's name, to which the other directory of nobody's is a link."""
    if not SYSTEMS.exists():
        pytest.skip("no libpython3.11")
    tmp_path = Path(tempfile.mkdtemp(prefix="flowtrace-swapped-"))
    tmp_path.chmod(0o755)
    roots, nobodys = tmp_path / "roots", tmp_path / "nobodys"
    for directory in (roots, nobodys, nobodys / "lib"):
        directory.mkdir()
    shutil.copy(SYSTEMS, nobodys / "lib")
    data = SYSTEMS.read_bytes()
    (roots / LIBRARY).write_bytes(data[:4096] + data[4095:-1])  # every instruction elsewhere
    (nobodys / "link").symlink_to(roots)
    tree = tmp_path / "tree"  # another root, in which the other file has the library's name
    beneath = tree / str(nobodys / "lib")[1:]
    beneath.mkdir(parents=True)
    (tree / "old").mkdir()
    (beneath / LIBRARY).hardlink_to(roots / LIBRARY)
    (tmp_path / "main.c").write_text(MAIN)
    harness.run(["cc", tmp_path / "main.c", "-o", nobodys / "python", SYSTEMS,
                 "-Wl,-rpath,%s" % (nobodys / "lib")], check=0)
    shutil.copy(harness.TARGETS / "swapper.py", nobodys)
    for path in (nobodys, *nobodys.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    yield tmp_path
    shutil.rmtree(tmp_path)


class Victim:
    """A process of root's that has the other file mapped."""

    def __init__(self, path):
        self.process = harness.start([harness.PYTHON, "-c", VICTIM, path], stdout=subprocess.PIPE)
        self.at, self.size = map(int, self.process.stdout.readline().split())

    def digest(self):
        """Of the file as it lies in its memory."""
        with open("/proc/%d/mem" % self.process.pid, "rb", 0) as memory:
            memory.seek(self.at)
            return hashlib.sha256(memory.read(self.size)).hexdigest()


def put_back(nobodys):
    """Each name to what it is for: the process was killed at some moment."""
    if (nobodys / "lib").is_symlink():
        (nobodys / "lib").rename(nobodys / "other")
        (nobodys / "link").rename(nobodys / "lib")
        (nobodys / "other").rename(nobodys / "link")


HOW = {
    "rename": lambda home: ["rename", home / "nobodys/lib", home / "nobodys/link"],
    "mount": lambda home: ["mount", home / "nobodys/lib", home / "roots"],
    "chroot": lambda home: ["chroot", home / "tree"],
    "pivot": lambda home: ["pivot", home / "tree"],
}


def attach_once(home, victim, before, how, options):
    """Until it is attached or refused; returns which."""
    nobodys = home / "nobodys"
    put_back(nobodys)
    attacker = harness.start([nobodys / "python", nobodys / "swapper.py", *HOW[how](home)],
                             stdout=subprocess.PIPE, user=NOBODY, group=NOBODY, extra_groups=[])
    try:
        assert attacker.stdout.readline() == b"ready\n"
        with harness.Tracer(home, *options, "-P", "__main__", "-p",
                            attacker.pid) as tracer:
            harness.wait_for("attached", lambda: tracer.process.poll() is not None
                             or " after " in tracer.stderr(), pause=0.01)
            assert victim.digest() == before, tracer.stderr()
            if tracer.process.poll() is None:
                assert tracer.stop() == 0, tracer.stderr()
                return "attached"
            assert tracer.process.returncode in (3, 6), tracer.stderr()
            return "refused"
    finally:
        attacker.stdout.close()
        harness.kill_session(attacker)


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("options", [[], ["-f"]], ids=["pid", "follow"])
def test_swapped_directory(home, how, options):
    """Nothing is put into the other file, and the process' own is traced all the same."""
    victim = Victim(home / "roots" / LIBRARY)
    try:
        before = victim.digest()
        ended = [attach_once(home, victim, before, how, options) for _ in range(ROUNDS)]
        assert victim.digest() == before
    finally:
        victim.process.stdout.close()
        harness.kill_session(victim.process)
    print({how: ended.count(how) for how in set(ended)})
    assert ended == ["attached"] * ROUNDS
