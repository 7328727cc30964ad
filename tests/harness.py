# SPDX-License-Identifier: MIT
"""Runs interpreters and the collector for the live tests.

Every process that is started here is bounded by a timeout, runs in a session of its own and is
gone when its test ends.
"""
import atexit
import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
LIVE = REPO / "tests" / "live"
TARGETS = REPO / "tests" / "targets"
TRACER = Path(os.environ.get("FLOWTRACE_BPF") or REPO / "build" / "bin" / "flowtrace-bpf")
ROOTS = Path(os.environ.get("FLOWTRACE_ROOTS") or "/var/cache/flowtrace/roots")
PYTHON = "/usr/bin/python3"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
               "PYTHONHASHSEED": "0", "HOME": "/nonexistent"}

# Seconds for what must happen, whatever else the machine does. A promise about time ("ends within
# a second") has a bound of its own in its test.
PATIENCE = 120

SESSIONS = set()  # of all processes that were started here


def environment(**more):
    """What a started process sees: nothing of ours but this."""
    return {**ENVIRONMENT, **more}


def kill_session(process):
    """Ends a process and all that it started in its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=PATIENCE)


def start(argv, env=None, **options):
    """Popen in a session of its own."""
    process = subprocess.Popen([str(arg) for arg in argv], start_new_session=True,
                               env=env or environment(), **options)
    SESSIONS.add(process.pid)
    return process


def run(argv, timeout=PATIENCE, check=None, env=None, **options):
    """Runs to the end; returns (status, stdout, stderr). check: the status it must have."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(argv, env=env, stdin=subprocess.DEVNULL, stdout=options.pop("stdout", out),
                        stderr=err, **options)
        try:
            status = process.wait(timeout=timeout)
        finally:
            kill_session(process)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    assert check is None or status == check, "%s: status %d\n%s" % (argv, status, texts[1][-3000:])
    return status, texts[0], texts[1]


# exec hands the peak of whoever forked on to the program, so a small process has to fork.
PEAK = ("import resource, subprocess, sys; "
        "status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(status)")


def peak_memory(*argv, timeout=PATIENCE):
    """Runs to the end; returns KiB in memory at the most, and standard error."""
    _, out, err = run([PYTHON, "-c", PEAK, *argv], timeout=timeout, check=0)
    return int(out), err


def lines_said(errors):
    """How many lines the collector said, but for the one that it is attached."""
    return sum("attached after" not in line for line in errors.splitlines())


def refused(status, *args, says=(), env=None, before=(), timeout=PATIENCE, **options):
    """The collector ends with that status and one line, which has these words."""
    got, _, errors = run([*before, TRACER, *args], timeout=timeout, env=environment(**(env or {})),
                         **options)
    assert got == status, "status %d, not %d: %s" % (got, status, errors)
    assert lines_said(errors) == 1 and errors.endswith("\n"), errors
    for word in says:
        assert word.lower() in errors.lower(), "%r is not in %r" % (word, errors)
    return errors


def promised(seconds):
    """The bound of a promise about time, on a machine as busy as this one is."""
    minute, *_, tasks, _ = Path("/proc/loadavg").read_text().split()
    wanting = max(float(minute), int(tasks.split("/")[0]))
    return seconds * max(1, wanting / os.cpu_count())


def wait_for(what, condition, timeout=PATIENCE, pause=0.05):
    """Waits until the condition holds; returns its value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "waited %.0f s in vain: %s" % (timeout, what)
        time.sleep(pause)


def free_port():
    """A TCP port of this machine that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(port):
    """Does somebody listen there?"""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


@contextlib.contextmanager
def listening(process, port):
    """That server, from when somebody listens there until it is ended."""
    try:
        wait_for("the server", lambda: answers(port))
        yield process
    finally:
        kill_session(process)


# Calls a function of __main__ until it is killed.
TICKER = """
import sys, time
def tick(n):
    return n + 1
n = 0
print("ready", flush=True)
while True:
    n = tick(n)
"""


def ticker(then):
    """The same, which does that after each call."""
    return TICKER + "    %s\n" % then


