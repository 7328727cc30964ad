# SPDX-License-Identifier: MIT
"""Files that root writes: what others prepared is not written through, what a user names on purpose
works. All but --record is tried on --replay, which opens its output as a trace does."""
import json
import os
import pty
import stat
import threading

import harness
import pytest
from harness import refused

pytestmark = pytest.mark.live
RECORDING = harness.REPO / "tests/replay/calls.ftrec"
SOMEBODY, CALLER = 4321, 1234
FLOWCTL = harness.TRACER.parent / "flowctl"


def replay(path, **more):
    """Renders the recording to a path; the output of a trace."""
    return harness.run([harness.TRACER, "--replay", RECORDING, "-o", path, *more.pop("options", [])],
                       env=harness.environment(**more.pop("env", {})), timeout=harness.PATIENCE, **more)


def events(text):
    assert text.endswith("\n")
    return [json.loads(line)["event"] for line in text.splitlines()]


@pytest.fixture(name="victim")
def a_file_of_root(tmp_path):
    """What must stay as it is."""
    path = tmp_path / "victim"
    path.write_text("precious\n")
    yield path
    assert path.read_text() == "precious\n"
    assert path.stat().st_uid == 0


@pytest.mark.parametrize("env", [{}, {"SUDO_UID": str(CALLER), "SUDO_GID": str(CALLER)}],
                         ids=["root", "sudo"])
@pytest.mark.parametrize("kind", ["link", "dangling", "hard link", "of somebody", "fifo of somebody"])
def test_prepared_by_others(kind, env, tmp_path, victim):
    """Refused in one line that says what to do; nothing is written, made or given away."""
    path = tmp_path / "out"
    if kind == "link":
        path.symlink_to(victim)
    elif kind == "dangling":
        path.symlink_to(tmp_path / "made")
    elif kind == "hard link":
        path.hardlink_to(victim)
    else:
        path.write_text("mine\n") if kind == "of somebody" else os.mkfifo(path)
        os.chown(path, SOMEBODY, SOMEBODY)
    before = path.lstat()
    refused(1, "--replay", RECORDING, "-o", path, env=env,
            says=[str(path), {"link": "link", "dangling": "link", "hard link": "hard links"}.get(
                kind, "user %d" % SOMEBODY)])
    assert path.lstat() == before and not (tmp_path / "made").exists()
    if kind == "of somebody":
        assert path.read_text() == "mine\n"


@pytest.mark.parametrize("name", ["out", "./out", "/proc/self/cwd/out", "link/out"])
@pytest.mark.parametrize("option", ["--record", "--replay"])
def test_one_file_twice(option, name, tmp_path):
    """By whatever names: a recording would empty the trace, lines would spoil the recording."""
    (tmp_path / "link").symlink_to(".")
    before = RECORDING.read_bytes() if option == "--replay" else b"{}\n"
    (tmp_path / "out").write_bytes(before)
    argv = ["-o", "out", option, name, *(["--", "true"] if option == "--record" else [])]
    refused(2, *argv, cwd=tmp_path, says=[option, "same file"])
    assert (tmp_path / "out").read_bytes() == before


@pytest.mark.parametrize("by,fine", [(0, True), (CALLER, True), (SOMEBODY, False)])
@pytest.mark.parametrize("absolute", [True, False])
def test_link_on_the_way(by, fine, absolute, tmp_path):
    """Of root and of the caller: followed. Of another user: refused, nothing is made there."""
    (tmp_path / "real/deep").mkdir(parents=True)
    way = tmp_path / "way"
    way.symlink_to(tmp_path / "real" if absolute else "real")
    os.chown(way, by, by, follow_symlinks=False)
    env = {"SUDO_UID": str(CALLER), "SUDO_GID": str(CALLER)}
    made = tmp_path / "real/deep/out"
    if fine:
        status, _, errors = replay(way / "deep/out", env=env)
        assert status == 0, errors
        assert (stat.S_IMODE(made.stat().st_mode), made.stat().st_uid) == (0o600, CALLER)
    else:
        refused(1, "--replay", RECORDING, "-o", way / "deep/out", env=env,
                says=["'way'", "user %d" % SOMEBODY])
        assert not made.exists()


