# SPDX-License-Identifier: MIT
"""--list: the Python processes of this machine, and what would be done with each."""
import json
import os
import subprocess

import harness
import pytest
import test_containers as containers
from test_check import SLEEP, sleeping

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def listed(*options, before=()):
    """{pid: what is said of it}."""
    _, out, errors = harness.run([*before, harness.TRACER, "--list", "--json", *options], check=0)
    assert not errors
    found = [json.loads(line) for line in out.splitlines()]
    assert [one["pid"] for one in found] == sorted({one["pid"] for one in found})
    return {one["pid"]: one for one in found}


def test_every_interpreter(space):
    interpreter = space.interpreter
    with sleeping(*interpreter.argv("-c", SLEEP)) as pid:
        one = listed()[pid]
    assert one["version"] == interpreter.version()
    assert (one["traceable"], one["status"], one["reason"]) == (True, 0, None)
    assert (one["uid"], one["user"]) == (os.geteuid(), "root")
    assert SLEEP in one["command"] and "chosen" not in one


def test_what_is_not_python_and_what_is_another(tmp_path):
    with sleeping("sh", "-c", "echo ready; exec sleep 60") as other:
        assert other not in listed()
    with sleeping("pypy3", "-c", SLEEP) as pypy:
        one = listed()[pypy]
        _, table, _ = harness.run([harness.TRACER, "--list"], check=0)
    assert (one["traceable"], one["status"], one["version"]) == (False, 6, None)
    assert "pypy" in one["reason"]
    lines = table.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("%d " % pypy))
    assert lines[at].split()[2:4] == ["?", "no"] and lines[at + 1].strip() == one["reason"]


def test_without_root():
    with sleeping(harness.own_python(), "-c", SLEEP) as ours:
        with sleeping(harness.PYTHON, "-c", SLEEP) as named:
            found = listed(before=NOBODY)
            assert found[named]["traceable"] is None
            assert found[named]["reason"] == "unknown without root"
            _, table, _ = harness.run([*NOBODY, harness.TRACER, "--list"], check=0)
    assert "unknown without root" in table
    assert found[ours]["version"] is None


def test_a_command_that_would_be_more_than_a_line():
    with sleeping(harness.own_python(), "-c", SLEEP, "a\nb\x1b[2J", "\udcff") as pid:
        assert "a\nb\x1b[2J \ufffd" in listed()[pid]["command"]
        _, table, _ = harness.run([harness.TRACER, "--list"], check=0)
    [line] = [line for line in table.split("\n") if line.startswith("%d " % pid)]
    assert "a\\nb" in line


def test_what_would_be_chosen(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"all": True, "rules": [
        {"namespace": "other"}, {"namespace": "prod", "container": "web"}]}))
    with containers.pod() as one, containers.logs(tmp_path, one, "web") as before, \
            containers.program(tmp_path, one) as inside, containers.program(tmp_path) as outside:
        found = listed("-c", file, before=before)
        assert found[inside.pid]["k8s"] == {"namespace": "prod", "pod": "shop-7d4b9",
                                            "uid": one.uid, "container": "web"}
        assert found[inside.pid]["container"] == one.container
        assert (found[inside.pid]["chosen"], found[inside.pid]["rule"]) == (True, 1)
        assert (found[outside.pid]["chosen"], found[outside.pid]["rule"]) == (True, None)
        found = listed("-c", file, "--namespace", "prod", before=before)
        assert found[inside.pid]["chosen"] and not found[outside.pid]["chosen"]
        _, table, _ = harness.run([*before, harness.TRACER, "--list", "-c", file], check=0)
        assert table.splitlines()[0].split() == ["PID", "USER", "PYTHON", "TRACEABLE", "CHOSEN",
                                                 "CONTAINER", "COMMAND"]
        [line] = [line for line in table.splitlines() if line.startswith("%d " % inside.pid)]
        assert line.split()[4:6] == ["rules[1]", "prod/shop-7d4b9/web"]


@pytest.mark.parametrize("options", [["--pid", "1"], ["--", "true"], ["--check"]])
def test_with_what_it_makes_no_sense(options):
    harness.refused(2, "--list", *options, says=["--list"])
