#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./dev bench containers: what a rejected call costs with one container of an image, and with many.

Each container is a Python in a mount namespace with an overlay of its own over one folder. One of them
makes the calls, in CPU time, while that one is traced or all are, in turn.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import codes  # noqa: E402 - from here
import harness  # noqa: E402 - from tests/

BOUND = 1.10
PROGRAM = """
import sys, time
def add(x, y):
    return x + y
print("ready", flush=True)
for line in sys.stdin:
    start = time.thread_time_ns()
    for _ in range(%d):
        add(1000, 2000)
    print((time.thread_time_ns() - start) / %d, flush=True)
""" % (codes.CALLS // 2, codes.CALLS // 2)


class Container(codes.Target):
    def __init__(self, path, number, stack):
        root = path / ("root%d" % number)
        for folder in ("upper%d" % number, "work%d" % number, root.name):
            (path / folder).mkdir()
        harness.run(["mount", "-t", "overlay", "overlay", "-o", "lowerdir=%s,upperdir=%s,workdir=%s" % (
            path / "image", path / ("upper%d" % number), path / ("work%d" % number)), root], check=0)
        stack.callback(harness.run, ["umount", root])
        self.process = harness.start(["unshare", "--mount", "taskset", "-c", "0", root / "python", "-c",
                                      PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        stack.callback(self.close)
        self.calls = codes.CALLS // 2
        assert self.process.stdout.readline() == "ready\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--count", type=int, default=64, help="containers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--collector", default=codes.BUILD / "bin" / "flowtrace-bpf")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        path = pathlib.Path(name)
        (path / "image").mkdir()
        shutil.copy("/usr/bin/python3", path / "image/python")
        all_of_them = [Container(path, number, stack) for number in range(options.count)]
        pids = [container.process.pid for container in all_of_them]
        one, many = [], []
        for _ in range(options.rounds):
            one.append(codes.measure(options.collector, all_of_them[0], pids[:1], path)[0])
            many.append(codes.measure(options.collector, all_of_them[0], pids, path)[0])
    ratio = statistics.median(b / a for a, b in zip(one, many))
    row = {"containers": options.count, "ns_one": round(statistics.median(one)),
           "ns_all": round(statistics.median(many)), "ratio": round(ratio, 3), "bound": BOUND,
           "load": round(os.getloadavg()[0], 1)}
    print(json.dumps(row) if options.json else "\n".join("%-12s %s" % pair for pair in row.items()))
    return ratio > BOUND


if __name__ == "__main__":
    sys.exit(main())
