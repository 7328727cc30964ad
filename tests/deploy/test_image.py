# SPDX-License-Identifier: MIT
"""The image: small, the same bytes every time, whole, and it runs in a container whose root is
read-only and which has three capabilities."""
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKE = ROOT / "scripts/image/make.py"
PROGRAMS = [ROOT / "build/bin/flowtrace-bpf", ROOT / "build/bin/flowctl"]
MOST_BYTES = 20 << 20
CAPABILITIES = ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"]
PROGRAM = """
import time
def tick(n):
    return n + 1
while True:
    tick(1)
    time.sleep(0.02)
"""
pytestmark = pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg says whose files they are")


def make(folder, epoch="1700000000", umask=0o022):
    folder.mkdir()
    subprocess.run([sys.executable, "-B", MAKE, folder, *PROGRAMS], check=True, umask=umask, cwd="/",
                   env={"PATH": os.environ["PATH"], "SOURCE_DATE_EPOCH": epoch}, timeout=120)
    return folder


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(name="made", scope="module")
def make_image(tmp_path_factory):
    return make(tmp_path_factory.mktemp("image") / "one")


def blob(made, part):
    data = (made / "image/blobs" / part["digest"].replace(":", "/")).read_bytes()
    assert len(data) == part["size"] and "sha256:" + hashlib.sha256(data).hexdigest() == part["digest"]
    return data


def manifest_of(made):
    index = json.loads((made / "image/index.json").read_text())
    return json.loads(blob(made, index["manifests"][0]))


def test_twice_the_same_bytes(made, tmp_path):
    time.sleep(1.1)  # a time of the clock would differ
    assert tree(make(tmp_path / "two", umask=0o077)) == tree(made)
    assert tree(make(tmp_path / "later", epoch="1700000001")) != tree(made)


def test_size(made):
    assert 1 << 20 < sum(map(len, tree(made / "image").values())) < MOST_BYTES


def test_parts_are_as_named(made):
    manifest = manifest_of(made)
    config = json.loads(blob(made, manifest["config"]))
    archive = gzip.decompress(blob(made, manifest["layers"][0]))
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(archive).hexdigest()]
    assert config["created"] == "2023-11-14T22:13:20Z"
    assert len(tree(made / "image/blobs")) == 3


# ---- the container ----------------------------------------------------------------------------------


needs_runc = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("runc") or not shutil.which("umoci"),
    reason="runs a container: needs root, runc and umoci")


@pytest.fixture(name="bundle", scope="module")
def unpack(made, tmp_path_factory):
    """What a reader that is not ours makes of the layout."""
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    tag = json.loads((made / "image/index.json").read_text())["manifests"][0]["annotations"]
    tag = tag["org.opencontainers.image.ref.name"]
    subprocess.run(["umoci", "unpack", "--image", "%s:%s" % (made / "image", tag), folder], check=True,
                   capture_output=True, timeout=60)
    return folder


