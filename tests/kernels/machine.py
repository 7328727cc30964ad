# SPDX-License-Identifier: MIT
"""An emulated machine: a kernel, and an initramfs with one Python, the collector and a
ground-truth program."""
import base64
import json
import os
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import harness

HERE = Path(__file__).resolve().parent
QEMU = "qemu-system-x86_64"
BUSYBOX = "/bin/busybox"  # the static one: Debian's busybox-static
# Without cmpxchg16b: Debian 12's emulator corrupts the flags at it, which ends in a panic.
CPU = "max,cx16=off"
BOOT_SECONDS = 600 # of a busy machine; tens of seconds else
INIT = """#!/bin/busybox sh
busybox mkdir -p /proc /sys /dev /tmp
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
busybox mount -t tracefs trace /sys/kernel/tracing
busybox ip link set lo up 2>/dev/null
%s -B /guest.py ${scenario:-%s}
busybox poweroff -f
"""
# Prints the files of every module that the guest will import.
LIST = """
import runpy, sys
sys.argv = ["run.py", %r]
try:
    runpy.run_path(%r, run_name="__main__")
except SystemExit:
    pass
import base64, encodings.ascii, encodings.idna, json, subprocess, truth, zlib
sys.stdout = sys.__stdout__
for module in list(sys.modules.values()):
    for name in ("__file__", "__cached__"):
        path = getattr(module, name, None)
        if path and path.startswith("/usr/lib/"):
            print("module:" + path)
"""


def missing():
    """What is not installed; None if everything is."""
    for tool in (QEMU, "cpio", "ldd"):
        if not shutil.which(tool):
            return "no " + tool
    return None if Path(BUSYBOX).exists() else "no " + BUSYBOX


def modules(scenario):
    """The files of the standard library that the scenario needs."""
    script = harness.TARGETS / "run.py"
    _, out, _ = harness.run([harness.PYTHON, "-c", LIST % (scenario, str(script))], check=0,
                            env=harness.environment(PYTHONPATH="%s:%s" % (harness.LIVE, harness.TARGETS)))
    return [line[7:] for line in out.splitlines() if line.startswith("module:")]


def libraries(*programs):
    """The shared objects of some programs."""
    _, out, _ = harness.run(["ldd", *programs], check=0)
    return set(re.findall(r"(/\S+) \(0x", out))


def initramfs(directory, scenario):
    """Builds it; returns its path."""
    root = directory / "root"
    python = os.path.realpath(harness.PYTHON)
    wanted = modules(scenario)
    objects = [path for path in wanted if path.endswith(".so")]
    for path in [python, BUSYBOX, *wanted, *libraries(python, harness.TRACER, *objects)]:
        copy = root / path.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        if Path(path).exists() and not copy.exists():
            shutil.copy(path, copy)
    shutil.copy(harness.TRACER, root / "flowtrace-bpf")
    shutil.copytree(harness.TARGETS, root / "targets",
                    ignore=shutil.ignore_patterns("__pycache__"))
    for name in (harness.LIVE / "truth.py", harness.LIVE / "render.py", HERE / "guest.py",
                 HERE / "guest_cgroups.py"):
        shutil.copy(name, root)
    (root / "init").write_text(INIT % (python, scenario))
    (root / "init").chmod(0o755)
    image = directory / "initramfs"
    subprocess.run("find . | cpio --quiet -o -H newc -R 0:0 | gzip -1 > '%s'" % image, shell=True,
                   check=True, cwd=root)
    return image


def boot(kernel, image, scenario=""):
    """Runs the guest's program on a kernel, with another scenario than that of the image if one is
    named: init gets it as a variable. What it says as an object, or the console's end."""
    _, out, _ = harness.run(
        [QEMU, "-kernel", kernel, "-initrd", image, "-m", "1024", "-smp", "1", "-cpu", CPU,
         "-nographic", "-no-reboot", "-nic", "none", "-append",
         "console=ttyS0 panic=-1 quiet mitigations=off scenario=" + scenario], timeout=BOOT_SECONDS)
    found = re.search(r"flowtrace-guest:(\S+)", out)
    if not found:
        return {"error": "the guest said nothing", "errors": out[-3000:]}
    return json.loads(zlib.decompress(base64.b64decode(found[1])))
