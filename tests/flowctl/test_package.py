# SPDX-License-Identifier: MIT
"""The Debian package: into a clean root of Debian 12, used there, and out of it again."""
import contextlib
import os
import re
import shutil
import subprocess

import harness
import pytest
from conftest import FLOWCTL

BUILD = FLOWCTL.parent.parent
ROOT = harness.ROOTS / "bookworm"
# What apt and dpkg write themselves when anything is installed or removed.
KEPT_BY_APT = re.compile(r"/(var/(cache|log|lib/(apt|dpkg|systemd))|etc/ld\.so\.cache|tmp|dev|proc)\b")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    if not (BUILD / "CPackConfig.cmake").exists():
        pytest.skip("no CPackConfig.cmake in %s" % BUILD)
    for program in ("cpack", "dpkg-shlibdeps", "file"):
        if not shutil.which(program):
            pytest.skip("no " + program)
    folder = tmp_path_factory.mktemp("deb")
    harness.run(["cpack", "--config", BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", folder],
                check=0, timeout=300)
    packages = list(folder.glob("*.deb"))
    assert len(packages) == 1
    return packages[0]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A copy of the clean root, with a list of packages that apt can use."""
    if not (ROOT / "usr/bin/man").exists():
        pytest.skip("no Debian root at %s: ./dev roots" % ROOT)
    if os.geteuid():
        pytest.skip("chroot needs root")
    copy = tmp_path_factory.mktemp("root") / "bookworm"
    subprocess.run(["cp", "-a", ROOT, copy], check=True)
    with contextlib.suppress(FileNotFoundError):
        shutil.copy("/etc/resolv.conf", copy / "etc/resolv.conf")
    if inside(copy, "apt-get", "-q", "-o", "Acquire::Check-Valid-Until=false", "update")[0]:
        pytest.skip("no mirror of Debian")
    yield copy
    shutil.rmtree(copy)


def inside(root, *argv, check=None):
    return harness.run(["chroot", root, *argv], check=check, timeout=300,
                       env=harness.environment(DEBIAN_FRONTEND="noninteractive"))


def files_of(root):
    """All paths but what apt keeps for itself."""
    return {path for path in inside(root, "find", "/", "-xdev", check=0)[1].splitlines()
            if not KEPT_BY_APT.match(path)}


def control(package, field):
    return harness.run(["dpkg-deb", "-f", package, field], check=0)[1].strip()


def test_what_it_says_of_itself(package, flowctl):
    version = flowctl("version")[0].split()[1]
    assert control(package, "Package") == "flowtrace-bpf"
    assert control(package, "Version") == version + "-1"
    assert package.name == "flowtrace-bpf_%s-1_amd64.deb" % version
    assert control(package, "Section") == "devel"
    assert control(package, "Description").startswith("trace every call")


def test_it_depends_on_every_library_that_its_programs_need(package):
    depends = control(package, "Depends")
    for program in ("flowctl", "flowtrace-bpf"):
        needed = re.findall(r"NEEDED.*\[(.*?)\]",
                            harness.run(["readelf", "-d", BUILD / "bin" / program], check=0)[1])
        assert "libc.so.6" in needed
        for library in needed:
            owner = harness.run(["dpkg", "-S", library], check=0)[1]
            packages = set(re.findall(r"^(?!diversion)([^:\s]+):?.* /(?:usr/)?lib/", owner, re.M))
            assert any(re.search(r"\b%s\b" % re.escape(name), depends) for name in packages), (
                library, depends)


def test_lintian_finds_no_errors(package):
    if not shutil.which("lintian"):
        pytest.skip("no lintian")
    status, out, errors = harness.run(["lintian", "--fail-on", "error", package], timeout=120,
                                      env=harness.environment(HOME=str(package.parent)))
    assert status == 0, out + errors
    assert set(re.findall(r"^W: \S+ (\S+)", out, re.M)) <= {"initial-upload-closes-no-bugs"}, out


def test_it_installs_runs_and_goes_away(package, root, flowctl):
    before = files_of(root)
    shutil.copy(package, root / "tmp")
    deb = "/tmp/" + package.name
    status, _, errors = inside(root, "dpkg", "-i", deb)
    assert status == 1 and "depends on" in errors  # nothing is there yet
    inside(root, "apt-get", "-q", "-y", "-f", "--no-install-recommends", "install", check=0)
    assert inside(root, "dpkg-query", "-W", "-f", "${db:Status-Status}", "flowtrace-bpf",
                  check=0)[1] == "installed"

    version = flowctl("version")[0].split()[1]
    assert inside(root, "flowtrace-bpf", "--version", check=0)[1] == "flowtrace-bpf %s\n" % version
    assert inside(root, "flowctl", "version", check=0)[1] == "flowctl %s\n" % version
    for name in ("flowtrace-bpf", "flowctl", "flowctl-stats"):
        assert inside(root, "man", "-w", name, check=0)[1] == (
            "/usr/share/man/man1/%s.1.gz\n" % name)
    assert "Trace the calls" in inside(root, "man", "flowtrace-bpf", check=0)[1]
    status, _, errors = inside(root, "flowtrace-bpf", "--pid", "999999999")
    assert status == 3 and errors.count("\n") == 1
    (root / "tmp/empty.jsonl").touch()
    assert inside(root, "flowctl", "stats", "/tmp/empty.jsonl")[0] == 1
    doc = root / "usr/share/doc/flowtrace-bpf"
    assert "Permission is hereby granted" in (doc / "copyright").read_text()
    assert inside(root, "dpkg", "--verify", "flowtrace-bpf", check=0)[1] == ""
    completions = inside(root, "bash", "-c", "for f in /usr/share/bash-completion/completions/flow*;"
                         " do source $f; done; complete -p flowctl flowtrace-bpf", check=0)[1]
    assert completions.count("\n") == 2

    inside(root, "apt-get", "-q", "-y", "purge", "flowtrace-bpf", check=0)
    left = files_of(root)
    assert not [path for path in left if "flowtrace" in path or "flowctl" in path]
    inside(root, "apt-get", "-q", "-y", "autoremove", "--purge", check=0)
    assert files_of(root) == before
