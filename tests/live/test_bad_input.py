# SPDX-License-Identifier: MIT
"""What users get wrong, and how the collector ends: the contract's exit status and one line on
standard error that says what is wrong; nothing stays attached."""
import contextlib
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import harness
import pytest
from harness import refused

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
DONE, OTHER, USAGE, NO_PROCESS, NOT_PERMITTED = 0, 1, 2, 3, 4
TICKER = harness.ticker("time.sleep(0.01)")


@contextlib.contextmanager
def python(source, *args):
    """A Python program that runs beside the body and has said that it is ready."""
    process = harness.start([harness.own_python(), "-c", source, *args],
                            stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        yield process
    finally:
        process.stdout.close()
        harness.kill_session(process)


@pytest.fixture
def ticker():
    """A program that can be traced."""
    with python(TICKER) as process:
        yield process


# ---- targets -----------------------------------------------------------------------------

def test_no_python_to_follow(tmp_path):
    """Neither the process nor its child is one: it is waited for."""
    shell = harness.start(["sh", "-c", "sleep 60; true"])
    try:
        children = Path("/proc/%d/task/%d/children" % (shell.pid, shell.pid))
        harness.wait_for("its child", children.read_text)
        status, _, errors = harness.run([harness.TRACER, "-f", "-d", "0.1", "-o", tmp_path / "out",
                                         "-p", shell.pid], timeout=harness.PATIENCE)
    finally:
        harness.kill_session(shell)
    assert status == DONE and "runs no Python" in errors, errors


def test_no_such_process(tmp_path):
    """The pid of a process that has just ended."""
    process = harness.start(["true"])
    process.wait()
    refused(NO_PROCESS, "-p", process.pid, says=[str(process.pid)], cwd=tmp_path)
    assert not list(tmp_path.iterdir()), "an output file was made for nothing"


def test_not_python(tmp_path):
    """A process without an interpreter."""
    process = harness.start(["sleep", "30"])
    try:
        refused(NO_PROCESS, "-p", process.pid, says=["python", str(process.pid)], cwd=tmp_path)
    finally:
        harness.kill_session(process)


def test_one_bad_pid_among_good(ticker, tmp_path):
    """The good one is not left attached."""
    before = harness.text_of(ticker.pid)
    gone = harness.start(["true"])
    gone.wait()
    refused(NO_PROCESS, "-p", "%d,%d" % (ticker.pid, gone.pid), cwd=tmp_path)
    assert harness.text_of(ticker.pid) == before


def test_target_exits_during_attach(tmp_path):
    """Ends at any moment of the attach: 0 or 3, never a hang, a crash or a page of errors."""
    moments = random.Random(4)
    seen = set()
    for n in range(12):
        source = "import time\nprint('x', flush=True)\ntime.sleep(%f)" % moments.uniform(0, 0.3)
        with python(source) as process:
            status, _, errors = harness.run(
                [harness.TRACER, "-p", process.pid, "-o", tmp_path / str(n)], timeout=harness.PATIENCE,
                cwd=tmp_path)
        assert status in (DONE, NO_PROCESS), "%d: %s" % (status, errors)
        assert status == DONE or harness.lines_said(errors) == 1, errors
        seen.add(status)
    assert seen


def test_target_exit_ends_the_trace(tmp_path):
    """The target's own end: exit 0, and the trace is whole."""
    source = TICKER.replace("while True", "while n < 200")
    with python(source) as process:
        status, _, errors = harness.run([harness.TRACER, "-p", process.pid, "-P", "__main__", "-o",
                                         tmp_path / "t"], timeout=harness.PATIENCE)
    assert status == DONE, errors
    events = lines(tmp_path / "t")
    assert events[-1]["event"] == "EXIT" and events[-1]["result"] == "200"


# ---- permission ----------------------------------------------------------------------------

def test_no_root(ticker, tmp_path):
    """As nobody: 4, and what is missing."""
    tmp_path.chmod(0o777)
    program = tmp_path / "flowtrace-bpf"
    shutil.copy(harness.TRACER, program)
    for parent in [tmp_path, *tmp_path.parents]:
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    status, _, errors = harness.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
         program, "-p", ticker.pid, "-o", tmp_path / "out"], timeout=harness.PATIENCE, cwd="/")
    assert status == NOT_PERMITTED, errors
    assert harness.lines_said(errors) == 1, errors
    assert any(word in errors for word in ("CAP_", "root", "sudo")), errors


