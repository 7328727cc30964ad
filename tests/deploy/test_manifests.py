# SPDX-License-Identifier: MIT
"""What deploy/ asks of a node: no more than is needed, the same in every form, and options that exist.
tests/k8s gives the same files to a real API server."""
import functools
import json
import re
import shutil
import subprocess
from pathlib import Path

import chart
import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
OVERLAYS = sorted(path.parent for path in DEPLOY.glob("overlays/*/kustomization.yaml"))
NEEDED = ["BPF", "PERFMON", "SYS_PTRACE"]
VERSION = re.search(r'__version__ = "([\d.]+)"',
                    (ROOT / "agent_ext/flowtrace_agent/_version.py").read_text()).group(1)


def load(text):
    return [one for one in yaml.safe_load_all(text) if one]


def path_of(target, pointer):
    """(what holds the last part of a JSON pointer, that part)"""
    *parts, last = pointer.strip("/").split("/")
    for part in parts:
        target = target[int(part)] if isinstance(target, list) else target[part]
    return target, last


def patched(one, patch):
    """RFC 6902, of which the overlays use `add`."""
    for operation in yaml.safe_load(patch):
        assert operation["op"] == "add"
        target, last = path_of(one, operation["path"])
        if last == "-":
            target.append(operation["value"])
        else:
            target[last] = operation["value"]


def kustomized(folder):
    """`kubectl kustomize`, of which deploy/ uses resources and patches."""
    settings = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert settings.keys() <= {"apiVersion", "kind", "resources", "patches"}
    found = []
    for name in settings["resources"]:
        path = folder / name
        found += kustomized(path) if path.is_dir() else load(path.read_text())
    for patch in settings.get("patches", []):
        target, = [one for one in found if one["kind"] == patch["target"]["kind"]]
        patched(target, patch["patch"])
    return found


def kind(objects, wanted):
    one, = [one for one in objects if one["kind"] == wanted]
    return one


def tracer_of(pod):
    one, = [c for c in pod["containers"] if c["name"] == "flowtrace"]
    return one


def daemonset_pod(objects):
    return kind(objects, "DaemonSet")["spec"]["template"]["spec"]


def sidecar():
    return kind(load((DEPLOY / "sidecar/pod.yaml").read_text()), "Pod")["spec"]


def base():
    return kustomized(DEPLOY / "base")


def key(one):
    return (one["kind"], one["metadata"]["name"])


@pytest.mark.parametrize("folder", [DEPLOY / "base", *OVERLAYS], ids=lambda p: p.name)
@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl renders them; there is none")
def test_kubectl_renders_the_same(folder):
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, timeout=60)
    if "unknown field" in done.stderr or "unknown command" in done.stderr:
        pytest.skip("this kubectl is older than 1.21")
    assert done.returncode == 0, done.stderr
    assert sorted(load(done.stdout), key=key) == sorted(kustomized(folder), key=key)


# ---- privileges -----------------------------------------------------------------------------------


@pytest.mark.parametrize("pod", [daemonset_pod(base()), sidecar()], ids=["daemonset", "sidecar"])
def test_privileges(pod):
    container = tracer_of(pod)
    security = container["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"], "add": NEEDED}
    assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
    assert not security.get("privileged") and not pod.get("hostNetwork") and not pod.get("hostIPC")
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert "memory" in container["resources"]["limits"]


def test_only_pods_are_asked_for():
    rules = kind(base(), "ClusterRole")["rules"]
    assert rules == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]


def test_every_capability_says_what_needs_it():
    for path in (DEPLOY / "base/daemonset.yaml", chart.CHART / "templates/daemonset.yaml"):
        said = re.findall(r"^ +# .+\n +- ([A-Z_]+)$", path.read_text(), re.M)
        assert said == NEEDED, path


def test_overlays_add_what_they_name():
    added = {folder.name: set(tracer_of(daemonset_pod(kustomized(folder)))["securityContext"]
                              ["capabilities"]["add"]) - set(NEEDED) for folder in OVERLAYS}
    assert added == {"kernels-before-6.6": {"SYS_ADMIN", "SYS_RESOURCE"}, "openshift": set(),
                     "private-files": {"DAC_READ_SEARCH"}}
    openshift = kustomized(DEPLOY / "overlays/openshift")
    assert tracer_of(daemonset_pod(openshift))["securityContext"]["seLinuxOptions"] == {"type": "spc_t"}
    constraints = kind(openshift, "SecurityContextConstraints")
    assert constraints["allowedCapabilities"] == NEEDED and not constraints["allowPrivilegedContainer"]


# ---- options --------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def options():
    table = (ROOT / "user/collector/config/table.c").read_text()
    return set(re.findall(r'^\t\{ \.name = "([a-z-]+)"', table, re.M))


def options_given():
    """(where, option)"""
    compose = yaml.safe_load((DEPLOY / "docker/compose.yaml").read_text())
    words = {"daemonset": tracer_of(daemonset_pod(base()))["args"],
             "sidecar": tracer_of(sidecar())["args"],
             "compose": compose["services"]["flowtrace"]["command"]}
    for where, arguments in words.items():
        yield from ((where, word[2:]) for word in arguments if word.startswith("--"))
    configs = {"configmap": json.loads(kind(base(), "ConfigMap")["data"]["flowtrace.json"]),
               "systemd": json.loads((DEPLOY / "systemd/flowtrace.json").read_text()),
               "chart": chart.values_with()["config"]}
    for where, config in configs.items():
        yield from ((where, name) for name in config)


