# SPDX-License-Identifier: MIT
"""Man pages and completions: what the tables say is in them, and real shells take them."""
import contextlib
import fcntl
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
from pathlib import Path

import harness
import pytest
from conftest import FLOWCTL

MANUAL = FLOWCTL.parent.parent / "manual"
PAGES = sorted((MANUAL / "man").glob("*.1"))
COLLECTOR = FLOWCTL.parent / "flowtrace-bpf"

pytestmark = pytest.mark.skipif(not PAGES, reason="no man pages at %s" % MANUAL)


def need(program):
    if not shutil.which(program):
        pytest.skip("no " + program)


def help_of(*command):
    return harness.run([*command, "--help"], check=0)[1]


def options_in(text):
    """-x and --xyz, where they are set off as options."""
    return set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", text, re.I))


def rendered(page):
    """The page as text, and what its reader had to say."""
    need("man")
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", page], check=False,
                          capture_output=True, timeout=60,
                          env=harness.environment(MANWIDTH="80"))
    assert done.returncode == 0, done.stderr
    return done.stdout.decode(), done.stderr.decode()


def command_names(flowctl):
    return re.findall(r"^  (?!flowctl)(\w+) ", flowctl("help")[0], re.M)


# ---- man pages ----------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_set_without_a_warning(page):
    text, warnings = rendered(page)
    assert warnings == ""
    assert max(map(len, text.splitlines())) <= 160
    assert "\\" not in text.replace("\\n", "")
    assert "FlowTrace BPF" in text and "()" not in text.splitlines()[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_mandoc_finds_nothing(page):
    need("mandoc")
    _, found, errors = harness.run(["mandoc", "-Tlint", page])
    # Long lines of the source: NAME has to be one.
    assert not [line for line in (found + errors).splitlines() if "longer than 80" not in line]


def test_every_command_has_a_page(flowctl):
    names = command_names(flowctl)
    assert {"flowtrace-bpf.1", "flowctl.1", *("flowctl-%s.1" % n for n in names)} == {
        page.name for page in PAGES}
    overview = rendered(MANUAL / "man" / "flowctl.1")[0]
    for name in names:
        assert "flowctl-%s(1)" % name in overview
        text = rendered(MANUAL / "man" / ("flowctl-%s.1" % name))[0]
        for title in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT",
                      "EXAMPLES", "SEE ALSO"):
            assert re.search("^%s$" % title, text, re.M), (name, title)
        missing = options_in(help_of(FLOWCTL, name)) - options_in(text)
        assert not missing, (name, missing)


def test_the_collectors_page_has_everything_that_its_table_has():
    text = rendered(MANUAL / "man" / "flowtrace-bpf.1")[0]
    usage = help_of(COLLECTOR)
    assert not options_in(usage) - options_in(text) - {"--no-OPTION"}
    for option in options_in(usage) - {"-h", "--help", "--version"}:
        if option.startswith("--") and not option.startswith("--no-"):
            assert "FLOWTRACE_" + option[2:].upper().replace("-", "_") in text, option
            if option != "--config":
                assert re.search(r"\bkey\s+%s\." % option[2:], text), option
    for word in ("FLOWTRACE_PACKAGE_PREFIX", "FLOWTRACE_LOGFILE", "auto, usdt, uprobe, agent",
                 "password,passwd,secret", "At most 8192", "Default: 16M"):
        assert word in text
    statuses = re.search(r"Exit status:(.*)\.", usage, re.S)[1]
    section = re.search(r"^EXIT STATUS$(.*?)^\S", text, re.M | re.S)[1]
    found = re.findall(r"(\d) ([^,]+)", re.sub(r"\s+", " ", statuses))
    assert [number for number, _ in found] == list("0123456")
    for number, meaning in found:
        assert re.search(r"^ +%s +%s$" % (number, re.escape(meaning)), section, re.M)