# ---- options -------------------------------------------------------------------------------

WRONG = {
    "unknown option": ["--no-such-option"],
    "no target": [],
    "empty command": ["--"],
    "pid is a word": ["-p", "python"],
    "pid is negative": ["-p", "-5"],
    "pid 0": ["-p", "0"],
    "pid list with a hole": ["-p", "1,,x"],
    "depth over the maximum": ["--max-depth", "9", "-p", "1"],
    "items over the maximum": ["--max-items", "257", "-p", "1"],
    "length over the maximum": ["--max-arg-length", "8193", "-p", "1"],
    "length is negative": ["--max-arg-length", "-1", "-p", "1"],
    "length is a word": ["--max-arg-length", "long", "-p", "1"],
    "buffer is a word": ["--buffer", "big", "-p", "1"],
    "backend unknown": ["--backend", "magic", "-p", "1"],
    "duration is a word": ["-d", "soon", "-p", "1"],
    "events is a word": ["-n", "many", "-p", "1"],
    "pid and command": ["-p", "1", "--", "true"],
    "option without its value": ["-p"],
    "words without --": ["-p", "1", "true"],
}


@pytest.mark.parametrize("args", WRONG.values(), ids=[name.replace(" ", "-") for name in WRONG])
def test_wrong_usage(args, tmp_path):
    """Each is exit 2 and one line."""
    refused(USAGE, *args, cwd=tmp_path)


@pytest.mark.parametrize("option,maximum", [("--max-depth", 8), ("--max-items", 256),
                                            ("--max-arg-length", 8192)])
def test_maximum_is_named(option, maximum, tmp_path):
    """A value over a hard maximum: the message names the maximum."""
    refused(USAGE, option, "100000", "-p", "1", says=[str(maximum), option], cwd=tmp_path)


def test_wrong_environment(ticker, tmp_path):
    """A variable is held to the same rules, and named."""
    refused(USAGE, "-p", ticker.pid, env={"FLOWTRACE_MAX_DEPTH": "99"},
            says=["FLOWTRACE_MAX_DEPTH"], cwd=tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"no-such-key": 1}', '{"max-depth": 99}', ""])
def test_wrong_configuration(text, ticker, tmp_path):
    """A configuration file that is no JSON, or says what no option says."""
    path = tmp_path / "c.json"
    path.write_text(text)
    refused(USAGE, "-c", path, "-p", ticker.pid, says=["c.json"], cwd=tmp_path)


def test_layers(ticker, tmp_path):
    """Configuration file < environment < command line, as seen in what is written where."""
    config = tmp_path / "c.json"
    config.write_text(json.dumps({"output": str(tmp_path / "file"), "prefix": "__main__"}))
    for env, args, used in (({}, [], "file"),
                            ({"FLOWTRACE_LOGFILE": str(tmp_path / "env")}, [], "env"),
                            ({"FLOWTRACE_LOGFILE": str(tmp_path / "env2")},
                             ["-o", tmp_path / "line"], "line")):
        harness.run([harness.TRACER, "-c", config, "-p", ticker.pid, "-n", "4", *args], check=0,
                    env=harness.environment(**env), timeout=harness.PATIENCE)
        assert lines(tmp_path / used)
    assert not (tmp_path / "env2").exists()


def test_redaction(tmp_path):
    """--redact adds to what is hidden, --redact-only says all of it; the variables too."""
    source = "def f(card, password, pin): pass\nf(1, 2, 3)"

    def hidden(*options, **env):
        path = tmp_path / "out"
        path.unlink(missing_ok=True)
        harness.run([harness.TRACER, "-P", "__main__", "-o", path, *options, "--", harness.PYTHON,
                     "-c", source], check=DONE, timeout=harness.PATIENCE, env=harness.environment(**env))
        args = next(event["args"] for event in lines(path) if event.get("function") == "f")
        return {name for name, value in json.loads(args).items() if value == "***"}
    assert hidden("--redact", "Card") == {"card", "password"}
    assert hidden("--redact-only", "card", "--redact", "pin") == {"card", "pin"}
    assert hidden(FLOWTRACE_REDACT="pin", FLOWTRACE_REDACT_ONLY="card") == {"card", "pin"}


