# SPDX-License-Identifier: MIT
"""Targets that are not what they were when the collector looked at them: their files are deleted,
replaced or written to, their number belongs to another process, they run another program. Before
it looks, between that and its hooks (it is stopped there), and after them."""
import contextlib
import ctypes
import hashlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
NO_PROCESS, PYTHON = 3, 6
LIBRARY = "libpython3.11.so.1.0"
SYSTEMS = Path("/usr/lib/x86_64-linux-gnu") / LIBRARY
MAIN = """int Py_BytesMain(int argc, char **argv);
int main(int argc, char **argv) { return Py_BytesMain(argc, argv); }
"""
TICKER = harness.ticker("time.sleep(0.002)")
# Maps a file as a loader does, and waits.
VICTIM = """
import ctypes, os, sys, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
fd = os.open(sys.argv[1], os.O_RDONLY)
size = os.fstat(fd).st_size
print(libc.mmap(None, ctypes.c_size_t(size), 5, 2, fd, ctypes.c_long(0)), size, flush=True)
time.sleep(3600)
"""


@contextlib.contextmanager
def running(*command):
    """A program that has said that it is ready."""
    process = harness.start(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.stdout.close()
        harness.kill_session(process)


class Victim:
    """Another process, which runs what the target does not."""

    def __init__(self, path):
        self.process = harness.start([harness.PYTHON, "-c", VICTIM, path], stdout=subprocess.PIPE)
        self.at, self.size = map(int, self.process.stdout.readline().split())
        self.before = self.digest()

    def digest(self):
        with open("/proc/%d/mem" % self.process.pid, "rb", 0) as memory:
            memory.seek(self.at)
            return hashlib.sha256(memory.read(self.size)).hexdigest()

    def unharmed(self):
        return self.digest() == self.before

    def end(self):
        self.process.stdout.close()
        harness.kill_session(self.process)


@contextlib.contextmanager
def collector(tmp_path, when, change, pids, *options):
    """One that is attached or has ended, with the change before, between or after."""
    if when == "before":
        change()
    with harness.Tracer(tmp_path, "-P", "__main__", *options, "-p",
                        ",".join(map(str, pids))) as tracer:
        if when == "between":
            tracer.stop_while_it_loads()
            change()
            tracer.process.send_signal(signal.SIGCONT)
        harness.wait_for("attached", lambda: tracer.process.poll() is not None
                         or "attached after" in tracer.stderr())
        if when == "after":
            change()
        yield tracer


def refused(tracer, status, *words):
    """It has ended, with one line that says why."""
    assert tracer.wait() == status, tracer.stderr()
    assert harness.lines_said(tracer.stderr()) == 1, tracer.stderr()
    assert all(word in tracer.stderr() for word in words), tracer.stderr()
    assert not tracer.output.exists() or not tracer.output.read_bytes()


def traces(tracer, pid):
    """It hears this process' calls, one after the other; ends it."""
    def calls():
        return [int(e["result"]) for e in tracer.events() if e["event"] == "EXIT"]
    seen = len(calls())
    harness.wait_for("calls", lambda: len(calls()) > seen + 50)
    assert tracer.stop() == 0, tracer.stderr()
    results = calls()
    assert results == list(range(results[0], results[0] + len(results)))
    assert {e["pid"] for e in tracer.events()} == {pid}


# ---- files --------------------------------------------------------------------------------------

class Files:
    """An interpreter of its own, as one executable or with a library, and another file that may
    come in the place of the one with the interpreter."""

    def __init__(self, kind, directory):
        self.python = directory / "python"
        self.file = self.python if kind == "executable" else directory / LIBRARY
        if kind == "executable":
            shutil.copy(os.path.realpath(harness.PYTHON), self.python)
        else:
            shutil.copy(SYSTEMS, self.file)
            (directory / "main.c").write_text(MAIN)
            harness.run(["cc", directory / "main.c", "-o", self.python, SYSTEMS,
                         "-Wl,-rpath,%s" % directory], check=0)
        self.other = directory / "other"
        data = self.file.read_bytes()
        self.other.write_bytes(data[:4096] + data[4095:-1])  # every instruction elsewhere
        self.other.chmod(0o755)

    def deleted(self):
        self.file.unlink()

    def replaced(self):
        os.link(self.other, self.file.with_name("new"))
        self.file.with_name("new").rename(self.file)

    def directory_gone(self):
        """With all that is in it, and another of its name instead."""
        directory = self.file.parent
        directory.rename(directory.with_name("gone"))
        directory.mkdir()
        shutil.copy(directory.with_name("gone") / "other", self.file)

    def written(self):
        """A byte within the code of an exception's hook, which nobody runs meanwhile."""
        _, out, _ = harness.run(["readelf", "-W", "--dyn-syms", "--segments", self.file], check=0)
        rows = [line.split() for line in out.splitlines()]
        at = next(int(r[1], 16) for r in rows if r[7:] == ["PyTraceBack_Here"])
        offset = next(int(r[1], 16) + at - int(r[2], 16) for r in rows
                      if r[:1] == ["LOAD"] and 0 <= at - int(r[2], 16) < int(r[4], 16))
        with open(self.file, "r+b") as file:
            file.seek(offset)
            code = file.read(8)
            file.seek(offset)
            file.write(bytes(byte ^ 1 for byte in code))


@contextlib.contextmanager
def interpreter(kind, tmp_path):
    """One that runs, with its files and a victim of what would be done to the others."""
    if kind == "library" and not SYSTEMS.exists():
        pytest.skip("no libpython3.11")
    (tmp_path / "home").mkdir()
    files = Files(kind, tmp_path / "home")
    victim = Victim(files.other)
    try:
        with running(files.python, "-c", TICKER) as target:
            yield files, target
            assert victim.unharmed() and target.poll() is None
    finally:
        victim.end()


@pytest.mark.parametrize("when,options", [("before", []), ("between", []), ("between", ["-f"]),
                                          ("after", [])])
@pytest.mark.parametrize("kind,how", [("executable", "deleted"), ("executable", "replaced"),
                                      ("library", "replaced"), ("library", "directory_gone")])
def test_another_file(kind, how, when, options, tmp_path):
    """What runs is traced, and what lies there now is left alone."""
    with interpreter(kind, tmp_path) as (files, target):
        before = harness.text_of(target.pid)
        with collector(tmp_path, when, getattr(files, how), [target.pid], *options) as tracer:
            traces(tracer, target.pid)
        assert harness.text_of(target.pid) == before


@pytest.mark.parametrize("options", [[], ["-f"]], ids=["pid", "follow"])
def test_written_between(options, tmp_path):
    """A breakpoint would come where no instruction begins any more."""
    with interpreter("library", tmp_path) as (files, target):
        with collector(tmp_path, "between", files.written, [target.pid], *options) as tracer:
            refused(tracer, PYTHON, "PyTraceBack_Here", "written to while it was attached to")


def test_written_before(tmp_path):
    """It is what it is: hooked where its instructions are, or refused."""
    with interpreter("library", tmp_path) as (files, target):
        with collector(tmp_path, "before", files.written, [target.pid]) as tracer:
            if tracer.process.poll() is None:
                traces(tracer, target.pid)
            else:
                refused(tracer, PYTHON, "PyTraceBack_Here")


def test_written_after(tmp_path):
    """The trace goes on, and no breakpoint stays."""
    with interpreter("library", tmp_path) as (files, target):
        text = files.file.read_bytes()
        with collector(tmp_path, "after", files.written, [target.pid]) as tracer:
            traces(tracer, target.pid)
        changed = files.file.read_bytes()
        harness.wait_for("breakpoints gone",
                         lambda: not unlike(target.pid, files.file, text, changed))


def unlike(pid, path, *texts):
    """The bytes of its code that are as in none of these texts of the file."""
    found = []
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for line in maps:
            addresses, flags, offset, _, _, name = (line.split() + [""])[:6]
            if name == str(path) and "x" in flags:
                first, last = (int(address, 16) for address in addresses.split("-"))
                memory.seek(first)
                for i, byte in enumerate(memory.read(last - first), int(offset, 16)):
                    if i < len(texts[0]) and byte not in {text[i] for text in texts}:
                        found.append(i)
    return found


# ---- processes ----------------------------------------------------------------------------------

SYS_CLONE3 = 435
libc = ctypes.CDLL(None, use_errno=True)


def start_as(pid, argv):
    """Starts a program under a number that is free, as no usual way of starting one can."""
    numbers = (ctypes.c_int * 1)(pid)
    # struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls,
    # set_tid, set_tid_size, cgroup
    args = (ctypes.c_uint64 * 11)(0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0,
                                  ctypes.addressof(numbers), 1, 0)
    argv = [os.fsencode(str(arg)) for arg in argv]
    vector = (ctypes.c_char_p * (len(argv) + 1))(*argv, None)
    got = libc.syscall(SYS_CLONE3, args, ctypes.sizeof(args))
    if got == 0:
        libc.execv(argv[0], vector)
        os._exit(127)
    assert got == pid, os.strerror(ctypes.get_errno())
    exe = os.path.realpath(argv[0]).decode()
    harness.wait_for("the program", lambda: os.readlink("/proc/%d/exe" % pid) == exe)
    harness.wait_for("it runs", lambda: harness.state(pid) == "S")


class Reused:
    """A target whose number another program gets."""

    def __init__(self, *argv):
        self.argv = argv
        self.target = harness.start([harness.own_python(), "-c", TICKER], stdout=subprocess.PIPE)
        assert self.target.stdout.readline() == b"ready\n"
        self.target.stdout.close()
        self.pid = self.target.pid
        self.text = None

    def change(self):
        self.target.kill()
        self.target.wait()
        start_as(self.pid, self.argv)
        self.text = harness.text_of(self.pid)

    def untouched(self):
        harness.wait_for("its own code", lambda: harness.text_of(self.pid) == self.text)
        assert os.waitpid(self.pid, os.WNOHANG) == (0, 0)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


QUIET = TICKER.replace('print("ready", flush=True)', "")
OTHERS = {
    "same": lambda tmp_path: [harness.own_python(), "-c", QUIET],
    "copy": lambda tmp_path: [shutil.copy(harness.own_python(), tmp_path / "python"), "-c", QUIET],
    "none": lambda tmp_path: ["/usr/bin/sleep", "1000"],
}


@pytest.mark.parametrize("options", [[], ["-f"]], ids=["pid", "follow"])
@pytest.mark.parametrize("other", OTHERS)
def test_number_is_anothers(other, options, tmp_path):
    """The process that was asked for has ended; who has its number now was not asked for."""
    with Reused(*OTHERS[other](tmp_path)) as reused:
        with collector(tmp_path, "between", reused.change, [reused.pid], *options) as tracer:
            refused(tracer, NO_PROCESS, "exited while it was attached to")
        reused.untouched()


@pytest.mark.parametrize("options", [[], ["-f"]], ids=["pid", "follow"])
def test_one_of_two(options, tmp_path):
    """One is not there any more: nothing is traced, as if it had never been there."""
    with Reused(*OTHERS["same"](tmp_path)) as reused, \
            running(harness.own_python(), "-c", TICKER) as target:
        before = harness.text_of(target.pid)
        with collector(tmp_path, "between", reused.change, [target.pid, reused.pid],
                       *options) as tracer:
            refused(tracer, NO_PROCESS, "exited while it was attached to")
        reused.untouched()
        assert harness.text_of(target.pid) == before


def command_line(pid):
    with open("/proc/%d/cmdline" % pid) as file:
        return file.read().split("\0")[:-1]


# Becomes another program when it is told to.
BECOMES = TICKER.replace("while True:", """
import os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: os.execv(sys.argv[1], sys.argv[1:]))
while True:""")


@pytest.mark.parametrize("other", OTHERS)
def test_another_program(other, tmp_path):
    """The process is the same, its program is not: what was seen holds no more, but where the same
    interpreter lies at the same place."""
    argv = list(map(str, OTHERS[other](tmp_path)))
    with running(harness.own_python(), "-c", BECOMES, *argv) as target:
        def change():
            target.send_signal(signal.SIGUSR1)
            harness.wait_for("exec", lambda: command_line(target.pid) == argv)
        with collector(tmp_path, "between", change, [target.pid]) as tracer:
            if other == "same" and tracer.process.poll() is None:
                traces(tracer, target.pid)
            else:
                refused(tracer, NO_PROCESS, "became another program while it was attached to")
        assert target.poll() is None


# Starts a child, which becomes another program and ends at once, when it is told to; says its pid.
PARENT = """
import os, sys
print("ready", flush=True)
sys.stdin.readline()
child = os.fork()
if not child:
    os.execv("/usr/bin/true", ["true"])
os.waitpid(child, 0)
print(child, flush=True)
sys.stdin.readline()
"""


def test_number_of_a_child_is_anothers(tmp_path):
    """With --follow a child is looked at when its exec is told: that may be long ago."""
    with harness.start([harness.own_python(), "-c", PARENT], stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE) as parent:
        try:
            assert parent.stdout.readline() == b"ready\n"
            with harness.Tracer(tmp_path, "-f", "-P", "__main__", "-p", parent.pid) as tracer:
                tracer.attached()
                tracer.process.send_signal(signal.SIGSTOP)
                harness.wait_for("it stops", lambda: harness.state(tracer.process.pid) == "T")
                parent.stdin.write(b"\n")
                parent.stdin.flush()
                pid = int(parent.stdout.readline())
                start_as(pid, [harness.own_python(), "-c", QUIET])
                try:
                    tracer.process.send_signal(signal.SIGCONT)
                    time.sleep(1)
                    assert os.waitpid(pid, os.WNOHANG) == (0, 0)
                    assert tracer.stop() == 0
                    assert {e["pid"] for e in tracer.events()} <= {parent.pid}, tracer.stderr()
                finally:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
        finally:
            harness.kill_session(parent)