@functools.lru_cache(maxsize=None)
def own_python():
    """A copy of the system's interpreter that nobody else runs.

    A collector that follows children has its probes in the file, and so in every process that
    runs it: whoever looks for traces of his own must not look at a file that others trace too.
    """
    directory = tempfile.mkdtemp(prefix="flowtrace-python-")
    atexit.register(shutil.rmtree, directory)
    return shutil.copy(os.path.realpath(PYTHON), directory)


class Interpreter:
    """A Python to trace: the system's own, or that of a root made by debootstrap.

    backend: how it is hooked (--backend).
    """

    def __init__(self, name, root=None, python=PYTHON, backend="auto"):
        self.name = name
        self.root = root
        self.python = python
        self.backend = backend

    def __repr__(self):
        return self.name

    def why_not(self):
        """Why it cannot be used here; None if it can."""
        if self.root is None:
            return None if Path(self.python).exists() else "no " + self.python
        if not Path(str(self.root) + self.python).exists():
            return "no %s in a Debian root at %s" % (self.python, self.root)
        return None if os.geteuid() == 0 else "chroot needs root"

    @functools.lru_cache(maxsize=None)
    def version(self):
        """As "3.11.2"."""
        return run(self.argv("-c", "import platform; print(platform.python_version())"),
                   check=0)[1].strip()

    def minor(self):
        """The N of Python 3.N."""
        return int(self.version().split(".")[1])

    def argv(self, *args):
        """A command that runs it."""
        return [*([] if self.root is None else ["chroot", self.root]), self.python, *args]

    @contextlib.contextmanager
    def workspace(self):
        """A directory that this interpreter sees too, with a copy of the targets."""
        base = self.root / "tmp" if self.root else None
        with tempfile.TemporaryDirectory(prefix="flowtrace-test-", dir=base) as path:
            space = Workspace(self, Path(path))
            shutil.copytree(TARGETS, space.path / "targets",
                            ignore=shutil.ignore_patterns("__pycache__"))
            for name in ("truth.py", "render.py"):
                shutil.copy(LIVE / name, space.path)
            yield space


class Workspace:
    """Files of one interpreter's tests; the two sides may see them at different paths."""

    def __init__(self, interpreter, path):
        self.interpreter = interpreter
        self.path = path

    def inside(self, path):
        """A path of this workspace as the interpreter sees it."""
        root = self.interpreter.root
        return str(path) if root is None else "/" + str(path.relative_to(root))

    def script(self):
        """Where the driver of the scenarios is."""
        return self.inside(self.path / "targets" / "run.py")

    def program(self, *args):
        """The command that runs scenarios."""
        return self.interpreter.argv(self.script(), *args)

    def watched(self, watcher, *args):
        """The command that runs scenarios while something inside watches them (watched.py)."""
        return self.interpreter.argv(self.inside(self.path / "targets" / "watched.py"), watcher,
                                     self.script(), *args)

    def truth(self, name, *scenarios, prefix="gt"):
        """Runs scenarios under the interpreter's own tracing; returns the file."""
        output = self.path / name
        run(self.interpreter.argv(self.inside(self.path / "truth.py"), "-o", self.inside(output),
                                  "-P", prefix, self.script(), *scenarios), check=0)
        return output

    def trace(self, name, command, *options, prefix="gt", env=None):
        """Runs a command, or a scenario by its name, under the collector; returns (file, its
        standard error). prefix: None for all modules that are not installed."""
        output = self.path / name
        if isinstance(command, str):
            command = self.program(command)
        options = [*(["-P", prefix] if prefix else []), *options]
        _, _, errors = run([TRACER, "-v", "-o", output, "--backend", self.interpreter.backend,
                            *options, "--", *command], check=0, timeout=120, cwd=self.path,
                           env=env)
        return output, errors


def pythons_in(root):
    """The names of all python3.N in a Debian root, as seen inside."""
    found = [p.name for p in (root / "usr/bin").glob("python3.*")]
    return sorted((name for name in found if re.fullmatch(r"python3\.\d+", name)),
                  key=lambda name: int(name[8:]))