def contain(bundle, *arguments, capabilities=CAPABILITIES):
    """Runs the image as Kubernetes would with hostPID, the container's network apart."""
    config = json.loads((bundle / "config.json").read_text())
    assert config["process"]["args"][0] == "/usr/bin/flowtrace-bpf"
    config["process"]["args"] = ["/usr/bin/flowtrace-bpf", *map(str, arguments)]
    config["process"].update(terminal=False, noNewPrivileges=True, rlimits=[], capabilities={
        kind: capabilities for kind in ("bounding", "effective", "permitted")})
    config["root"]["readonly"] = True
    config["linux"]["namespaces"] = [{"type": kind} for kind in ("mount", "ipc", "uts", "network")]
    config["linux"].pop("resources", None)
    (bundle / "config.json").write_text(json.dumps(config))
    return subprocess.run(["runc", "run", "--bundle", bundle, "flowtrace-test-%d" % os.getpid()],
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


@pytest.fixture(name="target")
def start_target():
    with subprocess.Popen(["/usr/bin/python3", "-c", PROGRAM]) as process:
        time.sleep(0.5)
        yield process.pid
        process.kill()


@needs_runc
def test_version(bundle):
    done = contain(bundle, "--version", capabilities=[])
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("flowtrace-bpf ")


@needs_runc
def test_check_and_trace(bundle, target):
    done = contain(bundle, "--check", "-p", target)
    if "yes uprobe_multi" not in done.stdout:
        pytest.skip("this kernel has no uprobe_multi: CAP_SYS_ADMIN would be needed")
    assert done.returncode == 0 and "traceable    yes" in done.stdout, done.stdout + done.stderr
    done = contain(bundle, "-q", "-p", target, "-P", "__main__", "-n", "20", "-d", "20", "-o", "-")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {e["function"] for e in events} == {"tick"} and len(events) >= 20


@needs_runc
@pytest.mark.parametrize("missing", CAPABILITIES)
def test_a_capability_that_is_missing_is_named(missing, bundle, target):
    done = contain(bundle, "-p", target, "-o", "-",
                   capabilities=[name for name in CAPABILITIES if name != missing])
    assert done.returncode == 4 and missing in done.stderr


@needs_runc
@pytest.mark.parametrize("more, status", [([], 4), (["CAP_DAC_READ_SEARCH"], 0)])
def test_interpreter_that_only_its_user_may_read(more, status, bundle, tmp_path):
    """As deploy/overlays/private-files says."""
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    python = tmp_path / "python3.11"
    shutil.copy("/usr/bin/python3.11", python)
    shutil.chown(python, 65534, 65534)
    python.chmod(0o700)
    with subprocess.Popen([python, "-c", PROGRAM], user=65534, group=65534) as process:
        time.sleep(0.5)
        done = contain(bundle, "-q", "-p", process.pid, "-P", "__main__", "-n", "20", "-d", "20", "-o", "-",
                       capabilities=[*CAPABILITIES, *more])
        process.kill()
    assert done.returncode == status, done.stderr
    assert bool(done.stdout) == (status == 0)


@needs_runc
def test_flowctl(bundle, tmp_path):
    """Reads a trace; nothing is missing that the loader wants."""
    done = subprocess.run(["chroot", bundle / "rootfs", "/usr/bin/flowctl", "version"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


# ---- what is in it ------------------------------------------------------------------------------------


@pytest.fixture(name="bill")
def read_bill(made):
    return json.loads((made / "image.spdx.json").read_text())


def test_bill_names_every_file(made, bill, bundle):
    archive = {str(p.relative_to(bundle / "rootfs")): hashlib.sha256(p.read_bytes()).hexdigest()
               for p in (bundle / "rootfs").rglob("*") if p.is_file()}
    del archive["etc/passwd"]
    said = {f["fileName"][2:]: f["checksums"][1]["checksumValue"] for f in bill["files"]}
    assert said == archive


def test_bill_is_spdx(bill):
    """What the specification asks for: the fields of a document, and that what is named is there."""
    assert (bill["spdxVersion"], bill["dataLicense"]) == ("SPDX-2.3", "CC0-1.0")
    assert {"SPDXID", "name", "documentNamespace", "creationInfo"} <= bill.keys()
    known = {e["SPDXID"] for e in [bill, *bill["packages"], *bill["files"]]}
    assert len(known) == 1 + len(bill["packages"]) + len(bill["files"])
    for relation in bill["relationships"]:
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= known
    for package in bill["packages"]:
        assert {"name", "downloadLocation"} <= package.keys()


def test_bill_has_the_versions_that_are_installed(bill):
    packages = {p["name"]: p["versionInfo"] for p in bill["packages"]}
    assert {"libbpf1", "libc6", "libcapstone4", "flowtrace-bpf"} <= packages.keys()
    for name, version in packages.items():
        if name != "flowtrace-bpf":
            installed = subprocess.run(["dpkg-query", "-W", "-f", "${Version}\n", name], check=True,
                                       capture_output=True, text=True).stdout.split()
            assert version in installed
