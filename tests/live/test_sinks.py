# SPDX-License-Identifier: MIT
"""Where spans go (--to), and which of them (--slower-than, --errors-only)."""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios

import harness
import pytest
from harness import refused

RECORDINGS = harness.REPO / "tests/replay"
HEAD = re.compile(r"\d\d:\d\d:\d\d\.\d{6} {1,11}(\d\S* (?:us|ms|s))?  ( *)(.*)")
PROGRAM = """
import time

def leaf(n):
    return n * 2

def slow():
    time.sleep(0.05)
    return leaf(1)

def fails(n):
    leaf(n)
    raise ValueError("no %d" % n)

def main():
    for n in range(3):
        leaf(n)
        try:
            fails(n)
        except ValueError:
            pass
    slow()

main()
"""


def replay(name, *options, **more):
    """Renders a recording; returns (standard output, standard error)."""
    _, output, errors = harness.run([harness.TRACER, "--replay", RECORDINGS / (name + ".ftrec"),
                                     *options], check=0, **more)
    return output, errors


def run_traced(tmp_path, *options, program=PROGRAM, **more):
    """Traces the program; returns (standard output, standard error)."""
    (tmp_path / "program.py").write_text(program)
    _, output, errors = harness.run([harness.TRACER, "-P", "__main__", *options, "--",
                                     harness.PYTHON, "program.py"], check=0, cwd=tmp_path, **more)
    return output, errors


