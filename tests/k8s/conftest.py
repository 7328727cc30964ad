# SPDX-License-Identifier: MIT
"""Images and applications that the tests of the cluster share."""
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[1] / "deploy")]
import cluster  # noqa: E402
import shop_image  # noqa: E402

REPLICAS = {"shop-a": 3, "shop-b": 3}  # by namespace


def pytest_collection_modifyitems(items):
    reason = cluster.why_not()
    for item in items:
        if reason and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(name="images", scope="session")
def load_images(tmp_path_factory):
    """The image of the tracer as `./dev image` makes it, and that of the application."""
    folder = tmp_path_factory.mktemp("images")
    cluster.command(sys.executable, "-B", "scripts/image/make.py", folder, cluster.TRACER,
                    "build/bin/flowctl")
    cluster.load_image(folder / "image", folder / "image.tar")
    shop_image.write(folder / "shop")
    cluster.load_image(folder / "shop", folder / "shop.tar")


def deployment(namespace):
    pod = {"terminationGracePeriodSeconds": 0, "containers": [{
        "name": "app", "image": "localhost/shop:1", "imagePullPolicy": "Never",
        "securityContext": {"runAsUser": 1000, "capabilities": {"drop": ["ALL"]}},
        "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1}}]}
    labels = {"app": "shop"}
    return {"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "shop", "namespace": namespace},
            "spec": {"replicas": REPLICAS[namespace], "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": pod}}}


@pytest.fixture(name="shops", scope="session")
def start_shops(images):
    """{namespace: [pods]}, all of them ready."""
    cluster.make_namespaces(*REPLICAS)
    cluster.apply([deployment(name) for name in REPLICAS])

    def all_ready():
        pods = {name: cluster.get("-n", name, "pods")["items"] for name in REPLICAS}
        whole = all(len(pods[n]) == REPLICAS[n] and all(map(cluster.ready, pods[n])) for n in REPLICAS)
        return whole and pods

    yield cluster.until(all_ready, 90)
    cluster.kubectl("delete", "namespace", *REPLICAS, "--wait=false")
