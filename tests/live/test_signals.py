# SPDX-License-Identifier: MIT
"""Signals and hang-ups, to a collector at each of its moments: it ends in order, or goes on."""
import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time
from pathlib import Path

import harness
import pytest
from faults import GONE_S, Run, a_target, check, run  # noqa: F401

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]


def links_of(pid):
    """The kinds of the BPF links that a process holds, each as often as it has it."""
    text = "".join(file.read_text() for file in Path("/proc/%d/fdinfo" % pid).iterdir())
    return re.findall(r"^link_type:\s+(\w+)$", text, re.M)


def test_few_links(target, tmp_path):
    """Where the kernel lets one link hold many hooks, one does: taking one out takes 0.1 s."""
    _, out, _ = harness.run([harness.TRACER, "--check", "--json", "-p", target.pid], check=0)
    said = json.loads(out)
    if not said["features"]["uprobe_multi links"]:
        pytest.skip("no uprobe_multi links before Linux 6.6")
    with run(target, tmp_path / "trace", "-v") as one:
        links = [kind for kind in links_of(one.process.pid) if "probe" in kind or kind == "perf"]
    assert links and all(kind.endswith("probe_multi") for kind in links), links
    assert len(links) < len(said["hooks"])


def test_stopped(target, tmp_path):
    """SIGSTOP: the ring fills, what is lost then is counted; SIGCONT goes on."""
    with run(target, tmp_path / "trace", "--buffer", "64K") as one:
        one.process.send_signal(signal.SIGSTOP)
        time.sleep(0.7)
        one.process.send_signal(signal.SIGCONT)
        time.sleep(0.3)
        assert one.end() == 0, one.stderr()
        lost = check((tmp_path / "trace").read_bytes().splitlines())
        assert harness.lost_in_summary(one.stderr()) == lost > 100


@pytest.mark.parametrize("options", [[], ["-f"]], ids=["pid", "follow"])
@pytest.mark.parametrize("when", ["attach", "detach", "both"])
def test_stopped_target(when, options, target, tmp_path):
    """It need not run for a hook to come or go, and is not set going; later it runs as before."""
    if when != "detach":
        os.kill(target.pid, signal.SIGSTOP)
    with run(target, tmp_path / "trace", *options) as one:
        if when == "attach":
            os.kill(target.pid, signal.SIGCONT)
            harness.wait_for("its calls", lambda: (tmp_path / "trace").stat().st_size)
        else:
            os.kill(target.pid, signal.SIGSTOP)
        assert one.end() == 0, one.stderr()
    assert harness.state(target.pid) == ("R" if when == "attach" else "T")
    os.kill(target.pid, signal.SIGCONT)
    check((tmp_path / "trace").read_bytes().splitlines())


def interrupted(tracer, target):
    """It has ended at once, in order, and says what it did not do; it leaves nothing."""
    began = time.monotonic()
    assert tracer.stop() == 0, tracer.stderr()
    assert time.monotonic() - began < harness.promised(GONE_S)
    assert target.free()
    if "attached after" not in tracer.stderr():
        assert "interrupted before it was attached" in tracer.stderr()
        assert not tracer.events()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_signal_while_it_loads(number, target, tmp_path):
    """No hook comes any more."""
    with harness.Tracer(tmp_path, "-P", "__main__", "-p", target.pid) as tracer:
        tracer.stop_while_it_loads()
        tracer.process.send_signal(number)
        tracer.process.send_signal(signal.SIGCONT)
        assert tracer.wait(harness.promised(GONE_S)) == 0, tracer.stderr()
        assert "interrupted before it was attached" in tracer.stderr()
        assert not tracer.events() and target.free()


@pytest.mark.parametrize("options", [[], ["-f"]], ids=["pid", "follow"])
def test_signal_while_attaching(options, target, tmp_path):
    """Whenever it comes: between two programs, between two hooks, behind the last."""
    for n in range(8):
        with harness.Tracer(tmp_path, *options, "-P", "__main__", "-p", target.pid) as tracer:
            harness.wait_for("signals are its own", lambda: blocks(tracer.process.pid, signal.SIGINT),
                             pause=0)
            time.sleep(n * 0.07)
            interrupted(tracer, target)
        tracer.output.unlink(missing_ok=True)


def test_signal_before_a_command(tmp_path):
    """The command is not run."""
    with harness.Tracer(tmp_path, "-P", "__main__", "--", "/usr/bin/touch",
                        tmp_path / "ran") as tracer:
        tracer.stop_while_it_loads()
        tracer.process.send_signal(signal.SIGINT)
        tracer.process.send_signal(signal.SIGCONT)
        assert tracer.wait(harness.promised(GONE_S)) == 0, tracer.stderr()
        assert "interrupted before it was attached" in tracer.stderr()
    assert not (tmp_path / "ran").exists()


# What it does shows by pipes: a file that is written again and again waits for the disk.
ANSWERS = "echo $$; while read word; do echo $word; done; exit 5"


