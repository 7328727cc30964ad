# SPDX-License-Identifier: MIT
"""The capabilities that tracing needs: with them it works, for other users than root too; of one that
is missing the name is said."""
import os
import pwd
import subprocess

import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
NOT_PERMITTED = 4
NEEDED = ("bpf", "perfmon", "sys_ptrace")
NOBODY = pwd.getpwnam("nobody").pw_uid
PROGRAM = """
import subprocess, sys
def parent(n):
    return n
sys.stdin.readline()
parent(1)
subprocess.run([sys.executable, "-c", "def child(n): return n\\nchild(2)"], check=True)
"""


def with_capabilities(names, user):
    """What a command is started by, to have these alone."""
    words = ",".join(["-all", *("+" + name for name in names)])
    command = ["setpriv", "--inh-caps=" + words, "--bounding-set=" + words]
    if user:
        command += ["--reuid=%d" % user, "--regid=%d" % user, "--clear-groups",
                    "--ambient-caps=" + words]
    return command


@pytest.fixture(name="target")
def start_target():
    """A program of root that waits for a line."""
    process = harness.start([harness.PYTHON, "-c", PROGRAM], stdin=subprocess.PIPE)
    yield process
    process.stdin.close()
    harness.kill_session(process)


def has_multi(pid):
    return "yes uprobe_multi" in harness.run([harness.TRACER, "--check", "-p", pid], check=0)[1]


@pytest.fixture(name="place")
def make_place(tmp_path):
    """A folder that others may reach and write to."""
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        os.chmod(folder, 0o755)
    place = tmp_path / "place"
    place.mkdir()
    place.chmod(0o777)
    return place


@pytest.mark.parametrize("user", [0, NOBODY], ids=["root", "nobody"])
def test_enough(user, target, place):
    """A process of root and its child."""
    names = NEEDED if has_multi(target.pid) else (*NEEDED, "sys_admin")
    with harness.Tracer(place, "-f", "-P", "__main__", "-p", target.pid,
                        before=with_capabilities(names, user)) as tracer:
        tracer.attached()
        target.stdin.write(b"\n")
        target.stdin.close()
        assert target.wait(20) == 0 and tracer.wait() == 0, tracer.stderr()
    assert [(e["function"], e["result"]) for e in tracer.events()
            if e["event"] == "EXIT" and e["function"] != "<module>"] == [("parent", "1"), ("child", "2")]


@pytest.mark.parametrize("user", [0, NOBODY], ids=["root", "nobody"])
@pytest.mark.parametrize("missing", NEEDED)
def test_one_is_missing(user, missing, target, place):
    before = with_capabilities([name for name in NEEDED if name != missing], user)
    status, _, errors = harness.run([*before, harness.TRACER, "-o", place / "trace", "-p", target.pid])
    assert status == NOT_PERMITTED and harness.lines_said(errors) == 1, errors
    assert "CAP_" + missing.upper() in errors
    assert not (place / "trace").exists()
