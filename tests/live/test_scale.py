# SPDX-License-Identifier: MIT
"""Very many processes: what the collector needs for them."""
import collections
import contextlib
import re
import shutil
import signal
import subprocess
from pathlib import Path

import bpf_objects
import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
MODULE = "scale_program"  # no other process of the machine has it
SOURCE = """
import time
def tick():
    return 1
while True:
    tick()
    time.sleep(0.5)
"""
IMAGES, OF_EACH = 50, 4
CPU_S = 20  # 5 s where nothing else runs, see docs/benchmarks.md
MEMORY_MIB = 128


@contextlib.contextmanager
def many(path):
    """Processes of many images, each of which is a file of its own."""
    (path / (MODULE + ".py")).write_text(SOURCE)
    processes = []
    try:
        for number in range(IMAGES):
            python = shutil.copy("/usr/bin/python3", path / ("python-%d" % number))
            for _ in range(OF_EACH):
                processes.append(harness.start([python, "-S", "-c", "import " + MODULE], cwd=path,
                                               stdin=subprocess.DEVNULL))
        yield {process.pid for process in processes}
    finally:
        for process in processes:
            harness.kill_session(process)
        for python in path.glob("python-*"):
            python.unlink()


def cpu_s(pid):
    """What a process has spent so far, all its threads."""
    tasks = Path("/proc/%d/task" % pid).glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def memory_mib(pid):
    """Its own, and that of its BPF maps."""
    status = Path("/proc/%d/status" % pid).read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024, bpf_objects.kib(pid) / 1024


def pids(tracer):
    """Those of which there are calls."""
    return {event["pid"] for event in tracer.events() if event["event"] == "EXIT"}


def test_200_processes_of_50_images(tmp_path):
    with many(tmp_path) as ours:
        with harness.Tracer(tmp_path, "-v", "--all", "-P", MODULE) as tracer:
            tracer.attached(120)
            harness.wait_for("calls of all", lambda: pids(tracer) == ours, 60, 0.5)
            spent, (rss, maps) = cpu_s(tracer.process.pid), memory_mib(tracer.process.pid)
            assert tracer.stop(signal.SIGINT) == 0
    figures = "%.1f s of CPU, %.1f MiB resident, %.1f MiB of maps" % (spent, rss, maps)
    print(figures)
    assert spent < CPU_S and rss + maps < MEMORY_MIB, figures
    calls = collections.Counter(event["event"] for event in tracer.events() if event.get("span"))
    assert calls["ENTER"] - calls["EXIT"] in range(len(ours) + 1), calls
