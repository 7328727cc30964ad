# SPDX-License-Identifier: MIT
"""Whatever a trace, a file or a process is named: no byte of it steers a terminal."""
import csv
import io
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys

import harness
import pytest
from conftest import FLOWCTL, lines_of

EVIL = ("a\x1b]0;owned\x07\x1b[2J\x9b31m\x90\x9d\u202egnp\u2066\u2069\u200e\u200f\u2028\u2029"
        "\u200b\ufeff\x7f\x08\r\nflowctl: forged\U000e0041z")
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e"
                       "\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
# In a file's name there is no "/" and no NUL, and bytes that are no UTF-8.
EVIL_NAME = os.fsencode(EVIL.replace("\r\n", "\n")) + b"\xff\x9b"


def on_terminal(argv, **options):
    """What a terminal gets from the program: both of its outputs."""
    master, slave = pty.openpty()
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                             env=harness.environment(NO_COLOR="1", TERM="xterm"), **options)
    os.close(slave)
    got = b""
    while select.select([master], [], [], 60)[0]:
        try:
            data = os.read(master, 65536)
        except OSError:  # the last one has closed it
            break
        got += data
    child.wait(60)
    os.close(master)
    return got


def assert_harmless(got, newlines=False):
    """newlines: those of a text are the format's own, as in a cell of CSV."""
    text = got.decode()  # it is UTF-8
    assert text
    text = text.replace("\r\n", "\n").replace("\r\n", "\n")
    found = FORBIDDEN.search(text.replace("\r", "\x1b"))
    assert not found, ascii(text[max(0, found.start() - 60):found.start() + 60])
    assert newlines or not re.search("^flowctl: forged", text, re.M)


def hostile_trace():
    common = {"thread": EVIL, "module": EVIL, "class": EVIL, "method": EVIL, "file": EVIL,
              "line": 1, "pid": 7, "tid": 7, "request_id": EVIL}
    error = {"type": EVIL, "message": EVIL}
    http = {"method": EVIL, "path": "/" + EVIL, "remote_addr": EVIL, "user_agent": EVIL, **common}
    events = [
        {"timestamp": 1, "event": "HTTP_REQUEST", **http},
        {"timestamp": 2, "event": "ENTER", "function": EVIL, "args": json.dumps({EVIL: EVIL}),
         **common, "span": 1, "parent": 0},
        {"timestamp": 9, "event": "EXCEPTION", "function": EVIL, "exception": error,
         "durationMicros": 7, **common, "span": 1, "parent": 0},
        {"timestamp": 9, "event": "EXIT", "function": EVIL, "result": json.dumps(EVIL),
         "exception": error, "durationMicros": 7, **common, "span": 1, "parent": 0},
        {"timestamp": 10, "event": "HTTP_RESPONSE", "status_code": 500, "durationMicros": 9, **http},
        {"timestamp": 11, "event": "LOST", "count": 3, "reason": EVIL},
        {"timestamp": 12, "event": EVIL, **common}]
    # As the collector writes it: what JSON lets stand is not escaped.
    raw = b"".join(json.dumps(e, ensure_ascii=False).encode() + b"\n" for e in events)
    return raw + b'{"bad": "\x1b[31m\x9b\xe2\x80\xae"\n' + lines_of(*events[1:4])


