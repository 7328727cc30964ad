# SPDX-License-Identifier: MIT
"""Runs inside the emulated kernel: the truth twice, then the collector attached to a running process;
or what it makes of cgroups. Writes one line: MARK and what came out, as compressed JSON in base64."""
import base64
import json
import os
import subprocess
import sys
import time
import zlib

import guest_cgroups

MARK = "flowtrace-guest:"
PYTHON = sys.executable
SCENARIO = sys.argv[1]
# Waits for a line, so that it can be attached to before it does anything.
WAITING = "import os, runpy, sys\nos.read(0, 1)\nsys.argv = ['run.py', %r]\n" \
          "sys.path.insert(0, '/targets')\nrunpy.run_path('/targets/run.py', run_name='__main__')"


def truth(name):
    """What the interpreter's own tracing sees."""
    subprocess.run([PYTHON, "/truth.py", "-o", name, "-P", "gt", "/targets/run.py", SCENARIO],
                   check=True, stdout=subprocess.DEVNULL)
    with open(name) as file:
        return file.read()


def load_all(pid):
    """Every program there is, whether this interpreter needs it or not: --follow wants them all.
    The words of the verifier if one is refused, else "". """
    command = ["/flowtrace-bpf", "-v", "-v", "-f", "--gc", "--max-threads", "2000", "-d", "0.1",
               "-o", "/dev/null", "--pid", str(pid)]
    words = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace")
    return words.stderr[-3000:] if words.returncode else ""


def attach(result):
    """The collector on a process that runs already."""
    target = subprocess.Popen([PYTHON, "-c", WAITING % SCENARIO], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL)
    time.sleep(1)
    result["load"] = load_all(target.pid)
    began = time.monotonic()
    command = ["/flowtrace-bpf", "-v", "-P", "gt", "-o", "/trace.jsonl", "--pid", str(target.pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    lines = []
    for line in tracer.stderr:
        lines.append(line)
        if "attached after" in line:
            break
    result["attach"] = time.monotonic() - began
    target.stdin.write(b"\n")
    target.stdin.close()
    result["target"] = target.wait(timeout=120)
    lines += tracer.stderr.readlines()
    result["status"] = tracer.wait(timeout=120)
    result["errors"] = "".join(lines)[-6000:]
    with open("/trace.jsonl") as file:
        result["trace"] = file.read()


def main():
    result = {"release": os.uname().release}
    try:
        if SCENARIO == "cgroups":
            result["cgroups"] = guest_cgroups.run()
        else:
            result["truth"] = [truth("/truth%d" % n) for n in range(2)]
            attach(result)
    except Exception as error:  # whatever it is belongs into the one line
        result["error"] = repr(error)
    text = base64.b64encode(zlib.compress(json.dumps(result).encode())).decode()
    print("\n%s%s" % (MARK, text), flush=True)


main()
