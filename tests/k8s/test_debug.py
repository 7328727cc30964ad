# SPDX-License-Identifier: MIT
"""The debugging container of docs/kubernetes.md beside a running pod. The command needs a kubectl and
an API server that are newer than those of Debian's source, so the container that it makes is made
here: in the PID namespace of the pod's container, privileged (the profile sysadmin)."""
import contextlib
import re
import subprocess

import cluster
import test_manifests as manifests

NAME = "flowtrace-debug"
PAGE = (cluster.ROOT / "docs/kubernetes.md").read_text()
REQUESTS = 10


def words():
    """What the page runs in the container."""
    one_liner = re.search(r"kubectl debug (.*?)\n```", PAGE, re.S)[1].replace("\\\n", " ")
    assert "--profile=sysadmin" in one_liner and "--target=app" in one_liner
    return one_liner.split(" -- ")[1].split()


@contextlib.contextmanager
def debugging(pod):
    image = manifests.tracer_of(manifests.daemonset_pod(manifests.base()))["image"]
    pid_namespace = "pid:/proc/%d/ns/pid" % cluster.pid_of(pod, "app")
    process = subprocess.Popen([cluster.RUN / "ctr", "run", "--rm", "--privileged", "--with-ns", pid_namespace,
                                image, NAME, *words()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        cluster.command(cluster.RUN / "ctr", "tasks", "kill", "--signal", "SIGKILL", NAME, check=False)
        process.communicate(timeout=20)


def test_calls_of_a_pod_are_shown(shops):
    pod = shops["shop-b"][0]
    with debugging(pod) as process:
        said = ""
        while "attached" not in said:
            said += process.stderr.readline() or cluster.until(lambda: False, 0)
        cluster.inside("curl", "-sS", "--fail", "-o", "/dev/null",
                       "http://%s:8000/products/tea?n=[1-%d]" % (pod["status"]["podIP"], REQUESTS))
        cluster.command(cluster.RUN / "ctr", "tasks", "kill", "--signal", "SIGINT", NAME)
        shown = process.stdout.read()
        assert process.wait(timeout=20) == 0, process.stderr.read()
    assert shown.count("GET /products/tea") >= REQUESTS and "shop.app.show_product(sku=\"tea\")" in shown
