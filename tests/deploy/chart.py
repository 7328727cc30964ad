# SPDX-License-Identifier: MIT
"""The Helm chart, rendered by render_chart.go with the Go of Debian or of the test cluster."""
import copy
import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy/helm/flowtrace"
CLUSTER = Path(os.environ.get("FLOWTRACE_CLUSTER", "/var/cache/flowtrace/cluster"))
GO_OF_CLUSTER = CLUSTER / "tools/usr/lib/go-1.19/bin/go"


def find_go():
    return shutil.which("go") or (str(GO_OF_CLUSTER) if GO_OF_CLUSTER.exists() else None)


def build_renderer(folder):
    """The path of the program."""
    program, go = folder / "render_chart", find_go()
    env = {**os.environ, "GOCACHE": str(folder / "cache"), "GO111MODULE": "off", "CGO_ENABLED": "0",
           "GOFLAGS": "", "GOTOOLCHAIN": "local"}
    if go == str(GO_OF_CLUSTER):
        env["GOROOT"] = str(GO_OF_CLUSTER.parents[1])
    subprocess.run([go, "build", "-o", program, Path(__file__).with_name("render_chart.go")], check=True,
                   env=env, timeout=300)
    return program


def merged(values, own):
    """As helm does: mappings are merged, all else is replaced."""
    for key, value in own.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            merged(values[key], value)
        else:
            values[key] = value
    return values


def values_with(own=None):
    return merged(yaml.safe_load((CHART / "values.yaml").read_text()), copy.deepcopy(own or {}))


def check(values):
    jsonschema.validate(values, json.loads((CHART / "values.schema.json").read_text()))


def render(program, own=None, release="flowtrace", namespace="flowtrace"):
    """The text that would be applied. Values that the schema does not allow raise ValidationError."""
    values, meta = values_with(own), yaml.safe_load((CHART / "Chart.yaml").read_text())
    check(values)
    question = {"values": values, "release": release, "namespace": namespace,
                "chart": {"AppVersion": meta["appVersion"], "Name": meta["name"]},
                "templates": {p.name: p.read_text() for p in CHART.glob("templates/*.yaml")}}
    return subprocess.run([program], input=json.dumps(question), check=True, capture_output=True,
                          text=True, timeout=60).stdout