def test_command_is_stopped(tmp_path):
    """As by the ^Z of a shell, while it is held: it stays so until it is continued."""
    process = harness.start([harness.TRACER, "-q", "--", "sh", "-c", ANSWERS], cwd=tmp_path,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def answers(timeout_s):
        return select.select([process.stdout], [], [], timeout_s)[0]
    try:
        assert answers(30)
        pid = int(process.stdout.readline())
        os.kill(pid, signal.SIGSTOP)
        harness.wait_for("its stop", lambda: harness.state(pid) in "tT")
        process.stdin.write("word\n")
        assert not answers(0.3) and harness.state(pid) in "tT"
        os.kill(pid, signal.SIGCONT)
        assert answers(30) and process.stdout.readline() == "word\n"
        process.stdin.close()
        assert process.wait(timeout=harness.PATIENCE) == 5
    finally:
        harness.kill_session(process)


def blocks(pid, number):
    """Does it wait for that signal in its own way?"""
    with open("/proc/%d/status" % pid) as status:
        blocked = int(re.search(r"SigBlk:\s+(\w+)", status.read())[1], 16)
    return blocked >> (number - 1) & 1


def test_hangup_before_ready(target, tmp_path):
    """It neither kills nor is in the way."""
    with contextlib.ExitStack() as stack:
        one = Run(target, tmp_path / "trace")
        stack.callback(harness.kill_session, one.process)
        harness.wait_for("signals are its own", lambda: blocks(one.process.pid, signal.SIGHUP),
                         pause=0)
        for _ in range(10):
            time.sleep(0.02)
            one.process.send_signal(signal.SIGHUP)
        one.attached()
        harness.wait_for("its lines", lambda: (tmp_path / "trace").stat().st_size)
        assert one.end() == 0, one.stderr()


# A shell that starts a command in the foreground and hands a SIGHUP on, as an interactive one does.
SHELL = """
import os, signal, subprocess, sys
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
command = subprocess.Popen(sys.argv[1:])
signal.signal(signal.SIGHUP, lambda *_: command.send_signal(signal.SIGHUP))
sys.exit(command.wait())
"""


def reopens(pid, output):
    """kill -HUP: a new file, and it goes on."""
    output.rename(output.with_name("moved"))
    os.kill(pid, signal.SIGHUP)
    harness.wait_for("a new file", output.exists)


@pytest.mark.parametrize("when", ["loads", "traces"])
@pytest.mark.parametrize("how", ["exec", "shell", "nohup"])
def test_terminal_goes(how, when, target, tmp_path):
    """A hang-up detaches, whoever tells of it; kill -HUP before it reopens. nohup stays."""
    master, slave = pty.openpty()
    before = {"exec": [harness.PYTHON, "-c", "import os, sys, fcntl, termios\n"
                       "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\nos.execv(sys.argv[1], sys.argv[1:])"],
              "shell": [harness.PYTHON, "-c", SHELL],
              "nohup": [harness.PYTHON, "-c", SHELL, "nohup"]}[how]
    process = harness.start([*before, harness.TRACER, "-P", "__main__", "-p", target.pid, "-o",
                             tmp_path / "trace"], stdin=slave, stdout=slave, stderr=slave,
                            cwd=tmp_path)
    os.close(slave)
    over = threading.Event()
    drop = threading.Thread(target=read_all, args=[master, over])
    drop.start()
    try:
        pid = harness.wait_for("the collector", lambda: collector_of(process.pid), pause=0)
        harness.wait_for("signals are its own", lambda: blocks(pid, signal.SIGHUP), pause=0)
        if when == "traces":
            harness.wait_for("probes", lambda: not target.free())
            if how != "nohup":
                reopens(pid, tmp_path / "trace")
            assert not target.free()
        over.set()
        drop.join()
        if how == "nohup":
            harness.wait_for("probes", lambda: not target.free())
            time.sleep(1)
            assert not target.free()
            os.kill(pid, signal.SIGINT)
        harness.wait_for("probes gone", target.free, harness.promised(3))
        harness.wait_for("the end", lambda: collector_of(process.pid) is None,
                         harness.promised(3))
    finally:
        harness.kill_session(process)
        over.set()
        drop.join()
    check([line for name in ("moved", "trace") if (tmp_path / name).exists()
           for line in (tmp_path / name).read_bytes().splitlines()])


def read_all(master, over):
    """What comes from a terminal, until it is over; closes it. Who closes a descriptor that another
    thread reads has that thread read the next file of that number."""
    try:
        while not over.is_set():
            if select.select([master], [], [], 0.1)[0]:
                os.read(master, 65536)
    except OSError:  # no process has it open any more
        over.wait()
    finally:
        os.close(master)


def collector_of(session):
    """The pid of the collector in a session."""
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):  # it has ended meanwhile
            if os.getsid(int(name)) == session:
                with open("/proc/%s/stat" % name) as stat:
                    comm, rest = stat.read().split("(", 1)[1].rsplit(")", 1)
                if comm == "flowtrace-bpf" and rest.split()[0] != "Z":
                    return int(name)
    return None
