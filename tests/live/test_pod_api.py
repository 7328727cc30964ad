# SPDX-License-Identifier: MIT
"""--metadata api: what an API server tells of pods is on the lines and chooses among processes; one
that answers wrongly, late or not at all costs names for a while, and no event."""
import contextlib
import json
import subprocess
import time

import api_server
import event_schema
import harness
import pytest
from test_containers import fields, pod, say

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
LABELS = {"app": "shop", "pod-template-hash": "7d4b9"}
OWNER = ("ReplicaSet", "shop-7d4b9")
MODULE = "pod_api_program"  # no other process of the machine has it
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
    subprocess.run([sys.executable, "-c", "import pod_api_program as p; p.hello(0)"], check=True)
def main():
    print("ready", flush=True)
    for line in sys.stdin:
        hello("main")
        {"child": child, "other": other}.get(line.strip(), int)()
        print("done", flush=True)
"""
NODE = {"K8S_NODE_NAME": api_server.NODE}


@pytest.fixture(name="api")
def an_api(tmp_path):
    folder = tmp_path / "api"
    folder.mkdir()
    with api_server.Api(folder) as api:
        yield api


@contextlib.contextmanager
def program(path, where=None):
    (path / (MODULE + ".py")).write_text(PROGRAM)
    process = harness.start([harness.own_python(), "-c", "import %s as p; p.main()" % MODULE], cwd=path,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        if where:
            where.add(process.pid)
        yield process
    finally:
        harness.kill_session(process)


def pod_of(one, **more):
    more = {"labels": LABELS, "owner": OWNER, "container": ("web", one.container), **more}
    return api_server.pod_of("shop-7d4b9-x2x", one.uid, **more)


def k8s(one):
    return {"namespace": "prod", "pod": "shop-7d4b9-x2x", "uid": one.uid, "container": "web",
            "node": api_server.NODE, "owner_kind": "Deployment", "owner": "shop"}


def tracer_of(path, api, *options, env=None):
    # The names of the log folders are those of another node.
    before = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /var/log && exec "$@"', "sh"]
    return harness.Tracer(path, "--prefix", MODULE, *api.options(), *options, before=before,
                          env=harness.environment(**NODE, **(env or {})))


def calls(tracer, pid=None):
    """The ENTER of hello(), checked."""
    found = [event_schema.check(json.dumps(event)) for event in tracer.events()]
    return [e for e in found if e["event"] == "ENTER" and e["function"] == "hello" and pid in (None, e["pid"])]


def wait_for_calls(tracer, number):
    harness.wait_for("%d calls" % number, lambda: len(calls(tracer)) >= number)
    return calls(tracer)


def begin(tracer, process):
    """With --all what runs already may be hooked a little later: from here on it is."""
    def seen():
        say(process)
        return calls(tracer, process.pid)
    harness.wait_for("a call", seen, timeout=30, pause=0.1)
    harness.wait_for("no more", lambda: len(calls(tracer)) == (time.sleep(0.5) or len(calls(tracer))))
    return len(calls(tracer, process.pid))


def test_owner_and_service(tmp_path, api):
    with pod() as one, program(tmp_path, one) as process:
        api.add(pod_of(one))
        with tracer_of(tmp_path, api, "--pid", str(process.pid)) as tracer:
            tracer.attached()
            say(process)
            assert tracer.stop() == 0
        event, = calls(tracer)
        assert fields(event) == {"container": one.container, "k8s": k8s(one)}
        assert event["service"] == "shop" and "metadata" not in event
        assert "not known" not in tracer.stderr()


def test_the_annotation_names_the_service(tmp_path, api):
    with pod() as one, program(tmp_path, one) as process:
        api.add(pod_of(one, annotations={"resource.opentelemetry.io/service.name": "till"}))
        with tracer_of(tmp_path, api, "--pid", str(process.pid)) as tracer:
            tracer.attached()
            say(process)
            assert tracer.stop() == 0
        assert [event["service"] for event in calls(tracer)] == ["till"]


def test_a_list_in_parts(tmp_path, api):
    api.part = 7
    for n in range(40):
        api.add(api_server.pod_of("p%d" % n, "uid-%d" % n))
    with pod() as one, program(tmp_path, one) as process:
        api.add(pod_of(one))
        with tracer_of(tmp_path, api, "--pid", str(process.pid)) as tracer:
            tracer.attached()
            say(process)
            assert tracer.stop() == 0
        assert fields(calls(tracer)[0])["k8s"] == k8s(one)
        assert api.kinds()[:6] == ["list"] * 6


def test_lines_wait_two_seconds_and_then_say_pending(tmp_path, api):
    with pod() as one, program(tmp_path, one) as process:
        with tracer_of(tmp_path, api, "--follow", "--pid", str(process.pid)) as tracer:
            harness.wait_for("a watch", lambda: "watch" in api.kinds())
            api.add(pod_of(one, container=None))  # known, so it may be traced; not what runs in it
            tracer.attached()
            say(process)
            began = time.monotonic()
            first, = wait_for_calls(tracer, 1)
            assert time.monotonic() - began < 4
            assert first["metadata"] == "pending" and "container" not in first["k8s"]
            api.change("MODIFIED", pod_of(one))

            def named():
                say(process)
                return "metadata" not in calls(tracer)[-1]
            harness.wait_for("the name of the container", named, pause=0.3)
            assert fields(calls(tracer)[-1])["k8s"] == k8s(one)
            say(process, "child")
            assert tracer.stop() == 0
        assert all(event.get("metadata") in (None, "pending") for event in calls(tracer))
        assert fields(calls(tracer)[-1])["k8s"] == k8s(one), "of the child"


def test_chosen_by_label_when_that_is_known(tmp_path, api):
    """Before, it is not traced: every call in the trace is of after that."""
    with pod() as one, pod() as two, program(tmp_path, one) as process, program(tmp_path, two) as other:
        api.add(pod_of(two, labels={"app": "till"}))
        with tracer_of(tmp_path, api, "--all", "--label", "app=sh*") as tracer:
            tracer.attached()
            say(process)
            say(other)
            api.add(pod_of(one))

            def seen():
                say(process)
                return calls(tracer)
            found = harness.wait_for("a call", seen, pause=0.1) or calls(tracer)
            before = len(found)
            say(process)
            say(other)
            harness.wait_for("one more", lambda: len(calls(tracer)) > before)
            assert tracer.stop() == 0
        assert {event["pid"] for event in calls(tracer)} == {process.pid}
        assert calls(tracer)[0]["k8s"] == k8s(one)


def test_a_pod_that_says_no_is_not_traced(tmp_path, api):
    with pod() as one, program(tmp_path, one) as process, program(tmp_path) as plain:
        api.add(pod_of(one, annotations={"flowtrace/trace": "false"}))
        with tracer_of(tmp_path, api, "--all") as tracer:
            tracer.attached()
            before = begin(tracer, plain)
            for _ in range(3):
                say(process)
                say(process, "other")
                say(plain)
            harness.wait_for("three calls", lambda: len(calls(tracer, plain.pid)) == before + 3)
            assert tracer.stop() == 0
        assert {event["pid"] for event in calls(tracer)} == {plain.pid}
        with tracer_of(tmp_path, api, "--pid", str(process.pid)) as tracer:
            assert tracer.wait() == 4
        assert 'flowtrace/trace: "false"' in tracer.stderr()


WRONG = {
    "500": [api_server.status(500)],
    "closes": [api_server.closes],
    "half": [api_server.half],
    "garbage": [api_server.garbage],
    "huge": [api_server.huge],
    "410": [api_server.status(410)],
    "too-old": [api_server.says_gone],
    "many": [api_server.status(503), api_server.closes, api_server.garbage],
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_answers_to_a_watch(tmp_path, api, wrong):
    """Pods that come after them are known."""
    with pod() as one, program(tmp_path, one) as process:
        api.add(pod_of(one, container=None))
        with tracer_of(tmp_path, api, "--follow", "--pid", str(process.pid)) as tracer:
            harness.wait_for("a watch", lambda: "watch" in api.kinds())
            tracer.attached()
            api.wrong += WRONG[wrong]
            api.tell("end")
            harness.wait_for("all wrong answers are had", lambda: not api.wrong, timeout=20)
            api.change("MODIFIED", pod_of(one))

            def named():
                say(process)
                found = calls(tracer)
                return found and fields(found[-1])["k8s"] == k8s(one)
            harness.wait_for("the name of the container", named, timeout=30, pause=0.3)
            assert tracer.stop() == 0
        assert not [e for e in tracer.events() if e["event"] == "LOST"]


@pytest.mark.parametrize("wrong", ["500", "closes", "garbage", "half", "410", "huge"])
def test_wrong_answers_to_the_first_list(tmp_path, api, wrong):
    """It traces without, says so once at most, and knows the pods later."""
    with pod() as one, program(tmp_path, one) as process:
        api.add(pod_of(one))
        api.wrong += WRONG[wrong]
        with tracer_of(tmp_path, api, "--follow", "--pid", str(process.pid)) as tracer:
            tracer.attached()

            def named():
                say(process)
                found = calls(tracer)
                return found and fields(found[-1])["k8s"] == k8s(one)
            harness.wait_for("names", named, timeout=20, pause=0.2)
            assert tracer.stop() == 0
        assert tracer.stderr().count("labels and owners of pods are not known") <= (wrong != "410")


def test_a_new_token(tmp_path, api):
    with pod() as one, program(tmp_path, one) as process:
        api.add(pod_of(one, container=None))
        with tracer_of(tmp_path, api, "--follow", "--pid", str(process.pid)) as tracer:
            harness.wait_for("a watch", lambda: "watch" in api.kinds())
            tracer.attached()
            api.token = "second"
            api.tell("end")
            count = len(api.kinds())
            harness.wait_for("it is refused", lambda: len(api.kinds()) > count)
            api.write_token("second")
            api.change("MODIFIED", pod_of(one))

            def named():
                say(process)
                found = calls(tracer)
                return found and fields(found[-1])["k8s"] == k8s(one)
            harness.wait_for("the name of the container", named, timeout=20, pause=0.3)
            assert tracer.stop() == 0


@pytest.mark.parametrize("why, says", [("token", "(401)"), ("account", "(403)"), ("server", "connect"),
                                       ("no-token", "token: No such file"), ("ca", "CA cert")])
def test_one_note_when_it_may_not_ask(tmp_path, api, why, says):
    """What the log folders and the cgroup tell is there all the same."""
    if why == "token":
        api.token = "another"
    elif why == "account":
        api.wrong += [api_server.status(403)] * 1000
    elif why == "server":
        api.down()
    elif why == "no-token":
        (api.folder / "token").unlink()
    else:
        (api.folder / "ca.crt").write_text((api.folder / "ca.crt").read_text()[:40])
    with pod() as one, program(tmp_path, one) as process:
        with tracer_of(tmp_path, api, "--pid", str(process.pid)) as tracer:
            tracer.attached()
            say(process)
            time.sleep(1.5)
            say(process)
            assert tracer.stop() == 0
        said = tracer.stderr()
        assert said.count("labels and owners of pods are not known (--metadata api)") == 1, said
        assert says in said
        assert [fields(e)["k8s"] for e in calls(tracer)] == [{"uid": one.uid, "node": api_server.NODE}] * 2
        assert not [e for e in calls(tracer) if "metadata" in e]
    if why == "server":
        api.up()


def test_a_server_that_hangs_is_not_waited_for(tmp_path, api):
    api.wrong += [api_server.hangs] * 20
    with program(tmp_path) as process:
        with tracer_of(tmp_path, api, "--pid", str(process.pid)) as tracer:
            began = time.monotonic()
            tracer.attached()
            say(process)
            harness.wait_for("a call", lambda: calls(tracer))
            assert time.monotonic() - began < 8
            began = time.monotonic()
            assert tracer.stop() == 0
            assert time.monotonic() - began < 5


def test_a_server_that_is_away(tmp_path, api):
    """What was known stays known, nothing is lost, and a pod that came meanwhile is known later."""
    with pod() as one, pod() as two, program(tmp_path, one) as process, program(tmp_path, two) as new:
        api.add(pod_of(one))
        with tracer_of(tmp_path, api, "--all", "--label", "app=shop") as tracer:
            harness.wait_for("a watch", lambda: "watch" in api.kinds())
            tracer.attached()
            before = begin(tracer, process)
            api.down()
            api.add(pod_of(two))
            for _ in range(30):
                say(process)
                say(process, "child")
                say(new)
                time.sleep(0.1)
            assert {e["pid"] for e in calls(tracer)} >= {process.pid}
            api.up()

            def seen():
                say(new)
                return new.pid in {e["pid"] for e in calls(tracer)}
            harness.wait_for("the other pod", seen, timeout=90, pause=0.3)
            assert tracer.stop() == 0
        assert len(calls(tracer, process.pid)) == before + 60
        assert {json.dumps(fields(e)["k8s"]) for e in calls(tracer) if e["pid"] != new.pid} == \
            {json.dumps(k8s(one))}
        assert not [e for e in tracer.events() if e["event"] == "LOST" and e["reason"] != "late"]