def test_examples_of_the_collector_use_options_that_it_has():
    text = rendered(MANUAL / "man" / "flowtrace-bpf.1")[0]
    section = re.search(r"^EXAMPLES$(.*?)^NOTES$", text, re.M | re.S)[1]
    commands = re.findall(r"flowtrace-bpf( [^&|\n]*)", section)
    assert len(commands) >= 6
    has = options_in(help_of(COLLECTOR))
    for command in commands:
        used = options_in(re.sub(r"\$\(.*?\)", "", command.split(" -- ")[0]))
        assert used and used <= has, command


def test_installed_pages_are_found(tmp_path):
    need("cmake")
    build = FLOWCTL.parent.parent
    harness.run(["cmake", "--install", build, "--prefix", tmp_path], check=0)
    for name in ("flowtrace-bpf", "flowctl", "flowctl-stats"):
        found = harness.run(["man", "-M", tmp_path / "share/man", "-w", name], check=0)[1]
        assert found.strip() == str(tmp_path / "share/man/man1" / (name + ".1"))
    for path in ("bash-completion/completions/%s", "zsh/site-functions/_%s",
                 "fish/vendor_completions.d/%s.fish"):
        for name in ("flowctl", "flowtrace-bpf"):
            assert (tmp_path / "share" / (path % name)).is_file()


# ---- completions --------------------------------------------------------------------------


class Shell:
    """A real shell on a terminal; Tab is pressed in it."""

    def __init__(self, argv, cwd, *setup):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.chdir(cwd)
            os.execvpe(argv[0], argv, harness.environment(TERM="xterm", HISTFILE="/dev/null"))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 300, 0, 0))
        for number, line in enumerate(setup):
            self.write("%s; echo rea''dy%d\n" % (line, number))
            self.read_until("ready%d" % number)
        self.settle()

    def write(self, text):
        os.write(self.fd, text.encode())

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return ""
        return os.read(self.fd, 65536).decode("utf-8", "replace")

    def read_until(self, word, seconds=20):
        got, end = "", time.monotonic() + seconds
        while word not in got:
            assert time.monotonic() < end, got
            got += self.read(0.2)
        return got

    def waits(self):
        """For a key: it sleeps, and not for a program that it runs."""
        proc = Path("/proc/%d" % self.pid)
        return (proc.joinpath("stat").read_text().rpartition(") ")[2][0] == "S" and
                not proc.joinpath("task/%d/children" % self.pid).read_text())

    def settle(self, quiet=0.5):
        """All that comes until nothing comes for a while, and nothing is to come."""
        got, end = "", time.monotonic() + 20
        while True:
            piece = self.read(quiet)
            if not piece and self.waits():
                return got
            assert time.monotonic() < end, got
            got += piece

    def complete(self, line):
        """What the terminal shows after two Tabs: the line and the choices."""
        self.write(line + "\t")
        got = self.read_until(line.split()[-1][:1]) + self.settle()
        self.write("\t")
        got += self.settle()
        self.write("\x03")
        self.settle(0.2)
        return re.sub(r"\033\[[0-9;?]*[A-Za-z]|[\r\a]|.\x08", " ", got)

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


class Fish:
    """Asks fish itself what it would offer."""

    def __init__(self, cwd):
        self.cwd = cwd

    def complete(self, line):
        return harness.run(
            ["fish", "-N", "-c", "source %s/fish/flowctl.fish; source %s/fish/flowtrace-bpf.fish; "
             "complete -C '%s'" % (MANUAL, MANUAL, line)], check=0, cwd=self.cwd,
            env=harness.environment(HOME=str(self.cwd)))[1]

    def close(self):
        pass


def bash(cwd):
    setup = ["bind 'set %s'" % setting for setting in (
        "show-all-if-ambiguous on", "page-completions off", "completion-query-items 0",
        "enable-bracketed-paste off")]
    return Shell(["bash", "--norc", "--noprofile", "-i"], cwd, *setup, "PS1='> '",
                 *("source %s/bash/%s" % (MANUAL, name) for name in ("flowctl", "flowtrace-bpf")))


def zsh(cwd):
    return Shell(["zsh", "-f", "-i"], cwd, "PS1='> '", "unsetopt PROMPT_SP ZLE_BRACKETED_PASTE",
                 "fpath=(%s/zsh $fpath)" % MANUAL, "autoload -U compinit", "compinit -u -D",
                 "LISTMAX=10000")


