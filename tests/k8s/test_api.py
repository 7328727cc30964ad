# SPDX-License-Identifier: MIT
"""The manifests before a real API server: accepted as they are, refused with a field that it does not
know; and the account may do what the page says and no more."""
import copy

import chart
import cluster
import pytest
import test_manifests as manifests

ACCOUNT = "system:serviceaccount:flowtrace:flowtrace"
# A kind of OpenShift, which this API server does not have.
FOREIGN = {"SecurityContextConstraints"}
PODS = {"DaemonSet": lambda one: one["spec"]["template"]["spec"], "Pod": lambda one: one["spec"]}


@pytest.fixture(name="namespace", scope="module", autouse=True)
def make_namespace():
    cluster.apply([one for one in manifests.base() if one["kind"] == "Namespace"])
    cluster.apply([one for one in manifests.base() if one["kind"] not in ("Namespace", "DaemonSet")])


def all_objects():
    for folder in (manifests.DEPLOY / "base", *manifests.OVERLAYS):
        yield from (pytest.param(one, id="%s-%s" % (folder.name, one["kind"]))
                    for one in manifests.kustomized(folder) if one["kind"] not in FOREIGN)
    path = manifests.DEPLOY / "sidecar/pod.yaml"
    yield from (pytest.param(one, id="sidecar") for one in manifests.load(path.read_text()))


def dry_run(objects, namespace="flowtrace"):
    return cluster.apply(objects, "--dry-run=server", "-n", namespace, check=False)


@pytest.mark.parametrize("one", all_objects())
def test_accepted(one):
    done = dry_run([one])
    assert done.returncode == 0 and "(server dry run)" in done.stdout, done.stderr


@pytest.mark.parametrize("one", all_objects())
def test_wrong_field_is_refused(one):
    wrong = copy.deepcopy(one)
    find_pod = PODS.get(one["kind"])
    place = find_pod(wrong)["containers"][0]["securityContext"] if find_pod else wrong
    place["privilegedd"] = True
    done = dry_run([wrong])
    assert done.returncode != 0 and "privilegedd" in done.stderr


@pytest.mark.skipif(not chart.find_go(), reason="the chart's templates are Go's")
def test_chart_is_accepted(tmp_path):
    program = chart.build_renderer(tmp_path)
    more = {"extraCapabilities": ["SYS_ADMIN"], "seLinuxType": "spc_t", "hostPath": "",
            "podAnnotations": {"a": "b"}, "priorityClassName": "system-node-critical"}
    for own in ({}, more):
        objects = manifests.load(chart.render(program, own))
        assert len(objects) == 5
        done = dry_run(objects)
        assert done.stdout.count("(server dry run)") == 5, done.stderr


@pytest.mark.parametrize("verb, what, answer", [
    ("list", "pods", "yes"), ("watch", "pods", "yes"), ("get", "pods", "yes"),
    ("list", "secrets", "no"), ("delete", "pods", "no"), ("create", "pods", "no"),
    ("create", "pods/exec", "no"), ("list", "nodes", "no"), ("get", "configmaps", "no")])
def test_account_may(verb, what, answer):
    done = cluster.kubectl("auth", "can-i", verb, what, "--as", ACCOUNT, "--all-namespaces", check=False)
    assert done.stdout.strip() == answer
