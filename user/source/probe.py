# SPDX-License-Identifier: MIT
"""What the user's interpreter says of itself and of tracing. flowctl validate runs this in it, with
-c and the path of flowtrace-bpf; nothing of the user's project is imported.
"""
import sys

sys.path[:] = [path for path in sys.path if path]  # not the folder that we happen to be in

import json  # noqa: E402
import os  # noqa: E402
import platform  # noqa: E402
import subprocess  # noqa: E402


def agent():
    """Whether a program here could import the agent, whose extension must load."""
    try:
        import flowtrace_agent
    except BaseException as why:
        return {"error": "%s: %s" % (type(why).__name__, why)}
    return {"version": str(getattr(flowtrace_agent, "__version__", "of unknown version")),
            "file": str(flowtrace_agent.__file__)}


def bpf(program):
    """What flowtrace-bpf says of this very process."""
    try:
        done = subprocess.run([program, "--check", "--json", "--pid", str(os.getpid())],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=30)
        return json.loads(done.stdout.decode())
    except FileNotFoundError:
        return {"error": "no flowtrace-bpf in PATH"}
    except (OSError, ValueError, subprocess.SubprocessError) as why:
        return {"error": str(why)}


answer = {"python": platform.python_version(), "executable": sys.executable,
          "implementation": platform.python_implementation(), "bpf": bpf(sys.argv[1])}
answer["agent"] = agent()
sys.__stdout__.write("\n" + json.dumps(answer) + "\n")
