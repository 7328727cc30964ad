# SPDX-License-Identifier: MIT
"""PID and mount namespaces: pids are shown as the collector sees them, files are found through
the target's own root."""
import json
import shutil
import subprocess

import harness
import pytest

UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
EVERYONE = ["main", "thread", "child", "child's thread"]
FAMILY = harness.TARGETS / "family.py"


def calls_of_who(path):
    """{name: (pid, tid as the collector sees them, pid, tid as the program sees them)}."""
    seen = {}
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "EXIT" and event["function"] == "who":
            pid, tid, name = json.loads(event["result"])
            seen[name] = (event["pid"], event["tid"], pid, tid)
    return seen


def assert_ids_agree(seen):
    """Everyone is there, under the ids that the program itself has."""
    assert list(seen) == EVERYONE
    assert all((pid, tid) == (own_pid, own_tid) for pid, tid, own_pid, own_tid in seen.values()), seen


# The target waits for its input's end until it is attached to.
ATTACHED = """
cd "$1" && mkfifo go || exit
$2 "$3" "$4" <go >said &
exec 9>go
until grep -q ready said; do sleep 0.02; done
"$5" -f -P __main__ -o trace.jsonl --pid $(pgrep -f -o "^$3 $4") 2>errors 9>&- &
until grep -q attached errors || ! kill -0 $!; do sleep 0.02; done
exec 9>&-
wait $! || { cat errors >&2; exit 1; }
"""


def attached(directory, before=""):
    """The collector as a PID namespace's first process has it, on what runs beside it."""
    harness.run([*UNSHARE, "sh", "-c", ATTACHED, "sh", directory, before, harness.PYTHON, FAMILY,
                 harness.TRACER], check=0)
    return calls_of_who(directory / "trace.jsonl")


@pytest.mark.live
def test_collector_in_a_pid_namespace_starts_it(tmp_path):
    """The namespace's own numbers, for threads and children too."""
    output = tmp_path / "trace.jsonl"
    harness.run([*UNSHARE, harness.TRACER, "-P", "__main__", "-o", output, "--", harness.PYTHON,
                 FAMILY], check=0)
    seen = calls_of_who(output)
    assert_ids_agree(seen)
    assert all(pid < 100 for pid, *_ in seen.values()), "not the namespace's numbers"


@pytest.mark.live
def test_collector_in_a_pid_namespace_attaches(tmp_path):
    """To a process that runs in the same namespace, with --follow."""
    assert_ids_agree(attached(tmp_path))


@pytest.mark.live
def test_target_in_a_namespace_below_the_collectors(tmp_path):
    """Both nested: the collector in one namespace, its target in another below it."""
    seen = attached(tmp_path, "unshare --pid --fork --mount-proc")
    assert list(seen) == EVERYONE
    pid, tid, own_pid, own_tid = seen["main"]
    assert (own_pid, own_tid) == (1, 1) and pid == tid > 1


@pytest.mark.live
def test_what_is_outside_cannot_be_seen(tmp_path):
    """A collector in a PID namespace does not know the pids outside."""
    target = harness.start([harness.PYTHON, FAMILY], stdin=subprocess.PIPE,
                           stdout=subprocess.DEVNULL)
    try:
        status, _, errors = harness.run([*UNSHARE, harness.TRACER, "-o", tmp_path / "trace.jsonl",
                                         "--pid", str(target.pid)])
    finally:
        harness.kill_session(target)
    assert status == 3 and "no process" in errors, errors


@pytest.mark.live
def test_target_in_a_container(space, tmp_path):
    """A target in PID and mount namespaces of its own, in another root: attached by the pid that
    the collector sees, which is the one in the trace."""
    shutil.copy(FAMILY, space.path)
    process = harness.start(
        ["unshare", "--mount", *UNSHARE[1:], *space.interpreter.argv(
            space.inside(space.path / "family.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        child = int(harness.run(["pgrep", "-P", str(process.pid)], check=0)[1])
        with harness.Tracer(tmp_path, "-f", "-P", "__main__", "--pid", child) as tracer:
            tracer.attached()
            process.stdin.close()
            assert tracer.wait() == 0, tracer.stderr()
            seen = calls_of_who(tracer.output)
            files = {event["file"] for event in tracer.events()}
    finally:
        harness.kill_session(process)
    assert list(seen) == EVERYONE
    pid, tid, own_pid, own_tid = seen["main"]
    assert (pid, tid, own_pid, own_tid) == (child, child, 1, 1)
    assert seen["thread"][0] == child and seen["child"][0] not in (child, 2)
    assert space.inside(space.path / "family.py") in files
