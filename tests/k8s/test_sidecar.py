# SPDX-License-Identifier: MIT
"""The pod of deploy/sidecar: both containers ready, and the tracer writes the application's calls."""
import cluster
import pytest
import test_manifests as manifests

REQUESTS = 20
TRACE = "volumes/kubernetes.io~empty-dir/traces/trace.jsonl"


def arguments_for(given, pid):
    """The options that this build has; without --all, of one process of the pod's namespace."""
    words = iter(given)
    for word in words:
        if word == "--all":
            yield from [word] if pid is None else ["--pid", str(pid)]
        else:
            value = next(words)
            yield from [word, value] if word[2:] in cluster.known_options() else []


def pod_for(pid):
    pod = manifests.kind(manifests.load((manifests.DEPLOY / "sidecar/pod.yaml").read_text()), "Pod")
    pod["spec"]["terminationGracePeriodSeconds"] = 1
    for container in pod["spec"]["containers"]:
        container["imagePullPolicy"] = "Never"
    tracer = manifests.tracer_of(pod["spec"])
    tracer["args"] = list(arguments_for(tracer["args"], pid))
    if "metrics" not in cluster.known_options():
        del tracer["readinessProbe"]
    return pod


def state():
    return cluster.get("-n", "sidecar", "pod", "shop")


def app_runs():
    pod = state()
    known = [s for s in pod["status"].get("containerStatuses", []) if s["name"] == "app"]
    return known and "running" in known[0]["state"] and pod


def start(pid):
    cluster.kubectl("-n", "sidecar", "delete", "pod", "shop", "--ignore-not-found")
    cluster.apply([pod_for(pid)], "-n", "sidecar")
    return cluster.until(app_runs)


def pid_inside(pod):
    with open("/proc/%d/status" % cluster.pid_of(pod, "app"), encoding="ascii") as status:
        return int([line for line in status if line.startswith("NSpid:")][0].split()[-1])


@pytest.fixture(name="pod", scope="module")
def start_pod(images):
    cluster.make_namespaces("sidecar")
    if cluster.can_trace_all():
        start(None)
    else:  # the pid is known once it ran, and is the same the next time
        pid = pid_inside(start(1))
        assert pid_inside(start(pid)) == pid
    cluster.until(lambda: cluster.ready(state()))
    cluster.until(lambda: "attached" in cluster.kubectl(
        "-n", "sidecar", "logs", "shop", "-c", "flowtrace", check=False).stdout, 30)
    yield state()
    cluster.kubectl("delete", "namespace", "sidecar", "--wait=false")


def test_calls_of_the_application(pod):
    url = "http://%s:8000/" % pod["status"]["podIP"]
    cluster.until(lambda: cluster.inside("curl", "-sS", url, check=False).returncode == 0)
    cluster.inside("curl", "-sS", "--fail", "-o", "/dev/null", url + "products/tea?n=[1-%d]" % REQUESTS)
    trace = cluster.RUN / "kubelet/pods" / pod["metadata"]["uid"] / TRACE

    def handled():
        return [e for e in cluster.events_in(trace)
                if e["event"] == "ENTER" and e["function"] == "show_product"]

    cluster.until(lambda: len(handled()) >= REQUESTS, 20)
    assert len(handled()) == REQUESTS and {e["module"] for e in handled()} == {"shop.app"}
    assert handled()[0]["k8s"]["pod"] == "shop" and handled()[0]["k8s"]["namespace"] == "sidecar"
    assert all(status["restartCount"] == 0 for status in state()["status"]["containerStatuses"])
