# SPDX-License-Identifier: MIT
"""The extension under the tools that find what it does wrong with memory and references."""
import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import harness
import intree
import pytest
import sources

SCENARIOS = ("recursion", "methods", "params", "generators", "yieldfrom", "coroutines", "asyncgens",
             "threads", "pool", "exceptions", "swallowed", "through_c", "scalars", "containers",
             "objects", "frames", "limits", "redaction", "uncaught")

CHURN = """
import gc
from flowtrace_agent import Config, start_tracing, stop_tracing, trace

class Node:
    def __init__(self, n):
        self.n = n

def call(n, *rest, key=None, **more):
    return {"n": n, "rest": rest}

def fails(n):
    raise ValueError(n, Node(n))

def numbers(n):
    for i in range(n):
        yield i

def made(n):
    space = {"__name__": "__main__"}
    exec("class C:\\n    def f(self, a): return a\\nr = C().f(%d)" % (n % 7), space)
    return space["r"]

def turn(count):
    for n in range(count):
        call(n, "text", [n], key=Node(n), extra={"a": n})
        if n % 10 == 0:
            try:
                fails(n)
            except ValueError:
                pass
            list(numbers(3))
            next(numbers(3))
        if n % 100 == 0:
            made(n)
            trace(lambda x: x)(n)

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4

start_tracing(Config(package_prefix="__main__", logfile="/dev/null"))
"""


LONG = """
import threading
from flowtrace_agent import Config, start_tracing, stop_tracing

def same(*values, **more):
    return values

def fails(text):
    raise ValueError(text)

def work(n):
    for i in range(8):
        same(chr(97 + n) * (8000 << i), [[b"\\xff" * 9000, 10 ** 5000] * 60] * 60,
             key={n: "\\u20ac" * 90000, "o": object()})
        try:
            fails("m" * (800 << i))
        except ValueError:
            pass

def run(**settings):
    start_tracing(Config(package_prefix="__main__", logfile="log.jsonl", **settings))
    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    work(3)
    stop_tracing()  # while the others go on
    for thread in threads:
        thread.join()

run(max_arg_length=0)
run(enable_segmentation=True)
run()
run(max_arg_length=0, overflow="drop")
"""


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory):
    """The package for the system's Python, built with AddressSanitizer and UBSan."""
    python = harness.Interpreter("system")
    folder = tmp_path_factory.mktemp("sanitized")
    shutil.copytree(sources.HERE + "/flowtrace_agent", folder / "flowtrace_agent")
    shutil.copytree(sources.FRAMEWORKS + "/python", folder / "flowtrace_agent" / "frameworks")
    facts = intree.ask(python)
    files = [*(Path(sources.CORE) / path for path in sources.core()),
             *(Path(sources.HERE) / path for path in sources.extension()),
             *(Path(sources.FRAMEWORKS) / path for path in sources.wrappers())]
    subprocess.run(
        ["gcc", *sources.FLAGS, "-O1", "-g", "-fPIC", "-shared", "-fsanitize=address,undefined",
         "-fno-omit-frame-pointer", "-D_GNU_SOURCE", '-DFT_VERSION="0"',
         *("-I" + path for path in [*sources.includes(), *facts["include"]]), *files, "-o",
         folder / "flowtrace_agent" / ("_core" + facts["suffix"]), "-lm", "-lpthread"], check=True)
    return folder


def run_sanitized(package, *args, cwd=None):
    """Not a word from either tool; returns the standard output."""
    libraries = [subprocess.run(["gcc", "-print-file-name=" + library], text=True, check=True,
                                stdout=subprocess.PIPE).stdout.strip()
                 for library in ("libasan.so", "libubsan.so")]
    _, out, errors = harness.run(
        [harness.PYTHON, "-B", *args], check=0, timeout=120, cwd=cwd,
        env=harness.environment(PYTHONPATH=str(package), LD_PRELOAD=" ".join(libraries),
                                ASAN_OPTIONS="detect_leaks=0", PYTHONMALLOC="malloc",
                                UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"))
    assert "Sanitizer" not in errors and "runtime error" not in errors, errors
    return out


@pytest.mark.parametrize("name", [*SCENARIOS, "churn"])
def test_sanitizers(sanitized, tmp_path, name):
    """On the ground-truth programs and on one that makes and drops a lot."""
    churn = tmp_path / "churn.py"
    churn.write_text(CHURN + "turn(2000)\nstop_tracing()\n")
    program = [churn] if name == "churn" else [harness.TARGETS / "run.py", name]
    run_sanitized(sanitized, "-m", "flowtrace_agent", "-P", "gt,__main__", "-o", tmp_path / "t",
                  *program)


@pytest.mark.parametrize("group", ["wsgi", "asgi", "on_flask", "on_fastapi", "on_django"])
def test_sanitizers_on_requests(sanitized, tmp_path, group):
    """On the checks of tests/frameworks/, of the frameworks that are here."""
    framework = group.partition("on_")[2]
    if framework and not importlib.util.find_spec(framework):
        pytest.skip("no " + framework)
    for suite in ("agent", "frameworks"):
        shutil.copytree(harness.REPO / "tests" / suite / "checks", tmp_path / "checks",
                        dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    out = run_sanitized(sanitized, "checks/run.py", group, cwd=tmp_path)
    failed = [why for why in json.loads(out.splitlines()[-1]).values()
              if why not in (None, "skipped")]
    assert not failed, "\n".join(failed)


def test_sanitizers_long_values(sanitized, tmp_path):
    """The same, with values of up to 1 MiB and segments, and threads. No fork: the sanitizer's own
    allocator may be locked in a child of many threads."""
    (tmp_path / "long.py").write_text(LONG)
    run_sanitized(sanitized, "long.py", cwd=tmp_path)
    assert list(tmp_path.glob("flowtrace-jsonsl/*"))


def test_debug_allocator(agent):
    """PYTHONMALLOC=debug and -X dev: no warning, no corruption."""
    agent.write("churn.py", CHURN + "turn(1000)\nstop_tracing()\n")
    _, _, errors = agent.python("-X", "dev", "churn.py", env={"PYTHONMALLOC": "debug"})
    assert not errors, errors


def test_no_leak(agent):
    """Over a million events more: the process does not grow."""
    if agent.interpreter.root:
        pytest.skip("a root has no /proc")
    agent.write("churn.py", CHURN + """
turn(100000)
before = resident()
turn(300000)
after = resident()
stop_tracing()
print(after - before)
""")
    _, out, _ = agent.python("churn.py", timeout=120)
    assert int(out) < 1024, "grew by %s KiB" % out.strip()