def test_of_the_caller_or_of_root(tmp_path):
    """A file that is there and is theirs is appended to, and stays theirs."""
    for owner in (0, CALLER):
        path = tmp_path / str(owner)
        path.write_text("")
        os.chown(path, owner, owner)
        status, _, errors = replay(path, env={"SUDO_UID": str(CALLER)})
        assert status == 0 and path.stat().st_uid == owner, errors
        assert events(path.read_text())


def test_paths(tmp_path):
    """Relative, with dots, through the kernel's links."""
    (tmp_path / "a/b").mkdir(parents=True)
    for path in ("x", "./a/x", "a/b/../../y", "/proc/self/cwd/a/y", str(tmp_path) + "//a///z"):
        status, _, errors = replay(path, cwd=tmp_path)
        assert status == 0, errors
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()} == {
        "x", "a/x", "y", "a/y", "a/z"}
    for path, says in (("a/", "directory"), ("missing/x", "No such file"), ("x/y", "directory"),
                       ("a", "directory"), ("n" * 300, "too long")):
        refused(1, "--replay", RECORDING, "-o", path, cwd=tmp_path, says=[says])


def test_fifo(tmp_path):
    """With a reader it gets every line; without one it is refused at once."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    refused(1, "--replay", RECORDING, "-o", path, says=["start the reader", str(path)],
            timeout=harness.promised(5))
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_text()))
    reader.start()
    harness.wait_for("the line", lambda: not replay(path)[0])
    reader.join(timeout=harness.PATIENCE)
    assert len(events(got[0])) > 5


def test_terminal():
    """By its name, as a user's tty says it."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    try:
        status, _, errors = replay(os.ttyname(theirs), options=["-n", "3"])
        assert status == 0, errors
        assert len(events(os.read(ours, 65536).decode().replace("\r\n", "\n"))) == 3
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/null"])
def test_devices(name, tmp_path):
    """The names of standard output follow a redirection; they empty nothing."""
    with open(tmp_path / "out", "a+b") as out:
        out.write(b"before\n")
        out.flush()
        status, _, errors = replay(name, stdout=out)
        assert status == 0, errors
        out.seek(0)
        lines = out.read().decode().splitlines()
    assert lines[0] == "before" and (len(lines) > 5) == (name != "/dev/null")


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK], ids=["characters", "blocks"])
def test_other_devices(kind, tmp_path):
    """Writing to one, or opening it, may do anything (memory, a disk, a watchdog)."""
    path = tmp_path / "device"
    os.mknod(path, kind | 0o600, os.makedev(1, 8))  # /dev/random; an old RAM disk
    for option in ("-o", "--record"):
        refused(1, *(["-o", tmp_path / "out"] if option == "--record" else []), option, path,
                "--replay" if option == "-o" else "--", RECORDING if option == "-o" else "true",
                says=["neither a file nor a FIFO or a terminal", str(path)])


def test_recording(tmp_path, victim):
    """--record keeps the same rules, and empties a file only after it was found to be right."""
    (tmp_path / "link").symlink_to(victim)
    (tmp_path / "hard").hardlink_to(victim)
    for name in ("link", "hard"):
        refused(1, "--record", tmp_path / name, "-o", tmp_path / "t", "--", harness.PYTHON, "-c", "",
                says=["link", name])
    (tmp_path / "old").write_text("old" * 100)
    harness.run([harness.TRACER, "--record", tmp_path / "old", "-o", tmp_path / "t", "--",
                 harness.PYTHON, "-c", ""], check=0)
    assert (tmp_path / "old").read_bytes().startswith(b"FTREC")


@pytest.mark.parametrize("command", [["merge"], ["export", "--to", "csv"]], ids=["merge", "export"])
def test_other_programs(command, tmp_path, victim):
    """What flowctl writes for root: no link, no file of others; a file of root is replaced."""
    trace = tmp_path / "trace"
    assert replay(trace)[0] == 0
    (tmp_path / "link").symlink_to(victim)
    (tmp_path / "other").write_text("mine\n")
    os.chown(tmp_path / "other", SOMEBODY, SOMEBODY)
    for name in ("link", "other"):
        status, _, errors = harness.run([FLOWCTL, *command, "-o", tmp_path / name, trace])
        assert status == 1 and name in errors, errors
    assert (tmp_path / "link").is_symlink() and (tmp_path / "other").read_text() == "mine\n"
    (tmp_path / "own").write_text("old\n")
    harness.run([FLOWCTL, *command, "-o", tmp_path / "own", trace], check=0)
    assert "old\n" not in (tmp_path / "own").read_text()
