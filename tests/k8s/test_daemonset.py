# SPDX-License-Identifier: MIT
"""The DaemonSet of deploy/base on a node: ready, it sees every call of another namespace's pods, and
when it is killed the application keeps serving."""
import contextlib
import json
import os
import signal

import cluster
import pytest
import test_manifests as manifests

REQUESTS = 50
# CAP_SYS_PTRACE, CAP_PERFMON, CAP_BPF
CAPABILITIES = 1 << 19 | 1 << 38 | 1 << 39


def settings_for(pids):
    """The settings of the ConfigMap, as far as this build has them, for the shops of one namespace."""
    config = json.loads(manifests.kind(manifests.base(), "ConfigMap")["data"]["flowtrace.json"])
    config = {name: value for name, value in config.items() if name in cluster.known_options()}
    del config["exclude-namespace"]
    config["prefix"] = ["shop"]
    if cluster.can_trace_all():
        return {**config, "namespace": ["shop-a"]}
    del config["all"]
    return {**config, "pid": pids}


def objects_for(pids):
    objects = manifests.base()
    manifests.kind(objects, "ConfigMap")["data"]["flowtrace.json"] = json.dumps(settings_for(pids))
    container = manifests.tracer_of(manifests.daemonset_pod(objects))
    container["imagePullPolicy"] = "Never"
    if "metrics" not in cluster.known_options():
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            del container[name]
    return objects


def tracers():
    return cluster.get("-n", "flowtrace", "pods")["items"]


def log():
    return cluster.kubectl("-n", "flowtrace", "logs", "daemonset/flowtrace", check=False).stdout


def attached():
    return "attached" in log()


@contextlib.contextmanager
def running(shops):
    """Its pod, once that is attached. It begins a trace: one that is long is rotated at some time."""
    for trace in cluster.TRACES.glob("trace.jsonl*"):
        trace.unlink()
    objects = objects_for([cluster.pid_of(pod, "app") for pod in shops["shop-a"]])
    cluster.apply([one for one in objects if one["kind"] == "Namespace"])
    cluster.apply([one for one in objects if one["kind"] not in ("Namespace", "DaemonSet")])
    cluster.apply([manifests.kind(objects, "DaemonSet")])
    try:
        cluster.kubectl("-n", "flowtrace", "rollout", "status", "daemonset/flowtrace", "--timeout=100s")
        cluster.until(attached, 30)
        yield cluster.until(lambda: [pod for pod in tracers() if cluster.ready(pod)])[0]
    finally:
        cluster.kubectl("-n", "flowtrace", "delete", "daemonset", "flowtrace")
        # The cluster's own clean-up may be late after the API was away; two of them write to one trace.
        cluster.kubectl("-n", "flowtrace", "delete", "pods", "--all", "--timeout=60s", timeout=90)


@pytest.fixture(name="daemonset", scope="module")
def start(shops):
    with running(shops) as pod:
        yield pod


def ask(pod, number=REQUESTS):
    """Makes requests, one after the other; all of them are answered."""
    cluster.inside("curl", "-sS", "--fail", "-o", "/dev/null",
                   "http://%s:8000/products/tea?n=[1-%d]" % (pod["status"]["podIP"], number))


def handled(pod):
    """The calls of the handler in the trace."""
    pid = cluster.pid_of(pod, "app")
    return [e for e in cluster.events_in(cluster.TRACES / "trace.jsonl")
            if e["event"] == "ENTER" and e["function"] == "show_product" and e["pid"] == pid]


def test_ready_with_three_capabilities(daemonset):
    assert daemonset["status"]["containerStatuses"][0]["restartCount"] == 0
    with open("/proc/%d/status" % cluster.pid_of(daemonset, "flowtrace"), encoding="ascii") as status:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
    assert int(fields["CapEff"], 16) == CAPABILITIES
    assert (fields["Seccomp"], fields["NoNewPrivs"]) == ("2", "1")


def test_every_request_is_seen(daemonset, shops):
    for pod in shops["shop-a"]:
        before = len(handled(pod))
        ask(pod)
        cluster.until(lambda pod=pod, before=before: len(handled(pod)) >= before + REQUESTS, 20)
        assert len(handled(pod)) == before + REQUESTS


def test_nothing_of_the_other_namespace(daemonset, shops):
    if not cluster.can_select():
        pytest.skip("this build does not choose by --namespace yet")
    ask(shops["shop-b"][0])
    before = len(handled(shops["shop-a"][0]))
    ask(shops["shop-a"][0], 1)
    cluster.until(lambda: len(handled(shops["shop-a"][0])) > before, 20)
    assert not handled(shops["shop-b"][0])


def test_lines_say_which_pod(daemonset, shops):
    for pod in shops["shop-a"]:
        ask(pod, 1)
        event = cluster.until(lambda pod=pod: handled(pod), 20)[-1]
        assert event["k8s"] == {"namespace": "shop-a", "pod": pod["metadata"]["name"], "container": "app",
                                "uid": pod["metadata"]["uid"], "node": "node0",
                                "owner_kind": "Deployment", "owner": "shop"}
        assert event["service"] == "shop" and "metadata" not in event
        assert pod["status"]["containerStatuses"][0]["containerID"].endswith("/" + event["container"])


def test_trace_is_read_in_the_pod(daemonset, shops):
    """With the flowctl of the image."""
    ask(shops["shop-a"][0], 1)
    cluster.until(lambda: handled(shops["shop-a"][0]))
    done = cluster.kubectl("-n", "flowtrace", "exec", daemonset["metadata"]["name"], "--", "flowctl",
                           "stats", "/var/lib/flowtrace/trace.jsonl")
    assert "show_product" in done.stdout


def test_killed_tracer_leaves_the_application_serving(daemonset, shops):
    """It comes back by itself, and traces again."""
    pod = shops["shop-a"][0]
    os.kill(cluster.pid_of(daemonset, "flowtrace"), signal.SIGKILL)
    ask(pod)
    cluster.until(lambda: tracers()[0]["status"]["containerStatuses"][0]["restartCount"] == 1 and
                  cluster.ready(tracers()[0]) and attached())
    before = len(handled(pod))
    ask(pod)
    cluster.until(lambda: len(handled(pod)) >= before + REQUESTS, 20)


def test_pod_that_is_made_again_is_traced_under_its_new_name(daemonset, shops):
    """The same application in a new container: from its first request on."""
    old = shops["shop-a"].pop()
    cluster.kubectl("-n", "shop-a", "delete", "pod", old["metadata"]["name"])

    def new():
        known = {pod["metadata"]["uid"] for pod in [old, *shops["shop-a"]]}
        pods = cluster.get("-n", "shop-a", "pods")["items"]
        return [pod for pod in pods if pod["metadata"]["uid"] not in known and cluster.ready(pod)]

    pod, = cluster.until(new)
    shops["shop-a"].append(pod)
    ask(pod)
    cluster.until(lambda: len(handled(pod)) >= REQUESTS, 20)
    assert len(handled(pod)) == REQUESTS
    assert {(e["k8s"]["pod"], e["k8s"]["uid"]) for e in handled(pod)} == \
        {(pod["metadata"]["name"], pod["metadata"]["uid"])}