# ---- output --------------------------------------------------------------------------------

def lines(path):
    """The events of a trace; each line must be whole."""
    text = path.read_text("utf-8")
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("where", ["missing/dir/out", "."])
def test_unwritable_output(where, ticker, tmp_path):
    """A directory that does not exist; a directory instead of a file."""
    refused(OTHER, "-p", ticker.pid, "-o", tmp_path / where, says=[str(tmp_path)])


def test_output_file(ticker, tmp_path):
    """Made 0600, owned by who called sudo, appended to."""
    path = tmp_path / "out"
    env = harness.environment(SUDO_UID="1234", SUDO_GID="1235")
    for _ in range(2):
        harness.run([harness.TRACER, "-p", ticker.pid, "-P", "__main__", "-o", path, "-n", "4"],
                    check=0, env=env, timeout=harness.PATIENCE)
    state = path.stat()
    assert (state.st_mode & 0o777, state.st_uid) == (0o600, 1234)
    spans = [event["span"] for event in lines(path) if event["event"] == "ENTER"]
    assert len(spans) >= 4 and len(set(spans)) == len(spans)


def test_standard_output(ticker, tmp_path):
    """-o - writes events and nothing else to standard output; --stdout writes both."""
    _, out, _ = harness.run([harness.TRACER, "-p", ticker.pid, "-P", "__main__", "-o", "-", "-n",
                             "6"], check=0, cwd=tmp_path, timeout=harness.PATIENCE)
    assert len([json.loads(line) for line in out.splitlines()]) >= 6
    assert not list(tmp_path.iterdir())
    _, out, _ = harness.run([harness.TRACER, "-p", ticker.pid, "-P", "__main__", "-o",
                             tmp_path / "f", "--stdout", "-n", "6"], check=0, timeout=harness.PATIENCE)
    assert out == (tmp_path / "f").read_text() != ""


def test_reader_goes_away(ticker, tmp_path):
    """Standard output is a pipe whose reader ends: so does the collector."""
    command = '"$0" -p %d -P __main__ -o - -d 30 | head -n 2' % ticker.pid
    started = time.monotonic()
    _, out, errors = harness.run(["sh", "-c", command, harness.TRACER], timeout=harness.PATIENCE, cwd=tmp_path)
    assert len(out.splitlines()) == 2, errors
    assert time.monotonic() - started < harness.promised(20)


# ---- nothing to see --------------------------------------------------------------------------

def test_prefix_that_matches_nothing(ticker, tmp_path):
    """Exit 0, an empty trace, and it is said."""
    _, _, errors = harness.run([harness.TRACER, "-p", ticker.pid, "-P", "no_such_module", "-o",
                                tmp_path / "out", "-d", "1"], check=DONE, timeout=harness.PATIENCE)
    assert "no_such_module" in errors
    assert lines(tmp_path / "out") == []


# ---- recordings ------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A recording of a few hundred records, and its trace."""
    directory = tmp_path_factory.mktemp("recording")
    with harness.Interpreter("system").workspace() as space:
        output, _ = space.trace("trace", "methods", "--record", directory / "rec")
        shutil.copy(output, directory / "trace")
    return directory


def test_whole_recording(recording, tmp_path):
    """Replay needs no root, and gives the same number of lines."""
    tmp_path.chmod(0o777)
    harness.run([harness.TRACER, "--replay", recording / "rec", "-o", tmp_path / "again"],
                check=DONE)
    assert len(lines(tmp_path / "again")) == len(lines(recording / "trace")) > 50


