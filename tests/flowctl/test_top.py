# SPDX-License-Identifier: MIT
"""flowctl top: over a real program, and over a collector that the test plays."""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import time

import harness
import pytest
from conftest import FLOWCTL

pyte = pytest.importorskip("pyte", reason="no python3-pyte")

# 50 turns a second, each with two calls of step, one of nap (5 ms) and one of fail; recursion
# four deep.
TARGET = """
import time

def step(): pass
def nap(): time.sleep(0.005)
def fail(): raise ValueError
def down(n): return n and down(n - 1)

def turn():
    step(); step(); nap(); down(3)
    try: fail()
    except ValueError: pass

at = time.monotonic()
while True:
    turn()
    at += 0.02
    time.sleep(max(0, at - time.monotonic()))
"""
RATES = {"turn": 50, "step": 100, "nap": 50, "fail": 50, "down": 200}


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "target.py"
    path.write_text(TARGET)
    process = harness.start([harness.own_python(), "-B", path], stdin=subprocess.DEVNULL)
    time.sleep(0.3)
    yield process
    harness.kill_session(process)


class Terminal:
    """flowctl on a terminal of its own, whose screen can be read."""

    def __init__(self, *args, program=FLOWCTL, size=(24, 100), **env):
        self.master, self.slave = pty.openpty()
        self.raw = b""
        self.resize(*size)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [program, *map(str, args)], stdin=self.slave, stdout=self.slave,
            stderr=subprocess.PIPE, preexec_fn=self.lead,
            env=harness.environment(**{"TERM": "xterm", **env}))

    def lead(self):
        """The child leads a session that this is the terminal of: Ctrl-C reaches it."""
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def resize(self, lines, columns):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys):
        os.write(self.master, keys.encode())

    def read(self, seconds):
        """What comes, for so long at most."""
        while select.select([self.master], [], [], seconds)[0]:
            piece = os.read(self.master, 65536)
            self.raw += piece
            self.stream.feed(piece)
            seconds = 0.02

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, condition, seconds=15):
        """Reads until the screen is such."""
        end = time.monotonic() + seconds
        while not condition(self.text()):
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end, self.text()
            self.read(0.1)
        return self.text()

    def names(self):
        return re.findall(r"(?:__main__|m)\.(\w+)$", self.text(), re.M)

    def ended(self, seconds=15):
        """Its status and last words; the terminal is as it was."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, "it does not end"
            self.read(0.1)
        self.read(0.1)
        assert termios.tcgetattr(self.slave) == self.before
        assert self.raw.endswith(b"\033[?25h\033[?1049l")
        assert self.raw.count(b"\033[?1049h") == self.raw.count(b"\033[?1049l")
        return self.process.returncode, self.process.stderr.read().decode()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        os.close(self.master)
        os.close(self.slave)


def rows_of(view):
    return {row["function"]: row for row in view["rows"]}


# ---- a real program -----------------------------------------------------------------------


@pytest.mark.live
def test_figures_of_one_interval(flowctl, target):
    view = flowctl.json("top", "--pid", target.pid, "--once", "--interval", "2000ms", "-P", "__main__")
    assert 1.9 < view["seconds"] < 2.3 and view["lost"] == 0
    rows = rows_of(view)
    assert set(rows) == set(RATES)
    for name, rate in RATES.items():
        assert rows[name]["callsPerSecond"] == pytest.approx(rate, rel=0.15), name
        assert rows[name]["callsPerSecond"] == pytest.approx(
            rows[name]["calls"] / view["seconds"])
        assert rows[name]["errors"] == (rows[name]["calls"] if name == "fail" else 0)
    assert rows["nap"]["meanMicros"] > 5000 and rows["nap"]["p95Micros"] >= 5000
    assert 20 < rows["nap"]["selfPercent"] < 45
    assert rows["turn"]["totalPercent"] >= rows["nap"]["totalPercent"]
    assert rows["turn"]["selfPercent"] < 10
    assert rows["down"]["totalMicros"] == pytest.approx(rows["down"]["selfMicros"], abs=1000)
    assert view["rows"][0]["function"] == "nap"  # by self time
    assert view["eventsPerSecond"] == pytest.approx(view["events"] / view["seconds"])


@pytest.mark.live
def test_tables_follow_each_other_where_there_is_no_terminal(target, tmp_path):
    with open(tmp_path / "out", "wb") as out:
        process = harness.start([FLOWCTL, "top", "-p", target.pid, "-i", "0.5", "--sort", "calls",
                                 "--limit", "3"], stdout=out, stderr=subprocess.PIPE)
        harness.wait_for("three tables", lambda: (tmp_path / "out").read_text().count(
            "calls/s") >= 3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=harness.PATIENCE) == 0
        assert process.stderr.read() == b""
        process.stderr.close()
    text = (tmp_path / "out").read_text()
    assert "\033" not in text and "\r" not in text
    tables = text.strip().split("\n\n")
    for table in tables[1:]:
        lines = table.splitlines()
        assert re.match(r"\d\d:\d\d:\d\d  0\.\d s  \d+ events/s  0 lost$", lines[0])
        assert [line.rsplit(".", 1)[1] for line in lines[2:]] == ["down", "step", "turn"] or \
            lines[3].endswith("step")
        assert float(lines[2].split()[0]) == pytest.approx(200, rel=0.3)


@pytest.mark.live
def test_the_screen_and_its_keys(target, nothing_left):
    with Terminal("top", "--pid", target.pid, "-i", "0.3") as terminal:
        assert "attaching" in terminal.until(lambda text: "pid %d" % target.pid in text)
        text = terminal.until(lambda text: "nap" in text)
        assert "CPython 3." in text and "0 lost" in text and "q quit" in text
        terminal.until(lambda text: terminal.names()[:1] == ["nap"])
        terminal.press("c")
        terminal.until(lambda text: "*calls/s" in text and terminal.names()[:2] == ["down", "step"])
        terminal.press("e")
        terminal.until(lambda text: "*errors/s" in text and terminal.names()[:1] == ["fail"])
        terminal.press("t")
        terminal.until(lambda text: "*total%" in text and terminal.names()[:1] == ["turn"])
        terminal.press("p")
        terminal.until(lambda text: "*p95" in text and terminal.names()[:1] == ["turn"])
        terminal.press("s")
        terminal.until(lambda text: "*self%" in text)

        terminal.press("/STE")
        terminal.until(lambda text: "filter: STE_" in text and terminal.names() == ["step"])
        terminal.press("\x7fq\r")  # a letter that is a key otherwise
        terminal.until(lambda text: "filter: STq " in text and terminal.names() == [])
        terminal.press("\x1b")
        terminal.until(lambda text: "q quit" in text and len(terminal.names()) == 5)

        terminal.press(" ")
        frozen = terminal.until(lambda text: "FROZEN" in text).splitlines()[2:]
        terminal.read(1)
        assert terminal.text().splitlines()[2:] == frozen
        terminal.press(" ")
        terminal.until(lambda text: "FROZEN" not in text and text.splitlines()[2:] != frozen)
        terminal.press("c\x1b[A\x1b[15~\x1bOPt")  # arrows and such mean nothing
        terminal.until(lambda text: "*total%" in text and len(terminal.names()) == 5)
        terminal.press("\x1b[Bq")
        assert terminal.ended() == (0, "")


@pytest.mark.live
@pytest.mark.parametrize("how", ["ctrl-c", "SIGTERM", "SIGHUP", "target"])
def test_the_terminal_is_as_before_however_it_ends(target, nothing_left, how):
    with Terminal("top", "--pid", target.pid, "-i", "0.3") as terminal:
        terminal.until(lambda text: "nap" in text)
        assert termios.tcgetattr(terminal.slave) != terminal.before
        if how == "ctrl-c":
            terminal.press("\x03")
        elif how == "target":
            harness.kill_session(target)
        else:
            terminal.process.send_signal(getattr(signal, how))
        status, errors = terminal.ended()
        assert status == 0
        assert re.fullmatch(r"flowctl: the program has ended; \d+ events, 0 lost\n"
                            if how == "target" else "", errors)
    if how != "target":
        assert target.poll() is None


@pytest.mark.live
def test_stopped_and_continued(target):
    with Terminal("top", "--pid", target.pid, "-i", "0.3") as terminal:
        terminal.until(lambda text: "nap" in text)
        terminal.process.send_signal(signal.SIGTSTP)
        end = time.monotonic() + 10
        while os.waitpid(terminal.process.pid, os.WUNTRACED | os.WNOHANG) == (0, 0):
            assert time.monotonic() < end
            terminal.read(0.05)
        terminal.read(0.2)
        assert termios.tcgetattr(terminal.slave) == terminal.before
        assert terminal.raw.endswith(b"\033[?1049l")
        terminal.screen.reset()
        terminal.process.send_signal(signal.SIGCONT)
        terminal.until(lambda text: "nap" in text)
        terminal.press("q")
        assert terminal.ended()[0] == 0


@pytest.mark.live
def test_errors_of_the_collector_are_its_own(flowctl):
    with harness.start(["sleep", "60"]) as other:
        try:
            for pid, says in ((999999999, "999999999"), (other.pid, "Python")):
                out, errors = flowctl("top", "--pid", pid, "--once", status=3)
                assert out == "" and errors.count("\n") == 1
                assert errors.startswith("flowtrace-bpf: ") and says in errors
                with Terminal("top", "--pid", pid) as terminal:
                    assert terminal.ended() == (3, errors)
        finally:
            harness.kill_session(other)


@pytest.mark.live
def test_without_permission_the_collectors_line_and_status(target):
    if subprocess.run([FLOWCTL, "version"], check=False, user=65534, capture_output=True,
                      env=harness.environment()).returncode:
        pytest.skip("nobody may not run %s" % FLOWCTL)
    done = subprocess.run([FLOWCTL, "top", "-p", str(target.pid), "--once"], check=False,
                          user=65534, group=65534, extra_groups=[], capture_output=True,
                          timeout=30, env=harness.environment())
    assert done.returncode == 4 and done.stdout == b""
    assert done.stderr.count(b"\n") == 1 and done.stderr.startswith(b"flowtrace-bpf: ")


@pytest.mark.live
def test_an_idle_program_has_an_empty_table(flowctl):
    with harness.start([harness.own_python(), "-c", "input()"], stdin=subprocess.PIPE) as idle:
        try:
            time.sleep(0.3)
            view = flowctl.json("top", "--pid", idle.pid, "--once", "-i", "0.5")
            assert view["rows"] == [] and view["events"] == 0 and view["seconds"] < 1
        finally:
            harness.kill_session(idle)


# ---- a collector that the test plays --------------------------------------------------------


@pytest.fixture
def played(tmp_path):
    """Puts a script in the place of flowtrace-bpf; gives the flowctl beside it."""
    def play(script):
        shutil.copy(FLOWCTL, tmp_path)
        path = tmp_path / "flowtrace-bpf"
        path.write_text("#!%s -B\nimport json, os, signal, sys, time\n"
                        "def say(text): print('flowtrace-bpf:', text, file=sys.stderr, flush=True)\n"
                        "def put(**e): print(json.dumps({'timestamp': int(time.time() * 1e6), **e}),"
                        " flush=True)\n"
                        "def ready(): say('attached after 1 ms')\n%s" % (harness.PYTHON, script))
        path.chmod(0o755)
        return tmp_path / "flowctl"
    return play


def run(program, *args, **env):
    status, out, errors = harness.run([program, *args], env=harness.environment(**env), timeout=60)
    return status, out, errors


def test_wrong_usage(flowctl):
    for args, says in (((), "--pid"), (("--pid", "1", "--interval", "0"), "0.1 to 3600"),
                       (("--pid", "1", "-i", "99ms"), "99ms"), (("--pid", "1", "-i", "61m"), "61m"),
                       (("--pid", "1", "-i", "1x"), '"1x"'), (("--pid", "1", "-i", "nan"), "nan"),
                       (("--pid", "1", "--sort", "x"), "--sort takes one of"),
                       (("--pid", "1", "x"), '"x"')):
        flowctl.refused("top", *args, status=2, says=[says])


def test_the_collectors_command_line(played):
    program = played("say(json.dumps(sys.argv[1:]))\nsys.exit(6)\n")
    status, _, errors = run(program, "top", "-p", "1,2", "-p", "3", "-P", "a", "-P", "b,c", "-x", "d",
                            "-f", "--backend", "usdt", "--once")
    assert status == 6
    assert json.loads(errors.split(": ", 1)[1]) == [
        "--output", "-", "--no-args", "--no-result", "--no-quiet", "--verbose", "--backend", "usdt",
        "--follow", "--prefix", "a,b,c", "--exclude", "d", "--pid", "1,2,3"]


def test_where_the_collector_is_looked_for(tmp_path, played):
    program = played("sys.exit(say('beside') or 5)")
    assert run(program, "top", "-p", "1")[::2] == (5, "flowtrace-bpf: beside\n")
    (tmp_path / "there").mkdir()
    shutil.move(tmp_path / "flowtrace-bpf", tmp_path / "there")
    path = "/nonexistent:%s" % (tmp_path / "there")
    assert run(program, "top", "-p", "1", PATH=path)[::2] == (5, "flowtrace-bpf: beside\n")
    status, out, errors = run(program, "top", "-p", "1", PATH="/nonexistent")
    assert status == 1 and out == "" and errors.count("\n") == 1
    assert errors.startswith("flowctl: cannot find flowtrace-bpf in flowctl's directory or in PATH")


def test_a_collector_that_crashes(played):
    program = played("ready()\nput(event='LOST', count=1, reason='x')\nos.kill(os.getpid(), 11)")
    status, _, errors = run(program, "top", "-p", "1")
    assert status == 1 and errors == (
        "flowctl: flowtrace-bpf was killed by signal 11 (Segmentation fault)\n")


def test_requests_and_losses_in_the_head(played):
    program = played("""
