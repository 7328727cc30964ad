# SPDX-License-Identifier: MIT
"""Commands and options: help, mistakes, exit status."""
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
from conftest import FLOWCTL


def commands(flowctl):
    return re.findall(r"^  (?!flowctl)(\w+) ", flowctl("help")[0], re.M)


def test_help_names_every_command_and_option(flowctl):
    found = commands(flowctl)
    assert {"stats", "check", "slow", "errors", "tree", "requests", "grep", "diff", "merge", "help",
            "version"} <= set(found)
    for name in found:
        text = flowctl(name, "--help")[0]
        assert text.startswith("flowctl %s [options]" % name)
        assert "--json" in text and "--help" in text
        assert flowctl("help", name)[0] == text and flowctl(name, "-h")[0] == text
        assert max(map(len, text.splitlines())) <= 80
    assert flowctl("--help")[0] == flowctl("help")[0]


def test_version(flowctl):
    text = flowctl("version")[0]
    assert re.fullmatch(r"flowctl \d+\.\d+\.\d+\n", text)
    assert flowctl("--version")[0] == text
    assert text == "flowctl %s\n" % flowctl.json("version")["version"]


@pytest.mark.parametrize("args, says", [
    ((), "missing command"),
    (("stast", "x"), "did you mean stats?"),
    (("quux",), "see flowctl help"),
    (("--quux",), "unknown option --quux"),
    (("stats",), "missing operand: TRACE..."),
    (("stats", "x", "--srot", "calls"), "did you mean --sort?"),
    (("stats", "x", "--zzzz"), "see flowctl stats --help"),
    (("stats", "x", "-Z"), "no option -Z"),
    (("stats", "x", "--sort"), "--sort needs a value"),
    (("stats", "x", "--sort=size"), "--sort takes one of self|total|"),
    (("stats", "x", "--limit", "0"), "--limit must be at least 1"),
    (("stats", "x", "-n", "ten"), "--limit takes a whole number"),
    (("stats", "x", "-n", "-1"), "--limit takes a whole number"),
    (("slow", "x", "-n", "99999"), "--limit must be at most 10000"),
    (("stats", "x", "--json=1"), "--json takes no value"),
    (("version", "x"), 'version takes no "x"'),
    (("help", "quux"), 'unknown command "quux"'),
    (("help", "stats", "check"), 'unexpected operand "check"'),
])
def test_wrong_usage(flowctl, args, says):
    flowctl.refused(*args, status=2, says=[says])


@pytest.mark.parametrize("args", [
    ("--sort", "calls", "--limit", "2"), ("--sort=calls", "--limit=2"), ("-scalls", "-n2"),
    ("-s", "calls", "-n", "2"), ("--so", "calls", "--lim=2"),
    ("-n", "1", "-n", "2", "-s", "calls")])
def test_ways_to_write_an_option(flowctl, trace, args):
    rows = flowctl.json("stats", *args, "--", trace)["rows"]
    assert len(rows) == 2 and rows[0]["calls"] >= rows[1]["calls"] > 0
    assert rows == flowctl.json("stats", trace, *args)["rows"]


def test_a_file_may_be_called_like_an_option(flowctl, trace, tmp_path):
    (tmp_path / "--json").write_bytes(trace.read_bytes())
    done = subprocess.run([FLOWCTL, "stats", "-n1", "--", "--json"], cwd=tmp_path, check=True,
                          capture_output=True)
    assert b"events" in done.stdout


def test_a_full_disk_is_said(flowctl, trace):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([FLOWCTL, "stats", trace], stdout=full, stderr=subprocess.PIPE,
                              check=False)
    assert done.returncode == 1
    assert done.stderr == b"flowctl: cannot write standard output: No space left on device\n"


def on_terminal(*args, columns=80, **env):
    """What it prints to a terminal of this width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([FLOWCTL, *map(str, args)], stdout=slave, stderr=slave,
                          stdin=subprocess.DEVNULL, env=harness.environment(**{"TERM": "xterm", **env})) as process:
        os.close(slave)  # so that it ends when the program does
        got = b""
        try:
            while True:
                piece = os.read(master, 65536)
                if not piece:
                    break
                got += piece
        except OSError:  # the other end is closed
            pass
        os.close(master)
        assert process.wait(timeout=60) == 0
    return got.decode().replace("\r\n", "\n")


def plain(text):
    return re.sub(r"\033\[[0-9;]*m", "", text)


def test_a_terminal_has_colours_unless_not_wanted(flowctl, trace):
    coloured = on_terminal("stats", trace)
    assert "\033[1m" in coloured
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert on_terminal("stats", trace, **env) == plain(coloured)


@pytest.mark.parametrize("columns", [80, 100, 200])
@pytest.mark.parametrize("command", ["stats", "check"])
def test_a_table_is_no_wider_than_the_terminal(flowctl, trace, columns, command):
    lines = plain(on_terminal(command, trace, columns=columns)).split("\n\n")
    table = (lines[0] if command == "stats" else lines[1]).splitlines()
    assert len(table) == 41 if command == "stats" else len(table) > 1
    assert max(map(len, table)) <= max(columns, 90 if command == "stats" else 0)
    if columns == 200:
        assert "…" not in "".join(table)


def test_what_a_trace_holds_cannot_steer_the_terminal(flowctl, tmp_path):
    name = "\033]0;x\007\n\u202e\x9b31m"
    path = tmp_path / "t.jsonl"
    event = {"timestamp": 1, "event": "ENTER", "module": name, "function": name, "span": 1,
             "args": name, "thread": name, "file": name, "parent": 0}
    leave = {**event, "event": "EXIT", "timestamp": 2, "durationMicros": 1,
             "exception": {"type": name, "message": name}}
    lost = {"timestamp": 3, "event": "LOST", "count": 1, "reason": name}
    path.write_text("".join(json.dumps(e, ensure_ascii=False).replace("\x9b", "\\u009b") + "\n"
                            for e in (event, leave, lost)))
    diff = "diff %s" % path
    (tmp_path / "other").write_text(json.dumps({**lost, "timestamp": 4}) + "\n")
    for command in ("stats", "check", "slow", "errors", "tree", "tree --every --values", "requests",
                    "tree --values", "grep --pretty .", diff, "diff %s/other" % tmp_path):
        command = command.split()
        text = flowctl(*command, path)[0]
        assert not re.search("[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]", text), (command, text)
        if "--every" not in command and "grep" not in command:  # those give JSON lines
            assert flowctl.json(*command, path)