@pytest.mark.parametrize("part", [0.999, 0.9, 0.5, 0.3])
def test_truncated_recording(part, recording, tmp_path):
    """What is whole is shown; then exit 1."""
    data = (recording / "rec").read_bytes()
    (tmp_path / "cut").write_bytes(data[:int(len(data) * part) | 1])
    refused(OTHER, "--replay", tmp_path / "cut", "-o", tmp_path / "out", says=["cut"])
    # The very last record is a process's end, which has no line.
    assert len(lines(tmp_path / "out")) <= len(lines(recording / "trace"))
    assert len(lines(tmp_path / "out")) < len(lines(recording / "trace")) or part > 0.99
    assert part < 0.9 or lines(tmp_path / "out")


def test_corrupt_recording(recording, tmp_path):
    """Other bytes at many places: exit 0 or 1, never a crash, and every line is JSON."""
    data = (recording / "rec").read_bytes()
    numbers = random.Random(7)
    statuses = set()
    for n, place in itertools.product(range(10), (0.1, 0.4, 0.8)):
        spoilt = bytearray(data)
        at = int(len(data) * place) + numbers.randrange(64)
        spoilt[at:at + 4] = numbers.randbytes(4)
        (tmp_path / "bad").write_bytes(spoilt)
        output = tmp_path / ("out%d-%s" % (n, place))
        status, _, errors = harness.run(
            [harness.TRACER, "--replay", tmp_path / "bad", "-o", output], timeout=harness.PATIENCE)
        assert status in (DONE, OTHER), "%d at byte %d: %s" % (status, at, errors)
        assert output.exists() and lines(output) is not None
        statuses.add(status)
    assert OTHER in statuses, "no damage was noticed"


@pytest.mark.parametrize("content", [b"", b"short", b"not a recording, but long enough to be read"])
def test_no_recording(content, tmp_path):
    """A file of another kind."""
    (tmp_path / "file").write_bytes(content)
    refused(OTHER, "--replay", tmp_path / "file", "-o", tmp_path / "out", says=["file"])


def test_missing_recording(tmp_path):
    """No such file."""
    refused(OTHER, "--replay", tmp_path / "missing", "-o", tmp_path / "out", says=["missing"])


# ---- the end ---------------------------------------------------------------------------------

@pytest.mark.parametrize("source,status", [("pass", 0), ("raise SystemExit(7)", 7),
                                           ("import os; os.kill(os.getpid(), 15)", 128 + 15),
                                           ("import os; os.kill(os.getpid(), 9)", 128 + 9),
                                           ("1 / 0", 1)])
def test_status_of_the_command(source, status, tmp_path):
    """-- CMD: its own status, 128+n when a signal ended it."""
    got, _, errors = harness.run([harness.TRACER, "-o", tmp_path / "out", "--", harness.PYTHON,
                                  "-c", source], timeout=harness.PATIENCE)
    assert got == status, errors


def test_output_of_the_command(tmp_path):
    """Its standard output and error are its own."""
    source = "import sys; print('out'); print('err', file=sys.stderr)"
    _, out, errors = harness.run([harness.TRACER, "-q", "-o", tmp_path / "out", "--",
                                  harness.PYTHON, "-c", source], check=0, timeout=harness.PATIENCE)
    assert (out, errors) == ("out\n", "err\n")


def test_command_not_found(tmp_path):
    """A command that is not there."""
    status, _, errors = harness.run([harness.TRACER, "-o", tmp_path / "out", "--",
                                     "/no/such/command"], timeout=harness.PATIENCE)
    assert status != 0 and "/no/such/command" in errors
    assert harness.lines_said(errors) == 1, errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_trace(number, ticker, tmp_path):
    """Detaches, drains, exits 0; the target goes on."""
    before = harness.text_of(ticker.pid)
    with harness.Tracer(tmp_path, "-p", ticker.pid, "-P", "__main__") as tracer:
        tracer.attached()
        time.sleep(0.5)
        assert tracer.stop(number) == DONE, tracer.stderr()
    events = lines(tracer.output)
    assert len(events) > 20 and events[-1]["event"] in ("ENTER", "EXIT")
    assert harness.text_of(ticker.pid) == before and ticker.poll() is None