ready()
for status, micros in ((200, 1000), (404, 2000), (503, 40000)):
    put(event="HTTP_RESPONSE", request_id="x", method="GET", path="/", status_code=status,
        durationMicros=micros)
put(event="LOST", count=7, reason="ring_full")
put(event="ENTER", module="m", function="f", span=1, parent=0)
time.sleep(30)
""")
    status, out, _ = run(program, "top", "-p", "1", "--once", "-i", "0.5", "--json")
    view = json.loads(out)
    assert status == 0 and view["requests"] == 3 and view["failedRequests"] == 1
    assert view["requestP95Micros"] == 40000 and view["lost"] == 7
    assert view["requestsPerSecond"] == pytest.approx(3 / view["seconds"])
    assert rows_of(view)["f"]["calls"] == 0 and rows_of(view)["f"]["selfPercent"] > 20
    with Terminal("top", "-p", "1", "-i", "2", program=program, size=(10, 120)) as terminal:
        text = terminal.until(lambda text: "requests/s" in text)
        assert re.search(r"7 lost  1\.\d requests/s, p95 40\.0 ms, 1 5xx", text)
        terminal.press("q")
        assert terminal.ended()[0] == 0


def test_what_is_no_event_is_passed_over(played):
    program = played("""
ready()
sys.stdout.buffer.write(b"\\0\\xff no event\\n[1]\\n" + b"x" * 3000000 + b"\\n")
put(event="EXIT", module="m", function="f", span=1, parent=0, durationMicros=5)
sys.stdout.write('{"timestamp": 1, "ev')
sys.stdout.flush()
""")
    status, out, errors = run(program, "top", "-p", "1", "--json")
    assert status == 0 and rows_of(json.loads(out.splitlines()[-1]))["f"]["calls"] == 1
    assert errors == "flowctl: the program has ended; 1 events, 0 lost\n"


STEADY = """
ready()
span = 0
while True:
    for name in %s:
        span += 1
        put(event="EXIT", module="m", function=name, span=span, parent=0, durationMicros=1000 * span)
    time.sleep(0.02)