def in_roots():
    """Every Python of every Debian root: "bullseye", "sid-3.14"."""
    names = sorted(p.name for p in ROOTS.iterdir()) if ROOTS.is_dir() else []
    for name in sorted({"bullseye", *names}):
        pythons = pythons_in(ROOTS / name)
        if not pythons and name != "bullseye":
            continue  # a root for something else
        pythons = pythons or ["python3"]
        for python in pythons:
            label = name if len(pythons) == 1 else "%s-%s" % (name, python[6:])
            yield Interpreter(label, ROOTS / name, "/usr/bin/" + python)
    # Debian 11's has dtrace probes, which are taken when there is a choice.
    yield Interpreter("bullseye-uprobe", ROOTS / "bullseye", "/usr/bin/python3.9", "uprobe")
    yield Interpreter("bullseye-inferred", ROOTS / "bullseye", without_probes(ROOTS / "bullseye"))


def without_probes(root):
    """A copy of Debian 11's Python without the notes that tell of its probes: a build as others have
    none, and one in whose code the ways out of a frame are not found."""
    python = "/usr/bin/python3.9"
    copy = Path(str(root) + python + "-unprobed")
    if Path(str(root) + python).exists() and not copy.exists() and os.access(copy.parent, os.W_OK):
        made = copy.with_name("%s.%d" % (copy.name, os.getpid()))
        run(["objcopy", "--remove-section", ".note.stapsdt", str(root) + python, made], check=0)
        os.replace(made, copy)
    return python + "-unprobed"


def own_builds():
    """Builds from source under ~/.pyenv, for whoever has some: "own-3.12.1"."""
    for path in sorted(Path("~/.pyenv/versions").expanduser().glob("3.*")):
        minor = int(path.name.split(".")[1])
        if minor >= 8:
            yield Interpreter("own-" + path.name, None, str(path / "bin" / ("python3.%d" % minor)))


# Builds of releases that there are of the same kind already (no dtrace, or its probes not taken):
# left out where time counts. `./dev test` and `./dev matrix` by hand have them.
TWICE = re.compile(r"own-3\.(9|11|13)\.|sid-3\.13$")


def interpreters():
    """The system's own, and all that the tests can find."""
    found = [Interpreter("system"), *in_roots(), *own_builds()]
    return [python for python in found if not (os.environ.get("CI") and TWICE.match(python.name))]


def with_greenlet():
    """Those of them that Debian's package of greenlet is for."""
    def has(interpreter):
        packages = Path(str(interpreter.root or "") + "/usr/lib/python3/dist-packages")
        return ("/usr/bin/" in interpreter.python and not interpreter.why_not() and any(
            packages.glob("**/*greenlet.cpython-3%d-*.so" % interpreter.minor())))
    return [interpreter for interpreter in interpreters() if has(interpreter)]


