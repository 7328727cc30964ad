# SPDX-License-Identifier: MIT
"""container and k8s: a traced process in a cgroup like those that a kubelet makes."""
import collections
import contextlib
import json
import signal
import subprocess
import uuid
from pathlib import Path

import event_schema
import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]

MOUNTS = [Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup")]

# Calls hello() for each line, and then as the line says: in a child, or in one that runs a program.
PROGRAM = """
import os, subprocess, sys
def hello(who):
    return who
def child():
    pid = os.fork()
    if not pid:
        hello("child")
        os._exit(0)
    os.waitpid(pid, 0)
def other():
    subprocess.run([sys.executable, __file__, "once"], check=True)
if sys.argv[1:] == ["once"]:
    hello("other")
    sys.exit()
print("ready", flush=True)
for line in sys.stdin:
    hello("main")
    {"child": child, "other": other}.get(line.strip(), int)()
    print("done", flush=True)
"""


class Pod:
    """The cgroups of a pod with one container."""

    def __init__(self, mount):
        self.uid = str(uuid.uuid4())
        self.container = uuid.uuid4().hex * 2
        self.folder = mount / ("kubepods-test-pod%s.slice" % self.uid.replace("-", "_"))
        self.cgroup = self.folder / ("cri-containerd-%s.scope" % self.container)

    def add(self, pid):
        (self.cgroup / "cgroup.procs").write_text(str(pid))


@contextlib.contextmanager
def pod():
    for mount in MOUNTS:
        one = Pod(mount)
        with contextlib.suppress(OSError):
            if (mount / "cgroup.procs").exists():
                one.folder.mkdir()
                one.cgroup.mkdir()
                break
    else:
        pytest.skip("no cgroup can be made under " + ", ".join(map(str, MOUNTS)))
    try:
        yield one
    finally:
        for folder in (one.cgroup, one.folder):
            harness.wait_for("the cgroup is empty", lambda f=folder: removed(f))


def removed(folder):
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not folder.exists()


@contextlib.contextmanager
def program(path, where=None):
    script = path / "program.py"
    script.write_text(PROGRAM)
    process = harness.start([harness.own_python(), script], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        if where:
            where.add(process.pid)
        yield process
    finally:
        harness.kill_session(process)


def say(process, line=""):
    process.stdin.write(line + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


def calls(tracer):
    """{who: the fields of its ENTER that say where it runs}, of which EXIT has the same."""
    found = {}
    for event in tracer.events():
        event_schema.check(json.dumps(event))
        if event.get("function") == "hello" and event["event"] == "EXIT":
            found[json.loads(event["result"])] = fields(event)
    return found


@contextlib.contextmanager
def logs(path, one, *containers):
    """/var/log as a kubelet fills it: (what the collector is run by to see it, the folder)."""
    folder = path / "log"
    (folder / "pods" / ("prod_shop-7d4b9_" + one.uid)).mkdir(parents=True)
    (folder / "pods" / ("other_shop-7d4b9_" + str(uuid.uuid4()))).mkdir()
    (folder / "containers").mkdir()
    for name in containers:
        (folder / "pods" / ("prod_shop-7d4b9_" + one.uid) / name).mkdir()
        identity = one.container if name == "web" else uuid.uuid4().hex * 2
        link = "shop-7d4b9_prod_%s-%s.log" % (name, identity)
        (folder / "containers" / link).symlink_to("/var/log/nothing")
    yield ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /var/log && exec "$@"', folder]


def fields(event):
    return {name: event[name] for name in ("container", "k8s") if name in event}


def is_of(found, one):
    return found["container"] == one.container and found["k8s"]["uid"] == one.uid


def test_a_process_in_a_pod_and_one_that_is_not(tmp_path):
    with pod() as one, program(tmp_path, one) as inside, program(tmp_path) as outside:
        with harness.Tracer(tmp_path, "--prefix", "__main__", "--pid",
                            "%d,%d" % (inside.pid, outside.pid)) as tracer:
            tracer.attached()
            for _ in range(3):
                say(inside)
                say(outside)
            assert tracer.stop() == 0
        events = [event for event in tracer.events() if "span" in event]
        assert len(events) == 12
        for event in events:
            event_schema.check(json.dumps(event))
            if event["pid"] == inside.pid:
                assert is_of(fields(event), one)
            else:
                assert not fields(event)


def test_children_with_and_without_a_program_of_their_own(tmp_path):
    with pod() as one, program(tmp_path, one) as process:
        with harness.Tracer(tmp_path, "--follow", "--prefix", "__main__", "--pid",
                            str(process.pid)) as tracer:
            tracer.attached()
            say(process, "child")
            say(process, "other")
            say(process)
            assert tracer.stop() == 0
        found = calls(tracer)
        assert set(found) == {"main", "child", "other"}
        assert all(is_of(where, one) for where in found.values()), found


def test_a_command_that_joins_its_container_before_it_is_python(tmp_path):
    """As a container's runtime does; what it starts outside again is not there."""
    with pod() as one:
        script = tmp_path / "program.py"
        script.write_text(PROGRAM)
        shell = 'echo $$ >"$1"; "$2" "$3" once; echo $$ >"$4"; exec "$2" "$3" once'
        with harness.Tracer(tmp_path, "--prefix", "__main__", "--", "/bin/sh", "-c", shell, "sh",
                            one.cgroup / "cgroup.procs", harness.own_python(), script,
                            one.folder.parent / "cgroup.procs") as tracer:
            assert tracer.wait() == 0, tracer.stderr()
        where = [fields(e) for e in tracer.events() if e.get("function") == "hello"]
        assert len(where) == 4
        assert is_of(where[0], one) and where[1] == where[0]
        assert where[2:] == [{}, {}]


def k8s_of(tmp_path, one, *options, before=(), env=None):
    """Of the calls of one process in the pod; and what was said."""
    with program(tmp_path, one) as process:
        with harness.Tracer(tmp_path, "--prefix", "__main__", "--pid", str(process.pid), *options,
                            before=before, env=env and harness.environment(**env)) as tracer:
            tracer.attached()
            say(process)
            assert tracer.stop() == 0
    found = [fields(event_schema.check(json.dumps(event))) for event in tracer.events()[-2:]]
    assert len(found) == 2 and found[0] == found[1]
    return found[0], tracer.stderr()


@pytest.mark.parametrize("containers", [["web"], ["web", "proxy"]], ids=len)
def test_names_from_the_logs_of_a_kubelet(tmp_path, containers):
    with pod() as one, logs(tmp_path, one, *containers) as before:
        found, said = k8s_of(tmp_path, one, before=before, env={"NODE_NAME": "node-7"})
        assert found == {"container": one.container, "k8s": {
            "namespace": "prod", "pod": "shop-7d4b9", "uid": one.uid, "container": "web",
            "node": "node-7"}}
        assert "names of pods" not in said


def test_without_logs_there_are_ids_and_one_note(tmp_path):
    (tmp_path / "log").mkdir()
    empty = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /var/log && exec "$@"',
             tmp_path / "log"]
    with pod() as one:
        found, said = k8s_of(tmp_path, one, before=empty)
        assert is_of(found, one) and set(found["k8s"]) == {"uid", "node"}
        assert said.count("names of pods are not known: there is no /var/log/pods") == 1


def test_names_from_the_environment_of_a_sidecar(tmp_path):
    with pod() as one:
        own = {"POD_NAMESPACE": "prod", "POD_NAME": "shop", "POD_UID": one.uid, "NODE_NAME": "n"}
        found, said = k8s_of(tmp_path, one, "--metadata", "env", env=own)
        assert found["k8s"] == {"namespace": "prod", "pod": "shop", "uid": one.uid, "node": "n"}
        assert "names of pods" not in said
        other = dict(own, POD_UID=str(uuid.uuid4()))
        found, said = k8s_of(tmp_path, one, "--metadata", "env", env=other)
        assert found["k8s"] == {"uid": one.uid, "node": "n"}, "another pod's"


def test_none_is_asked_for(tmp_path):
    with pod() as one:
        assert k8s_of(tmp_path, one, "--metadata", "none")[0] == {}


def test_all_knows_a_new_process_from_its_first_call(tmp_path):
    """Its interpreter is hooked, so it is traced before anything is known of it: from the first that
    the interpreter itself does."""
    with pod() as one, program(tmp_path) as process:
        with harness.Tracer(tmp_path, "--all", "--prefix", "encodings,__main__",
                            "--no-args", "--no-result") as tracer:
            tracer.attached()
            shell = 'echo $$ >"$1"; exec "$2" "$3" once'
            for _ in range(5):
                harness.run(["sh", "-c", shell, "sh", one.cgroup / "cgroup.procs",
                             harness.own_python(), tmp_path / "program.py"], check=0)
            say(process, "other")
            say(process, "child")
            assert tracer.stop() == 0
        calls_of = collections.defaultdict(list)
        for event in tracer.events():
            if "span" in event:
                calls_of[event["pid"]].append(event)
        inside = [them for them in calls_of.values() if fields(them[-1]).get("container")
                  == one.container]
        assert len(inside) == 5
        for them in inside:
            assert len(them) > 4 and all(is_of(fields(event), one) for event in them if fields(event))
            assert [event["function"] for event in them if not fields(event)] == []
        assert not fields(calls_of[process.pid][-1])


def test_a_recording_has_it(tmp_path):
    with pod() as one, program(tmp_path, one) as process:
        with harness.Tracer(tmp_path, "--prefix", "__main__", "--record", tmp_path / "r", "--pid",
                            str(process.pid)) as tracer:
            tracer.attached()
            say(process)
            assert tracer.stop(signal.SIGINT) == 0
    _, lines, _ = harness.run([harness.TRACER, "--replay", tmp_path / "r", "-o", "-"], check=0)
    again = [fields(json.loads(line)) for line in lines.splitlines()]
    assert again == [fields(event) for event in tracer.events()]
    assert again and all(is_of(where, one) for where in again)