def test_options_exist():
    given = list(options_given())
    assert len(given) > 15
    assert not [(where, option) for where, option in given if option not in options()]


def test_version():
    images = [tracer_of(pod)["image"] for pod in (daemonset_pod(base()), sidecar())]
    images.append(yaml.safe_load((DEPLOY / "docker/compose.yaml").read_text())
                  ["services"]["flowtrace"]["image"])
    assert set(images) == {"localhost/flowtrace-bpf:" + VERSION}
    meta = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())
    assert (meta["version"], meta["appVersion"]) == (VERSION, VERSION)


# ---- the chart ------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [
    {"imagge": {}}, {"image": {"repository": ""}}, {"image": {"pullPolicy": "Sometimes"}},
    {"extraCapabilities": ["ALL"]}, {"metricsPort": 80}, {"hostPath": "relative"},
    {"rbac": {"create": "yes"}}, {"podAnnotations": {"a": 1}}], ids=json.dumps)
def test_wrong_values_are_refused(wrong):
    chart.check(chart.values_with())
    with pytest.raises(jsonschema.ValidationError):
        chart.check(chart.values_with(wrong))


@pytest.fixture(name="renderer", scope="module")
def make_renderer(tmp_path_factory):
    if not chart.find_go():
        pytest.skip("the chart's templates are Go's: no go, and ./dev cluster has not fetched one")
    return chart.build_renderer(tmp_path_factory.mktemp("go"))


def without_instance(labels):
    return {name: value for name, value in labels.items() if name != "app.kubernetes.io/instance"}


def test_chart_is_the_base(renderer):
    """With the values that it comes with, but for what tells two releases apart."""
    ours, theirs = daemonset_pod(base()), daemonset_pod(load(chart.render(renderer)))
    assert theirs["containers"][0].pop("imagePullPolicy") == "IfNotPresent"
    assert theirs["containers"][0].pop("args")[2:] == ["--metrics", "0.0.0.0:9464"]
    ours["containers"][0].pop("args")
    assert theirs == ours
    ours, theirs = (kind(objects, "DaemonSet") for objects in (base(), load(chart.render(renderer))))
    labels = theirs["spec"]["template"]["metadata"]["labels"]
    assert theirs["spec"]["selector"]["matchLabels"] == labels
    assert without_instance(labels) == ours["spec"]["selector"]["matchLabels"]


def test_chart_has_what_is_asked_for(renderer):
    objects = load(chart.render(renderer, {
        "image": {"repository": "registry.example/ft", "tag": "9"}, "extraCapabilities": ["SYS_ADMIN"],
        "seLinuxType": "spc_t", "rbac": {"create": False}, "hostPath": "", "metricsPort": 9999,
        "config": {"prefix": ["shop", 'quote"d']}, "nodeSelector": {"disk": "ssd"},
        "podAnnotations": {"a/b": "yes: no"}}, release="two", namespace="other"))
    assert {one["kind"] for one in objects} == {"ServiceAccount", "ConfigMap", "DaemonSet"}
    assert {(one["metadata"]["name"], one["metadata"]["namespace"]) for one in objects} == {("two", "other")}
    pod = daemonset_pod(objects)
    container = tracer_of(pod)
    assert container["image"] == "registry.example/ft:9"
    assert container["securityContext"]["capabilities"]["add"] == [*NEEDED, "SYS_ADMIN"]
    assert container["securityContext"]["seLinuxOptions"] == {"type": "spc_t"}
    assert container["ports"][0]["containerPort"] == 9999 and "0.0.0.0:9999" in container["args"]
    assert pod["nodeSelector"]["disk"] == "ssd" and "emptyDir" in pod["volumes"][-1]
    template = kind(objects, "DaemonSet")["spec"]["template"]
    assert template["metadata"]["annotations"]["a/b"] == "yes: no"
    config = json.loads(kind(objects, "ConfigMap")["data"]["flowtrace.json"])
    assert config["prefix"] == ["shop", 'quote"d'] and config["all"] is True


# ---- without Kubernetes ---------------------------------------------------------------------------


def test_compose():
    service = yaml.safe_load((DEPLOY / "docker/compose.yaml").read_text())["services"]["flowtrace"]
    assert (service["cap_drop"], service["cap_add"]) == (["ALL"], NEEDED)
    assert service["read_only"] and service["pid"] == "host" and "privileged" not in service


def test_unit_has_three_capabilities():
    unit = (DEPLOY / "systemd/flowtrace-bpf.service").read_text()
    wanted = " ".join("CAP_" + name for name in NEEDED)
    for name in ("AmbientCapabilities", "CapabilityBoundingSet"):
        assert re.findall(r"^%s=(.*)$" % name, unit, re.M) == [wanted]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze reads it; there is none")
def test_unit_is_understood(tmp_path):
    """systemd-analyze wants the program to be there."""
    unit = (DEPLOY / "systemd/flowtrace-bpf.service").read_text()
    program = tmp_path / "flowtrace-bpf"
    shutil.copy("/bin/true", program)
    path = tmp_path / "flowtrace-bpf.service"
    path.write_text(unit.replace("/usr/bin/flowtrace-bpf", str(program)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True,
                          timeout=60)
    said = [line for line in done.stderr.splitlines() if path.name in line]
    assert not said
    path.write_text(path.read_text().replace("ProtectSystem", "ProtectSistem"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True,
                          timeout=60)
    assert "ProtectSistem" in done.stderr