class Tracer:
    """A collector that runs beside its target. A context manager."""

    def __init__(self, directory, *options, env=None, before=()):
        self.output = Path(directory) / "trace.jsonl"
        self.errors = Path(directory) / "tracer.err"
        with open(self.errors, "wb") as errors:
            self.process = start([*before, TRACER, "-o", self.output, *options], env=env, cwd=directory,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=errors)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        kill_session(self.process)

    def attached(self, timeout=PATIENCE):
        """Waits until it says so: every call from here on is traced."""
        def said():
            assert self.process.poll() is None, self.stderr()
            return re.search("(attached|waiting for Python) after", self.stderr())
        wait_for("hooks; " + self.stderr(), said, timeout, pause=0.02)

    def stop_while_it_loads(self):
        """Stops it (SIGSTOP) when it has looked at its targets, and before its first hook."""
        pid = self.process.pid

        def loads():
            assert self.process.poll() is None, self.stderr()
            with contextlib.suppress(FileNotFoundError):
                return any(os.readlink("/proc/%d/fd/%s" % (pid, fd)) == "anon_inode:bpf-map"
                           for fd in os.listdir("/proc/%d/fd" % pid))
        wait_for("it loads", loads, pause=0)
        self.process.send_signal(signal.SIGSTOP)
        wait_for("it stops", lambda: state(pid) == "T", pause=0.001)
        assert "attached" not in self.stderr()

    def stop(self, number=signal.SIGINT, timeout=PATIENCE):
        """Sends a signal; returns the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=timeout)

    def wait(self, timeout=PATIENCE):
        """Waits for its own end; returns the exit status."""
        return self.process.wait(timeout=timeout)

    def stderr(self):
        return self.errors.read_text("utf-8", "replace")

    def events(self):
        """The lines of the trace so far, as objects."""
        if not self.output.exists():
            return []
        lines = self.output.read_bytes().split(b"\n")
        return [json.loads(line) for line in lines[:-1]]


def state(pid):
    """The letter of ps(1)."""
    return Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[0]


def code_of(pid):
    """(first address, offset in the file, bytes) of the interpreter's code as it lies in a process:
    probes show in it."""
    program = os.readlink("/proc/%d/exe" % pid)
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for line in maps:
            found = re.match(r"(\w+)-(\w+) r-xp (\w+) \S+ \S+ +(/.*)$", line)
            if found and (found[4] == program or "/libpython3." in found[4]):
                first, last = int(found[1], 16), int(found[2], 16)
                memory.seek(first)
                yield first, int(found[3], 16), memory.read(last - first)


def text_of(pid):
    """A digest of that code."""
    digest = hashlib.sha256()
    for _, _, data in code_of(pid):
        digest.update(data)
    return digest.hexdigest()


def is_unhooked(pid):
    """Is that code what its files have?"""
    for first, offset, data in code_of(pid):
        with open("/proc/%d/map_files/%x-%x" % (pid, first, first + len(data)), "rb") as file:
            file.seek(offset)
            inside = file.read(len(data))  # the last page is longer than the file
        if inside != data[:len(inside)]:
            return False
    return True


def kernel():
    """(major, minor) of the one that runs."""
    return tuple(map(int, os.uname().release.split(".")[:2]))


def bpf_ids(pids):
    """("prog", id), ("link", id) and ("map", id) of all that these processes hold a descriptor of."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):  # it ended
            for fd in os.listdir("/proc/%s/fd" % pid):
                if os.readlink("/proc/%s/fd/%s" % (pid, fd)).startswith("anon_inode:bpf"):
                    info = Path("/proc/%s/fdinfo/%s" % (pid, fd)).read_text(errors="replace")
                    found |= set(re.findall(r"^(prog|link|map)_id:\s+(\d+)", info, re.MULTILINE))
    return {(kind, int(number)) for kind, number in found}


def bpftool(*args):
    """What it says, as objects. A link of others that is just being made is an error to it."""
    def answer():
        status, out, _ = run(["bpftool", "--json", *args])
        return None if status else [json.loads(out or "[]")]
    return wait_for("bpftool", answer)[0]


def bpf_map(pid, name):
    """The entries of that map of a process: others have maps of the same name."""
    held = bpf_ids([pid])
    found, = [one["id"] for one in bpftool("map", "show")
              if one.get("name") == name and ("map", one["id"]) in held]
    return [entry["formatted"] for entry in bpftool("map", "dump", "id", found)]


def others():
    """The processes that are not of a session that was started here: another collector may run
    beside the tests."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(int(pid)) not in SESSIONS:
                yield pid


def left_in_kernel():
    """Our BPF programs and links in the kernel which nobody else holds, as bpf_ids() has them."""
    held = bpf_ids(others())
    programs = {p["id"] for p in bpftool("prog", "show") if p.get("name", "").startswith("ft_")}
    found = {("prog", number) for number in programs}
    found |= {("link", link["id"]) for link in bpftool("link", "show")
              if link["prog_id"] in programs}
    return found - held - bpf_ids(others())  # who has ended meanwhile, who has begun


def backend_of(errors):
    """How the interpreter was hooked, as -v says: "usdt" or "uprobe"."""
    found = re.search(r"CPython 3\.\d+, (\w+), \d+ sites", errors)
    return found[1] if found else "?"


def lost_in_summary(errors):
    """The number of lost events that the summary names; None without a summary."""
    found = re.findall(r"(\d+)\s+(?:events?\s+)?lost|lost[ :=]+(\d+)", errors)
    return int("".join(found[-1])) if found else None
