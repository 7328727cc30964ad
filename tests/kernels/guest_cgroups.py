# SPDX-License-Identifier: MIT
"""Inside the emulated kernel: with one kind of cgroups alone, a process in the cgroup that a kubelet
makes for a container, and one outside. Only the first is to be traced."""
import os
import signal
import subprocess
import sys
import time

TOP = "/sys/fs/cgroup"
KINDS = {"v2": ["-t", "cgroup2"], "v1": ["-t", "cgroup", "-o", "none,name=systemd"]}
CONTAINER = "0123456789abcdef" * 4
UID = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
PLACE = "kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod%s.slice/cri-containerd-%s.scope" % (
    UID.replace("-", "_"), CONTAINER)
# A run takes long on an emulated machine.
SELECTIONS = {"v2": [["--container", CONTAINER[:12] + "*"], ["--cgroup", "/kubepods.slice"]],
              "v1": [["--container", CONTAINER[:12] + "*"]]}
CALLS = 20
WORK = """
import os
def tick(number):
    return number
os.read(0, 1)
for number in range(%d):
    tick(number)
""" % CALLS
WAIT = 120  # seconds: emulated, a start takes some


def mount(kind):
    return subprocess.call(["/bin/busybox", "mount", *KINDS[kind], "none", TOP]) == 0


def start(cgroup=None):
    process = subprocess.Popen([sys.executable, "-c", WORK], stdin=subprocess.PIPE)
    if cgroup:
        with open(cgroup + "/cgroup.procs", "w") as file:
            file.write(str(process.pid))
    return process


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except FileNotFoundError:
        return ""


def trace(path, selection, processes):
    """The statuses of a run that ends after the processes, and of these; its lines, and what it says."""
    tracer = subprocess.Popen(["/flowtrace-bpf", "-v", "--all", "-P", "__main__", "-o", path, *selection],
                              stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + WAIT
    while '"attached"' not in read(path) and tracer.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    for process in processes:
        process.stdin.write(b"\n")
        process.stdin.close()
    ends = [process.wait(timeout=WAIT) for process in processes]
    tracer.send_signal(signal.SIGINT)
    _, errors = tracer.communicate(timeout=WAIT)
    return [[tracer.returncode, *ends], read(path), errors[-2000:]]


def of(kind):
    """What each selection gave, with the pid of the process inside."""
    if not mount(kind):
        return None
    place = os.path.join(TOP, PLACE)
    os.makedirs(place)
    found = []
    for selection in SELECTIONS[kind]:
        inside, outside = start(place), start()
        path = "/%s%d" % (kind, len(found))
        found.append([inside.pid, *trace(path, selection, [inside, outside])])
    while place != TOP:
        os.rmdir(place)
        place = os.path.dirname(place)
    subprocess.call(["/bin/busybox", "umount", TOP])
    return found


def run():
    return {kind: of(kind) for kind in KINDS}