def test_hangup_reopens_the_output(ticker, tmp_path):
    """After SIGHUP the file that was moved away is left alone."""
    with harness.Tracer(tmp_path, "-p", ticker.pid, "-P", "__main__") as tracer:
        harness.wait_for("events", tracer.events)
        moved = tmp_path / "moved"
        tracer.output.rename(moved)
        tracer.process.send_signal(signal.SIGHUP)
        harness.wait_for("a new file", tracer.events)
        size = moved.stat().st_size
        time.sleep(0.5)
        assert tracer.stop() == DONE, tracer.stderr()
    spans = [[e["span"] for e in lines(path) if e["event"] == "ENTER"]
             for path in (moved, tracer.output)]
    assert moved.stat().st_size == size and all(spans) and not set(spans[0]) & set(spans[1])
    results = [e["result"] for path in (moved, tracer.output) for e in lines(path)
               if e["event"] == "EXIT"]
    numbers = list(map(int, results))
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "lost over the reopening"


def test_duration(ticker, tmp_path):
    """-d: stops by itself."""
    _, _, errors = harness.run([harness.TRACER, "-p", ticker.pid, "-P", "__main__", "-o",
                                tmp_path / "out", "-d", "1"], check=DONE, timeout=harness.PATIENCE)
    assert len(lines(tmp_path / "out")) > 20 and ticker.poll() is None
    seconds = float(re.search(r"([\d.]+) seconds", errors)[1])
    assert 1 <= seconds < harness.promised(2.5), errors


def test_duration_of_a_command(tmp_path):
    """-d counts from where the command can be traced, not from our own start."""
    source = "import time\ndef f(): time.sleep(0.01)\nend = time.time() + 20\nwhile time.time() < end: f()"
    harness.run([harness.TRACER, "-P", "__main__", "-o", tmp_path / "out", "-d", "1", "--",
                 harness.PYTHON, "-c", source], timeout=harness.PATIENCE)
    times = [event["timestamp"] for event in lines(tmp_path / "out")]
    assert 600_000 < times[-1] - times[0] < 2_500_000


def test_number_of_events(ticker, tmp_path):
    """-n: stops by itself, after that many."""
    for number in (10, 11):
        path = tmp_path / str(number)
        _, _, errors = harness.run([harness.TRACER, "-p", ticker.pid, "-P", "__main__", "-o", path,
                                    "-n", number], check=DONE, timeout=harness.PATIENCE)
        kinds = [event["event"] for event in lines(path)]
        assert len(kinds) == number and ticker.poll() is None
        left = kinds.count("ENTER") - kinds.count("EXIT")
        assert " %d unfinished" % left in errors and left == number % 2, errors


def test_number_of_events_in_the_middle(tmp_path):
    """Calls that are open by then are unfinished, also those that end by the same exception."""
    source = "def f(n):\n    if not n: raise ValueError\n    f(n - 1)\ntry: f(9)\nexcept: pass"
    for number in (6, 12, 13, 14):
        path = tmp_path / str(number)
        _, _, errors = harness.run([harness.TRACER, "-P", "__main__", "-o", path, "-n", number, "--",
                                    harness.PYTHON, "-c", source], check=DONE, timeout=harness.PATIENCE)
        kinds = [event["event"] for event in lines(path)]
        assert len(kinds) == number
        assert " %d unfinished" % (kinds.count("ENTER") - kinds.count("EXIT")) in errors, errors


def test_summary(ticker, tmp_path):
    """One line: events, lost, functions, seconds. Without it under -q."""
    command = [harness.TRACER, "-p", str(ticker.pid), "-P", "__main__", "-o", tmp_path / "out",
               "-n", "8"]
    _, _, errors = harness.run(command, check=DONE, timeout=harness.PATIENCE)
    assert harness.lines_said(errors) == 1, errors
    assert harness.lost_in_summary(errors) == 0, errors
    for word in ("event", "function"):
        assert word in errors, errors
    _, _, errors = harness.run([*command, "-q"], check=DONE, timeout=harness.PATIENCE)
    assert errors == ""


def test_help_and_version():
    """Both on standard output, exit 0, without root."""
    _, out, errors = harness.run([harness.TRACER, "--help"], check=DONE)
    assert "--prefix" in out and "--pid" in out and errors == ""
    _, out, errors = harness.run([harness.TRACER, "--version"], check=DONE)
    assert any(char.isdigit() for char in out) and errors == ""
    assert os.path.basename(harness.TRACER) in out
