# SPDX-License-Identifier: MIT
"""A hostile container beside a good one, both traced with the node: the collector goes through, takes
a bounded share of the machine, and has every call of the good one, or says how many it has not."""
import collections
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import harness
import pytest
from test_containers import pod
from test_swapped_files import MAIN, SYSTEMS

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
SECONDS = 12
MOST_MIB = 256  # the limit of the DaemonSet
MOST_CORES = 1.5
MODULE = "good_program"
GOOD = """
import os, select, sys, time
def serve(number):
    return number
def run():
    sys.stdin.readline()
    number = 0
    while not select.select([sys.stdin], [], [], 0.002)[0]:
        serve(number)
        number += 1
    print(number, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(name="folder")
def make_folder():
    """Of the hostile container, with an interpreter whose libpython is beside it."""
    if not SYSTEMS.exists():
        pytest.skip("no libpython3.11")
    folder = Path(tempfile.mkdtemp(prefix="flowtrace-hostile-"))
    for name in ("links/lib", "fifos"):
        (folder / name).mkdir(parents=True)
    shutil.copy(SYSTEMS, folder / "links/lib")
    (folder / "main.c").write_text(MAIN)
    harness.run(["cc", folder / "main.c", "-o", folder / "links/python", SYSTEMS,
                 "-Wl,-rpath,%s" % (folder / "links/lib")], check=0)
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def good(where, path):
    (path / (MODULE + ".py")).write_text(GOOD)
    process = harness.start([harness.PYTHON, "-c", "import %s; %s.run()" % (MODULE, MODULE)], cwd=path,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    where.add(process.pid)
    try:
        yield process
    finally:
        harness.kill_session(process)


def attack(where, folder):
    """Runs it to its end; returns how often each thing was done."""
    inside = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
    _, out, _ = harness.run(
        ["sh", "-c", inside, where.cgroup, "unshare", "--mount", "--pid", "--fork", "--kill-child",
         "--mount-proc", harness.PYTHON, harness.TARGETS / "hostile.py", folder, where.cgroup, SECONDS,
         SYSTEMS], timeout=SECONDS + 60, check=0)
    return json.loads(out)


def cpu_s(pid):
    fields = Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid):
    status = Path("/proc/%d/status" % pid).read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def test_hostile_container_beside_a_good_one(tmp_path, folder):
    with pod() as ours, pod() as theirs, good(ours, tmp_path) as process:
        with harness.Tracer(tmp_path, "--all", "-P", MODULE) as tracer:
            harness.wait_for("its begin", lambda: '"attached"' in read(tracer), 60)
            process.stdin.write("\n")
            process.stdin.flush()
            pid, before, began = tracer.process.pid, cpu_s(tracer.process.pid), time.monotonic()
            done = attack(theirs, folder)
            cores, peak = (cpu_s(pid) - before) / (time.monotonic() - began), peak_mib(pid)
            process.stdin.write("\n")
            process.stdin.flush()
            calls = int(process.stdout.readline())
            assert tracer.stop(signal.SIGINT) == 0, tracer.stderr()
        process.stdin.close()
    events = tracer.events()
    seen = collections.Counter((e["event"], e.get("function")) for e in events if e.get("pid") == process.pid)
    lost = collections.Counter()
    for event in events:
        if event["event"] == "LOST":
            lost[event["reason"]] += event["count"]
    print("%s; %d calls of the good container, %s of them in the trace, lost %s; %.2f cores, %d MiB" %
          (done, calls, seen["EXIT", "serve"], dict(lost), cores, peak))
    assert min(done[name] for name in ("links", "fifos", "bombs", "pods")) > 1 and done["names"] > 20 and done["execs"] > 100
    assert calls > 500
    unseen = 2 * calls - seen["ENTER", "serve"] - seen["EXIT", "serve"]
    # What says "late" or "proc_event" is of programs that come, not of one that runs.
    assert 0 <= unseen <= sum(n for reason, n in lost.items() if reason not in ("late", "proc_event"))
    told = [e for e in events if e.get("function") == "serve"]
    assert {(e["pid"], e["container"], e["k8s"]["uid"]) for e in told} == {
        (process.pid, ours.container, ours.uid)}
    assert peak < MOST_MIB and cores < MOST_CORES


def read(tracer):
    return tracer.output.read_text() if tracer.output.exists() else ""
