# SPDX-License-Identifier: MIT
"""The cluster that `./dev cluster up` made, as the tests use it."""
import contextlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = Path(os.environ.get("FLOWTRACE_CLUSTER", "/var/cache/flowtrace/cluster")) / "run"
TRACER = ROOT / "build/bin/flowtrace-bpf"
# The folder of the node that the DaemonSet writes to.
TRACES = RUN / "covered/var/lib/flowtrace"


def why_not():
    """The reason why there is no cluster to test with, or None."""
    if os.geteuid() != 0:
        return "a cluster needs root"
    if not (RUN / "kubectl").exists():
        return "no cluster runs: sudo ./dev cluster up builds and starts one"
    return None


def command(*words, check=True, given=None, timeout=120):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, input=given,
                          timeout=timeout, cwd=ROOT)
    assert not check or done.returncode == 0, done.stderr + done.stdout
    return done


def kubectl(*words, **how):
    return command(RUN / "kubectl", *words, **how)


def apply(objects, *words, **how):
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    return kubectl("apply", "-f", "-", *words, given=text, **how)


def get(*words):
    return json.loads(kubectl("get", *words, "-o", "json").stdout)


def make_namespaces(*names):
    """With the account that pods get, which comes a moment later."""
    apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names])
    until(lambda: all(kubectl("-n", name, "get", "serviceaccount", "default", check=False).returncode == 0
                      for name in names))


def load_image(layout, archive):
    command("tar", "-C", layout, "-cf", archive, ".")
    command(RUN / "ctr", "images", "import", archive)


def until(what, seconds=60, every=0.3):
    """What it returns, once that is true."""
    end = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(every)
    return answer


def ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def inside(*words, **how):
    """A command in the network of the cluster."""
    return command("nsenter", "--target", (RUN / "pids/hold").read_text().strip(), "--net", "--", *words,
                   **how)


def pid_of(pod, container):
    """The pid, on the node, of a container's first process."""
    status, = [s for s in pod["status"]["containerStatuses"] if s["name"] == container]
    wanted = status["containerID"].rpartition("/")[2]
    listed = command(RUN / "ctr", "tasks", "ls").stdout
    return int(re.search(r"^%s\s+(\d+)" % wanted, listed, re.M).group(1))


@contextlib.contextmanager
def away(name):
    """Kills a daemon of the cluster; it is started again, as it was, at the end."""
    pid = int((RUN / "pids" / name).read_text())
    if "/bash" in os.readlink("/proc/%d/exe" % pid):  # the shell that started it
        pid = int(Path("/proc/%d/task/%d/children" % (pid, pid)).read_text())
    words = Path("/proc/%d/cmdline" % pid).read_text().split("\0")[:-1]
    env = dict(word.split("=", 1) for word in Path("/proc/%d/environ" % pid).read_text().split("\0")[:-1])
    os.kill(pid, signal.SIGKILL)
    try:
        yield
    finally:
        # As cluster_start in scripts/cluster/run.sh does: in the cluster's cgroup and namespaces.
        enter = ('for file in /sys/fs/cgroup{,/*}/flowtrace-cluster/daemons/cgroup.procs; do'
                 ' [ ! -e "$file" ] || echo $$ >"$file"; done; exec nsenter --target "$0" --net --mount -- "$@"')
        with open(RUN / "logs" / name, "ab") as log:
            process = subprocess.Popen(["bash", "-c", enter, (RUN / "pids/hold").read_text().strip(), *words],
                                       env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        (RUN / "pids" / name).write_text("%d\n" % process.pid)
        until(lambda: kubectl("get", "--raw", "/readyz", check=False).returncode == 0, 60)


def events_in(path):
    """The whole lines of a trace that may still be written."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().splitlines(keepends=True)
            if line.endswith(b"\n")]


def can_trace_all():
    """Whether this build has --all."""
    done = command(TRACER, "--all", "-d", "0.1", "-o", "/dev/null", check=False)
    return done.returncode != 2


def can_select():
    """Whether this build looks at --namespace and the like before it hooks a process."""
    return any("selection.h" in path.read_text()
               for path in (ROOT / "user/collector/session").glob("*.[ch]"))


def known_options():
    table = (ROOT / "user/collector/config/table.c").read_text()
    return set(re.findall(r'^\t\{ \.name = "([a-z-]+)"', table, re.M))