@pytest.fixture(scope="module", params=[bash, zsh, Fish], ids=["bash", "zsh", "fish"])
def shell(request, tmp_path_factory):
    need(request.param.__name__.lower())
    cwd = tmp_path_factory.mktemp("shell")
    (cwd / "july.jsonl").touch()
    (cwd / "june.jsonl").touch()
    shell = request.param(cwd)
    yield shell
    shell.close()


def words(text):
    return set(re.split(r"[\s=]+", text))


def test_commands_are_completed(shell, flowctl):
    assert set(command_names(flowctl)) <= words(shell.complete("flowctl "))
    offered = words(shell.complete("flowctl help s"))
    assert {"stats", "slow"} <= offered and "check" not in offered


@pytest.mark.parametrize("command", ["flowtrace-bpf", "flowctl stats", "flowctl check"])
def test_every_option_is_completed(shell, command):
    has = {option for option in options_in(help_of(FLOWCTL.parent / command.split()[0],
                                                   *command.split()[1:]))
           if option.startswith("--") and option != "--no-OPTION"}
    assert len(has) >= 4
    missing = has - words(shell.complete(command + " --"))
    assert not missing


@pytest.mark.parametrize("line, offered", [
    ("flowtrace-bpf --backend ", {"auto", "usdt", "uprobe", "agent"}),
    ("flowctl stats --by ", {"function", "module", "thread"}),
    ("flowctl stats -b ", {"function", "module", "thread"}),
    ("flowctl stats --sort=p", {"p50", "p95", "p99"}),
])
def test_choices_are_completed(shell, line, offered):
    got = words(shell.complete(line))
    assert offered <= {word.rpartition("=")[2] for word in got}
    assert "july.jsonl" not in got


def test_files_are_completed(shell):
    for line in ("flowctl stats ju", "flowctl stats --sort calls ju",
                 "flowtrace-bpf --pid 1 -o ju", "flowtrace-bpf --replay ju",
                 "flowtrace-bpf -- cat ju"):
        assert {"july.jsonl", "june.jsonl"} <= words(shell.complete(line)), line
    assert "july.jsonl" in shell.complete("flowctl stats jul")
    assert "july.jsonl" not in shell.complete("flowtrace-bpf --prefix ju")
    assert "july.jsonl" not in shell.complete("flowctl version ju")


def test_pids_of_python_processes_are_completed(shell):
    with harness.start([harness.PYTHON, "-c", "input()"], stdin=subprocess.PIPE) as process, \
            harness.start(["sleep", "60"]) as other:
        try:
            for started, name in ((process, "python"), (other, "sleep")):
                harness.wait_for("exec", lambda: name in os.readlink("/proc/%d/exe" % started.pid))
            for line in ("flowtrace-bpf --pid ", "flowtrace-bpf -p ", "flowtrace-bpf --check -p "):
                got = words(shell.complete(line))
                assert str(process.pid) in got and str(other.pid) not in got, line
            start = str(process.pid)[:-1]
            got = shell.complete("flowtrace-bpf --pid %d,%s" % (os.getpid(), start))
            assert re.search(r"\b%d,%d\b|(?<!\S)%d\b" % (os.getpid(), process.pid, process.pid),
                             got)
        finally:
            harness.kill_session(process)
            harness.kill_session(other)


def test_a_program_behind_dashes_is_completed(shell):
    assert "readlink" in words(shell.complete("flowtrace-bpf -P x -- readli"))


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_shells_can_parse_them(kind, tmp_path):
    need(kind)
    for path in (MANUAL / kind).iterdir():
        assert harness.run([kind, "-n", path], check=0,
                           env=harness.environment(HOME=str(tmp_path)))[2] == ""
    if kind == "bash" and shutil.which("shellcheck"):
        harness.run(["shellcheck", "-s", "bash", "-e", "SC2034,SC2086",
                     *(MANUAL / "bash").iterdir()], check=0)
