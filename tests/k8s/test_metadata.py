# SPDX-License-Identifier: MIT
"""--metadata api on a cluster: labels choose, annotations of a pod are heeded, and while the API server
is away nothing is lost."""
import copy
import json
import time

import cluster
import conftest
import pytest
import test_daemonset as shared
import test_manifests as manifests

AWAY_S = 30
# A shop of each kind, in one namespace: labels and annotations of its pods.
KINDS = {
    "chosen": ({"tier": "web"}, {}),
    "other": ({"tier": "batch"}, {}),
    "silent": ({"tier": "web"}, {"flowtrace/trace": "false"}),
    "named": ({"tier": "web"}, {"resource.opentelemetry.io/service.name": "till"}),
}


def deployment(name):
    one = conftest.deployment("shop-b")
    labels, annotations = KINDS[name]
    one["metadata"].update(name=name, namespace="kinds")
    one["spec"].update(replicas=1, selector={"matchLabels": {"app": name}})
    one["spec"]["template"]["metadata"] = {"labels": {"app": name, **labels}, "annotations": annotations}
    return one


@pytest.fixture(name="kinds", scope="module")
def start_kinds(images):
    """{name: pod}, all of them ready."""
    cluster.make_namespaces("kinds")
    cluster.apply([deployment(name) for name in KINDS])

    def ready():
        pods = cluster.get("-n", "kinds", "pods")["items"]
        return len(pods) == len(KINDS) and all(map(cluster.ready, pods)) and pods

    yield {pod["metadata"]["labels"]["app"]: pod for pod in cluster.until(ready, 120)}
    cluster.kubectl("delete", "namespace", "kinds", "--wait=false")


@pytest.fixture(name="tracer", scope="module")
def start_tracer(kinds):
    """The DaemonSet, which chooses by a label."""
    objects = shared.objects_for([])
    config = manifests.kind(objects, "ConfigMap")
    settings = json.loads(config["data"]["flowtrace.json"])
    del settings["namespace"]
    assert settings["metadata"] == "api"
    config["data"]["flowtrace.json"] = json.dumps({**settings, "label": ["tier=w*"]})
    cluster.apply([one for one in objects if one["kind"] == "Namespace"])
    cluster.apply([one for one in objects if one["kind"] not in ("Namespace", "DaemonSet")])
    cluster.apply([copy.deepcopy(manifests.kind(objects, "DaemonSet"))])
    cluster.kubectl("-n", "flowtrace", "rollout", "status", "daemonset/flowtrace", "--timeout=60s")
    cluster.until(shared.attached, 30)
    assert "not known" not in shared.log()
    yield
    cluster.kubectl("-n", "flowtrace", "delete", "daemonset", "flowtrace")


def handled(pod):
    """The calls of the handler in the trace, which is long: no other line is read."""
    uid = pod["metadata"]["uid"].encode()
    with open(cluster.TRACES / "trace.jsonl", "rb") as trace:
        found = [json.loads(line) for line in trace
                 if b"show_product" in line and uid in line and line.endswith(b"\n")]
    return [event for event in found if event["event"] == "ENTER"]


def seen_of(pod, number=10):
    """Its calls, after that many requests."""
    before = len(handled(pod))
    shared.ask(pod, number)
    cluster.until(lambda: len(handled(pod)) >= before + number, 30)
    return handled(pod)


def test_labels_and_annotations(tracer, kinds):
    for name in ("other", "silent"):
        shared.ask(kinds[name], 10)
    for name, service in (("chosen", "chosen"), ("named", "till")):
        events = seen_of(kinds[name])
        assert {event["service"] for event in events} == {service}
        assert {(e["k8s"]["owner_kind"], e["k8s"]["owner"], e["k8s"]["container"]) for e in events} == \
            {("Deployment", name, "app")}
    assert not handled(kinds["other"]) and not handled(kinds["silent"])


def test_the_server_is_away(tracer, kinds):
    """It is killed, and begins again as it was; requests do not stop."""
    pod = kinds["chosen"]
    before, asked = len(handled(pod)), 0
    with cluster.away("apiserver"):
        end = time.monotonic() + AWAY_S
        while time.monotonic() < end:
            shared.ask(pod, 10)
            asked += 10
            time.sleep(0.2)
    events = seen_of(pod)
    assert len(events) == before + asked + 10
    assert {event["service"] for event in events} == {"chosen"}
    assert not [e for e in events if "metadata" in e]