def shape(text):
    """(indentation, what it says) of every line of text."""
    lines = [HEAD.fullmatch(line) for line in text.splitlines() if not line.startswith("-- ")]
    assert all(lines), text
    return [(len(line[2]) // 2, line[3]) for line in lines]


def events(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_text_of_a_pipe(tmp_path):
    """No colours, nothing cut; no flowtrace.jsonl beside it."""
    text, errors = replay("calls", "--to", "text", cwd=tmp_path)
    assert "\033" not in text and not list(tmp_path.iterdir())
    assert shape(text)[0] == (0, '__main__.main(argv=["café"]) {')
    assert errors.endswith("-> standard output\n")


def on_terminal(argv, columns, **env):
    """What a program writes to a terminal so wide."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = harness.start(argv, stdout=follower, stdin=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL,
                            env=harness.environment(TERM="xterm", TZ="UTC", **env))
    os.close(follower)
    parts = []
    try:
        while True:
            parts.append(os.read(leader, 65536))
    except OSError:  # its other end is closed
        assert process.wait(timeout=harness.PATIENCE) == 0
    finally:
        harness.kill_session(process)
        os.close(leader)
    return b"".join(parts).decode().replace("\r\n", "\n")


def test_text_of_a_terminal():
    """Colours, which NO_COLOR turns off; no line is wider than it."""
    argv = [harness.TRACER, "-q", "--replay", RECORDINGS / "exceptions.ftrec", "--to", "text"]
    colored, plain = on_terminal(argv, 70), on_terminal(argv, 70, NO_COLOR="1")
    assert "\033[31mshop" not in plain and re.search(r"\033\[31m.*raised.*\033\[0m\n", colored)
    assert "\033" not in plain and re.sub(r"\033\[\d+m", "", colored) == plain
    assert all(len(line) <= 70 for line in plain.splitlines()), plain
    assert any("..." in line for line in plain.splitlines())


HOSTILE = r"""
def f(a):
    return a
name = "f\033]0;owned\007\u202e\n-- process 1, MainThread"
f = type(f)(f.__code__.replace(co_name=name), globals())
f("\033[2J\n\r\x9b31m")
"""


@pytest.mark.live
def test_what_a_terminal_would_obey(tmp_path):
    """Names and values of the target steer no terminal, end no line, colour nothing."""
    (tmp_path / "program.py").write_text(HOSTILE)
    argv = [harness.TRACER, "-q", "-P", "__main__", "--to", "text", "--", harness.PYTHON,
            tmp_path / "program.py"]
    text = on_terminal(argv, 300, NO_COLOR="1")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text), repr(text)
    assert sum(line.startswith("-- process 1,") for line in text.splitlines()) == 0
    assert "owned" in text and len([line for line in text.splitlines() if "owned" in line]) <= 2
    colored = on_terminal(argv, 300)
    assert set(re.findall(r"\033[^m]*m", colored)) <= {"\033[2m", "\033[0m"}, repr(colored)


def test_several_at_once(tmp_path):
    """Each has everything; the same bytes as alone."""
    both = tmp_path / "both.jsonl"
    text, errors = replay("calls", "-o", both, "--to", "text,null", "--to",
                          "jsonl:%s" % (tmp_path / "second.jsonl"))
    assert text == replay("calls", "--to", "text")[0]
    assert both.read_bytes() == (tmp_path / "second.jsonl").read_bytes()
    assert len(events(both)) == 6 and errors.endswith("-> %s\n" % both)


def test_standard_output_too(tmp_path):
    """--stdout is one more of them."""
    text, _ = replay("calls", "-o", tmp_path / "a.jsonl", "--stdout")
    assert text == (tmp_path / "a.jsonl").read_text()


def test_by_variable_and_file(tmp_path):
    """As every option."""
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"to": ["text:%s" % (tmp_path / "a")], "slower-than": "1ms"}))
    replay("calls", "-c", settings, cwd=tmp_path)
    assert [depth for depth, _ in shape((tmp_path / "a").read_text())] == [0, 0]
    replay("calls", env=harness.environment(FLOWTRACE_TO="text:%s" % (tmp_path / "b")), cwd=tmp_path)
    assert len(shape((tmp_path / "b").read_text())) == 4
    assert not (tmp_path / "flowtrace.jsonl").exists()


@pytest.mark.parametrize("to, says", [("json", "jsonl, text, null"), ("null:x", "takes no file"),
                                      ("text:", "name of a file"), ("jsonl:-,text", "twice")])
def test_what_is_no_sink(to, says, tmp_path):
    """One line, status 2, before anything is looked at; nothing is made."""
    refused(2, "--replay", RECORDINGS / "calls.ftrec", "--to", to, says=[says], cwd=tmp_path)
    if to != "jsonl:-,text":
        refused(2, "--pid", 1, "--to", to, says=[says], cwd=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", ["10", "fast", "-1ms", "10 parsecs"])
def test_what_is_no_duration(value):
    """A number is seconds."""
    status = 0 if value == "10" else 2
    got, _, errors = harness.run([harness.TRACER, "-q", "--replay", RECORDINGS / "calls.ftrec", "-o",
                                  "/dev/null", "--slower-than=%s" % value])
    assert got == status and (not status or harness.lines_said(errors) == 1), errors


@pytest.mark.parametrize("options", [["--slower-than", "30ms"], ["--errors-only"],
                                     ["--slower-than", "30ms", "--errors-only"]], ids=repr)
@pytest.mark.parametrize("name", ["live", "replayed"])
def test_chosen_calls(name, options, tmp_path):
    """What was chosen is as in the whole trace, with its parent's number; the rest is counted."""
    whole, chosen, record = (tmp_path / n for n in ("whole.jsonl", "chosen.jsonl", "record"))
    if os.geteuid():
        pytest.skip("needs root")
    if name == "live":
        _, errors = run_traced(tmp_path, "-o", chosen, "--record", record, *options)
    else:
        run_traced(tmp_path, "-o", "/dev/null", "--record", record)
        _, _, errors = harness.run([harness.TRACER, "--replay", record, "-o", chosen, *options],
                                   check=0)
    harness.run([harness.TRACER, "--replay", record, "-o", whole], check=0)
    slow, failed = "--slower-than" in options, "--errors-only" in options
    ends = [e for e in events(whole) if e["event"] == "EXIT" and
            (not slow or e["durationMicros"] >= 30000) and (not failed or "exception" in e)]
    wanted = {"main", "slow", "<module>"} if slow else {"fails"}
    assert {e["function"] for e in ends} == (set() if slow and failed else wanted)
    spans = {e["span"] & 0xffffffff for e in ends}
    assert bare(sorted(events(chosen), key=order)) == bare(
        sorted((e for e in events(whole) if e["span"] & 0xffffffff in spans), key=order))
    total = len([e for e in events(whole) if e["event"] == "EXIT"])
    assert "%d filtered, " % (total - len(ends)) in errors


def order(event):
    """Of a call its events in their order."""
    return event["span"] & 0xffffffff, ("ENTER", "EXCEPTION", "EXIT").index(event["event"])


def bare(found):
    """Without the bits of a run in numbers of spans."""
    return [{**e, "span": e["span"] & 0xffffffff, "parent": e["parent"] & 0xffffffff}
            for e in found]


@pytest.mark.live
def test_a_call_that_hangs(tmp_path):
    """It is not over when the trace ends, and is slow by then: its ENTER is there."""
    chosen = tmp_path / "chosen.jsonl"
    (tmp_path / "program.py").write_text("import time\ndef hang():\n    time.sleep(60)\nhang()\n")
    argv = [harness.TRACER, "-P", "__main__", "-o", chosen, "--slower-than", "100ms", "-d", "1.5",
           "--", harness.PYTHON, tmp_path / "program.py"]
    harness.run(argv, timeout=harness.PATIENCE)
    assert [(e["event"], e["function"]) for e in events(chosen)] == [("ENTER", "hang"),
                                                                     ("ENTER", "<module>")]


def test_requests_are_chosen_too():
    """One is slow, another fails."""
    text = (RECORDINGS / "http.expected.jsonl").read_text().splitlines()
    response = next(json.loads(line) for line in text if '"HTTP_RESPONSE"' in line)
    output, errors = replay("http", "-o", "-", "--errors-only")
    kinds = [json.loads(line)["event"] for line in output.splitlines()]
    assert response["status_code"] == 500 and kinds.count("HTTP_RESPONSE") == 1
    assert kinds.count("HTTP_REQUEST") == 1 and "filtered" in errors
    output, _ = replay("http", "-o", "-", "--slower-than", "1s")
    assert "HTTP" not in output


def test_so_many_events():
    """A call that failed has two at its end."""
    whole = [json.loads(line) for line in replay("exceptions", "-o", "-")[0].splitlines()]
    for n in range(1, len(whole) + 2):
        got = [json.loads(line) for line in replay("exceptions", "-o", "-", "-n", n)[0].splitlines()]
        assert bare(got) == bare(whole[:n])
