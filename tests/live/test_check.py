# SPDX-License-Identifier: MIT
"""--check: what is said of a process is what tracing it then does, and nothing is done to it."""
import contextlib
import json
import subprocess
from pathlib import Path

import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
SLEEP = "import time; print('ready', flush=True); time.sleep(60)"
NO_PROCESS, NOT_PERMITTED, PYTHON = 3, 4, 6


@contextlib.contextmanager
def sleeping(*command, env=None):
    """A process that has started."""
    process = harness.start(command, stdout=subprocess.PIPE, env=env)
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
    finally:
        process.stdout.close()
        harness.kill_session(process)


def check(pid, *options, before=()):
    """(status, the objects of --json, standard error)."""
    status, out, errors = harness.run([*before, harness.TRACER, "--check", "--json", "--pid",
                                       str(pid), *options])
    return status, [json.loads(line) for line in out.splitlines()], errors


def test_every_interpreter(space):
    """Version, backend and hooks; the target is as it was."""
    interpreter = space.interpreter
    with sleeping(*interpreter.argv("-c", SLEEP)) as pid:
        before = harness.text_of(pid)
        status, (said,), errors = check(pid, "--backend", interpreter.backend)
        assert (status, errors) == (0, "")
        # Others may begin or cease just then to trace the same file with --follow.
        harness.wait_for("no probe", lambda: harness.text_of(pid) == before
                         or harness.is_unhooked(pid))
        with harness.Tracer(space.path, "-v", "--backend", interpreter.backend, "--pid",
                            pid) as tracer:
            tracer.attached()
            assert tracer.stop() == 0
            assert "CPython 3.%d, %s, %d sites in %s\n" % (
                interpreter.minor(), said["backend"], len(said["hooks"]),
                said["python"]["binary"]) in tracer.stderr()
    python = said["python"]
    assert said["pid"] == pid and said["traceable"] and said["reason"] is None
    assert python["version"] == interpreter.version() and python["threads"] == 1
    assert python["link"] and python["jit"] in ("none", "off")
    said["features"].pop("uprobe_multi links")  # from 6.6 on
    assert all(said["features"].values()) and all(said["permissions"].values())
    assert any("try" in text for text in said["unseen"]) == (interpreter.minor() >= 13)


def test_for_people():
    """The same, to be read."""
    with sleeping(harness.PYTHON, "-c", SLEEP) as pid:
        status, out, errors = harness.run([harness.TRACER, "--check", "-p", str(pid)])
    assert (status, errors) == (0, "")
    words = {line[:13].strip(): line[13:] for line in out.splitlines()}
    assert words["process"] == str(pid) and words["traceable"] == "yes"
    assert words["python"].startswith("3.11.") and "executable" in words["python"]
    assert "RETURN_VALUE" in out and "emulated" in out and "CAP_SYS_ADMIN" in out
    assert "(null)" not in out


def refused(pid, status, says, before=()):
    """--check and tracing end with the same status and the same line."""
    got, (said,), errors = check(pid, before=before)
    assert got == status == said["status"] and not said["traceable"]
    assert says in said["reason"] and errors == "flowtrace-bpf: %s\n" % said["reason"]
    got, _, traced = harness.run([*before, harness.TRACER, "-o", "/dev/null", "--pid", str(pid)])
    assert (got, traced) == (status, errors)
    return said


def test_refusals():
    """No Python, no process."""
    refused(2 ** 22 - 1, NO_PROCESS, "no process")
    with sleeping("sh", "-c", "echo ready; sleep 60 & wait") as pid:
        refused(pid, NO_PROCESS, "runs no Python")


def test_unknown_release():
    """A Python that cannot be traced."""
    old = sorted(Path("~/.pyenv/versions").expanduser().glob("3.7.*/bin/python"))
    if not old:
        pytest.skip("no own build of 3.7")
    with sleeping(str(old[0]), "-c", SLEEP) as pid:
        said = refused(pid, PYTHON, "Python 3.7")
    assert said["python"]["version"].startswith("3.7") and said["hooks"] == []


def test_not_permitted():
    """Another user: what is missing is named, what is there too."""
    with sleeping(harness.PYTHON, "-c", SLEEP) as pid:
        said = refused(pid, NOT_PERMITTED, "not permitted", before=("setpriv", "--reuid", "nobody"))
    assert not any(said["permissions"].values()) and said["features"]["BTF"]


def test_several():
    """A line each; the first failure is the status."""
    with sleeping(harness.PYTHON, "-c", SLEEP) as pid:
        status, said, errors = check("%d,%d" % (2 ** 22 - 1, pid))
    assert status == NO_PROCESS and errors.count("\n") == 1
    assert [s["traceable"] for s in said] == [False, True]


def test_jit():
    """On, and what that hides."""
    for interpreter in harness.in_roots():
        if interpreter.python.endswith("3.14") and not interpreter.why_not():
            break
    else:
        pytest.skip("no Debian root with python3.14")
    for value, word in (("1", "on"), ("0", "off")):
        with sleeping(*interpreter.argv("-c", SLEEP),
                      env=harness.environment(PYTHON_JIT=value)) as pid:
            _, (said,), _ = check(pid)
        assert said["python"]["jit"] == word
        assert any("PYTHON_JIT is set" in text for text in said["unseen"]) == (word == "on")