COMMANDS = {
    "stats": [], "tree": ["--values"], "slow": [], "errors": [], "requests": ["--slow", "3"],
    "grep": ["."], "diff": [], "merge": [], "check": [], "export": ["--to", "csv"], "report": [],
    "analyze": ["-v"], "instrument": ["-n"], "uninstrument": ["-n"], "validate": [], "init": [],
    "top": [], "help": [], "version": [],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = os.fsencode(tmp_path_factory.mktemp("t")) + b"/" + EVIL_NAME
    os.mkdir(folder)
    with open(folder + b"/t.jsonl", "wb") as out:
        out.write(hostile_trace())
    with open(folder + b"/m.py", "wb") as out:
        out.write("def f(x='{}'):\n    return x\n# {}\n".format(
            "\u202e\u2066\x9b\x1b", "\u2028\x9b\x1b[2J").encode())
    return folder


def argv_of(command, folder, json_too):
    trace, more = folder + b"/t.jsonl", [*COMMANDS[command]]
    operands = {"diff": [trace, trace], "analyze": [folder], "instrument": [folder + b"/m.py"],
                "uninstrument": [folder + b"/m.py"], "validate": [folder], "init": [folder],
                "top": [], "help": [EVIL_NAME], "version": []}.get(command, [trace])
    if command in ("merge", "report", "export"):
        more += ["-o", "-"]
    return [FLOWCTL, command, *(["--json"] if json_too else []), *more, *operands]


@pytest.mark.parametrize("json_too", [False, True])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_passes_it_on(flowctl, folder, command, json_too):
    assert_harmless(on_terminal(argv_of(command, folder, json_too)), newlines=command == "export")


def test_every_command_is_tried(flowctl):
    listed = re.findall(r"^  (\w+)  +\S", flowctl("help")[0], re.M)
    assert listed and set(listed) == set(COMMANDS)


@pytest.mark.parametrize("more", [["tree", "--every", "-V"], ["grep", "-p", "."],
                                  ["grep", "-F", "no such\x1b[2J"], ["export", "--to", "chrome"],
                                  ["export", "--to", "folded"], ["merge", "-o", "-"]])
def test_other_ways(flowctl, folder, more):
    if more[0] in ("export", "merge"):
        more = [*more, "-o", "/dev/null"] if more[0] == "export" else [*more[:1], "-o", "/dev/null"]
    got = on_terminal([FLOWCTL, *more, folder + b"/t.jsonl"])
    assert not got or assert_harmless(got) is None


@pytest.mark.parametrize("args", [["stats", EVIL_NAME], [EVIL_NAME], ["--" + EVIL[:9]],
                                  ["stats", "--where", EVIL, "x"], ["analyze", EVIL_NAME]])
def test_errors_that_quote(flowctl, args):
    got = on_terminal([FLOWCTL, *args])
    assert_harmless(got)
    assert got.count(b"\n") == 1  # one line, whatever it quotes


def test_a_pipe_gets_the_lines_as_they_are(flowctl, folder):
    done = subprocess.run([FLOWCTL, "grep", ".", folder + b"/t.jsonl"], capture_output=True,
                          check=True, timeout=60)
    assert set(done.stdout.splitlines()) <= set(hostile_trace().splitlines())
    assert "\u202e".encode() in done.stdout


def test_json_on_a_terminal_is_still_json(flowctl, folder):
    got = on_terminal([FLOWCTL, "grep", "HTTP_REQUEST", folder + b"/t.jsonl"]).decode()
    line = next(l for l in got.splitlines() if l.startswith("{"))
    assert json.loads(line)["user_agent"] == EVIL


def test_show_trace(folder):
    script = harness.REPO / "examples" / "show_trace.py"
    assert_harmless(on_terminal([sys.executable, script, folder + b"/t.jsonl"]))
    assert_harmless(on_terminal([sys.executable, script, folder + b"/none" + EVIL_NAME]))


def test_cells_that_a_spreadsheet_would_run(flowctl, tmp_path):
    texts = ["=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1", "\r=1", "-1", "+2.5e-3", "-1+1", "-", "a=1",
             "\uff1d1", "-e1", "1", "-.5", ""]
    events = []
    for n, text in enumerate(texts, 1):
        common = {"thread": text, "module": "m", "class": "m", "function": "f", "pid": 1, "tid": 1,
                  "span": n, "parent": 0}
        events += [{"timestamp": n, "event": "ENTER", "args": "{}", **common},
                   {"timestamp": n, "event": "EXIT", "result": text, "durationMicros": 0, **common}]
    path = tmp_path / "t"
    path.write_bytes(lines_of(*events))
    out = flowctl("export", "--to", "csv", path)[0]
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    plain = {"-1", "+2.5e-3", "a=1", "1", "-.5", ""}
    expected = [text if text in plain else "'" + text for text in texts]
    assert [row["result"] for row in rows] == expected == [row["thread"] for row in rows]


@pytest.mark.skipif(not harness.TRACER.exists(), reason="no flowtrace-bpf")
class TestCollector:
    """An interpreter in a folder of such a name."""

    @pytest.fixture(scope="class")
    def process(self, tmp_path_factory):
        folder = os.fsencode(tmp_path_factory.mktemp("p")) + b"/" + EVIL_NAME
        os.mkdir(folder)
        python = shutil.copy(os.path.realpath("/usr/bin/python3").encode(), folder + b"/python3")
        child = subprocess.Popen([python, b"-c", b"import time; print(flush=1); time.sleep(300)",
                                  EVIL_NAME], stdout=subprocess.PIPE)
        child.stdout.readline()
        yield child.pid
        child.kill()
        child.wait()

    def test_check(self, process):
        got = on_terminal([harness.TRACER, "--check", "--pid", str(process)])
        assert_harmless(got)
        assert b"binary" in got and b"owned" in got

    def test_check_as_json(self, process):
        done = subprocess.run([harness.TRACER, "--check", "--json", "--pid", str(process)],
                              capture_output=True, timeout=60, check=False)
        assert "owned" in json.loads(done.stdout.decode())["python"]["binary"]
        assert_harmless(on_terminal([harness.TRACER, "--check", "--json", "--pid", str(process)]))

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
    def test_trace_of_it(self, process, tmp_path):
        out = os.fsencode(tmp_path) + b"/" + EVIL_NAME
        got = on_terminal([harness.TRACER, "-vv", "-d", "0.3", "-o", out, "--pid", str(process)])
        assert_harmless(got.replace(b"\r\x1b[K", b""))  # the line that is drawn again

    def test_errors(self):
        for args in (["--config", EVIL_NAME], ["--replay", EVIL_NAME], [EVIL_NAME],
                     ["--pid", EVIL_NAME], ["--", b"/nonexistent" + EVIL_NAME]):
            assert_harmless(on_terminal([harness.TRACER, *args], cwd="/tmp"))


# Names and texts that a program chooses: of threads, files, exceptions, values.
PROGRAM = """
import sys, threading
evil = sys.argv[1]
def f(x):
    raise ValueError(evil)
def caught():
    try:
        f(evil)
    except ValueError:
        return type(evil, (), {})
t = threading.Thread(target=caught, name=evil)
t.start()
t.join()
"""


OUTPUTS = {"-": [harness.TRACER, "-o", "-"], "also": [harness.TRACER, "-o", "/dev/null", "--stdout"],
           "by name": ["sh", "-c", 'exec "$0" -o "$(tty <&2)" "$@"', harness.TRACER]}


@pytest.mark.live
@pytest.mark.parametrize("output", OUTPUTS)
def test_events_as_they_come(output, tmp_path):
    """The collector's lines are JSON there too, and say the same."""
    script = os.fsencode(tmp_path) + b"/" + EVIL_NAME
    with open(script, "w") as file:
        file.write(PROGRAM)
    got = on_terminal([*OUTPUTS[output], "-q", "-P", "__main__", "--", harness.PYTHON, script, EVIL])
    assert_harmless(got)
    events = [json.loads(line) for line in got.splitlines() if line.startswith(b"{")]
    assert {e["function"] for e in events} == {"<module>", "f", "caught"}
    assert {EVIL} == {e["thread"] for e in events if e["function"] == "f"}
    assert {EVIL} == {e["exception"]["message"] for e in events if e["event"] == "EXCEPTION"}