"""


def test_names_cannot_steer_the_terminal(played):
    name = "\033]0;owned\007\033[2J\n\u202eevil"
    program = played(STEADY % [name])
    with Terminal("top", "-p", "1", "-i", "0.2", program=program) as terminal:
        terminal.until(lambda text: "evil" in text)
        assert b"owned\007" not in terminal.raw and b"\033[2J" not in terminal.raw
        assert "\u202e" not in terminal.text() and "\\x1b" in terminal.text()
        terminal.press("q")
        terminal.ended()


@pytest.mark.parametrize("size", [(24, 80), (50, 200), (6, 30), (3, 10), (1, 1)])
def test_the_size_of_the_window_is_kept_to(played, size):
    names = ["f%02d_%s" % (n, "x" * (2 * n // 3 + 1)) for n in range(40)]
    program = played(STEADY % names)
    with Terminal("top", "-p", "1", "-i", "0.2", "--sort", "total", program=program) as terminal:
        terminal.until(lambda text: "f37" in text)
        assert len(re.findall(r"\d\d_x", terminal.text())) == 21
        terminal.resize(*size)
        terminal.process.send_signal(signal.SIGWINCH)
        terminal.read(1)
        terminal.read(0.3)
        lines, columns = size
        # pyte would have scrolled, or wrapped, if more were drawn than there is room for.
        drawn = terminal.raw[terminal.raw.rindex(b"\033[H"):].decode()
        shown = re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", drawn).replace("\r", "").split("\n")
        assert len(shown) <= lines
        assert max(map(len, shown)) <= columns
        if lines > 3:
            assert terminal.text().splitlines()[0].startswith("pid 1")
            assert "function" in terminal.text()
            assert sum("x" in line for line in shown[3:]) == min(lines - 3, 40)
        terminal.press("q")
        assert terminal.ended()[0] == 0


def test_colours_only_where_they_are_wanted(played):
    program = played(STEADY % ["f"])
    for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)):
        with Terminal("top", "-p", "1", "-i", "0.2", program=program, **env) as terminal:
            terminal.until(lambda text: "m.f" in text)
            assert bool(re.search(rb"\033\[\d*m", terminal.raw)) == coloured
            terminal.press("q")
            terminal.ended()


def test_a_dumb_terminal_gets_tables(played):
    program = played(STEADY % ["f"] + "")
    with Terminal("top", "-p", "1", "-i", "0.2", program=program, TERM="dumb") as terminal:
        terminal.until(lambda text: text.count("calls/s") >= 2)
        assert b"\033" not in terminal.raw
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait(timeout=harness.PATIENCE) == 0


def test_the_collector_ends_with_flowctl(tmp_path, played):
    program = played(STEADY % ["f"])
    process = harness.start([program, "top", "-p", "1"], stdout=subprocess.DEVNULL)
    found = harness.wait_for("the collector", lambda: [
        int(pid) for pid in os.listdir("/proc") if pid.isdigit() and
        str(tmp_path / "flowtrace-bpf").encode() in cmdline(pid)])
    process.kill()
    process.wait(timeout=harness.PATIENCE)
    harness.wait_for("its end", lambda: not any(cmdline(pid) for pid in found))


def cmdline(pid):
    try:
        with open("/proc/%s/cmdline" % pid, "rb") as file:
            return file.read()
    except OSError:
        return b""


def test_a_collector_that_does_not_end_is_ended(played):
    program = played("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + STEADY % ["f"])
    with Terminal("top", "-p", "1", "-i", "0.2", program=program) as terminal:
        terminal.until(lambda text: "m.f" in text)
        terminal.press("q")
        time.sleep(0.3)
        assert terminal.process.poll() is None
        assert terminal.raw and termios.tcgetattr(terminal.slave) == terminal.before
        terminal.process.send_signal(signal.SIGINT)  # asked twice
        assert terminal.process.wait(timeout=5) == 0


@pytest.mark.parametrize("events", [300_000])
def test_memory_does_not_grow(played, events):
    """Every function and every call is another one, and no call ends."""
    program = played("""
ready()
now = int(time.time() * 1e6)
for n in range(1, %d):
    sys.stdout.write('{"timestamp": %%d, "event": "ENTER", "module": "m", "function": "f%%d", "span": '
                     '%%d, "parent": %%d}\\n' %% (now, n, n, n - 1))
""" % events)
    peaks = []
    for count in (events, 3 * events):
        path = program.parent / "flowtrace-bpf"
        path.write_text(re.sub(r"range\(1, \d+\)", "range(1, %d)" % count, path.read_text()))
        peak, told = harness.peak_memory(program, "top", "-p", "1", "-i", "60")
        assert " %d events, 0 lost" % (count - 1) in told
        peaks.append(peak)
    assert max(peaks) < 64 * 1024  # KiB
    assert peaks[1] < peaks[0] + 8 * 1024
