# SPDX-License-Identifier: MIT
"""The pages for people: links lead somewhere, commands and options exist, tables are whole."""
import functools
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "vmlinux/README.md",
                *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*/README.md"),
                *(ROOT / "tests").glob("*/README.md"), *(ROOT / "agent_ext").glob("*.md")])
MANUAL = [page for page in PAGES if page.name != "CHANGELOG.md"]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
CODE = re.compile(r"(`+)(.+?)\1", re.S)
LINK = re.compile(r"\[[^][]*\]\(([^()\s]+)\)")
OPTION_ROW = re.compile(r'\{\s*(?:\.name = )?"([a-z-]+)",\s*(?:(?:\.letter = )?\'(.)\',|0,|\.)')
COUNTED = {"somebody", "whoever", "nobody", "likewise", "behind", "stands", "goes on"}


def name(path):
    return str(path.relative_to(ROOT))


def every(pages):
    return pytest.mark.parametrize("page", pages, ids=name)


def prose(text):
    """A page without its code blocks."""
    return FENCE.sub("", text)


# ---- links --------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def anchors(path):
    """What GitHub makes of the headings."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(path.read_text()), re.M):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        number = 0
        while (slug if not number else "%s-%d" % (slug, number)) in found:
            number += 1
        found.add(slug if not number else "%s-%d" % (slug, number))
    return found


def broken(page, text):
    for target in LINK.findall(CODE.sub("", prose(text))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or not there.is_relative_to(ROOT):
            yield target
        elif anchor and (there.suffix != ".md" or anchor not in anchors(there)):
            yield target


@every(PAGES)
def test_links_lead_somewhere(page):
    assert not list(broken(page, page.read_text()))


def test_every_page_is_linked_from_the_readme():
    linked = {target.partition("#")[0] for target in LINK.findall((ROOT / "README.md").read_text())}
    assert {name(page) for page in PAGES if page.parts[-2] == "docs"} <= linked


# ---- commands and options -----------------------------------------------------------------------


def options_of(text):
    """The options that rows of a table in C name, as --long and -l."""
    found = OPTION_ROW.findall(text)
    return {"--" + long for long, _ in found} | {"-" + letter for _, letter in found if letter}


@functools.lru_cache(maxsize=None)
def collector_options():
    rows = options_of((ROOT / "user/collector/config/table.c").read_text())
    rows |= {"--" + option for option in runtime_options()}
    return rows | {"--no-" + option[2:] for option in rows if option.startswith("--")}


def runtime_options():
    """Those of the table of runtime events."""
    found = re.findall(r'\bX\(\w+, "\w+", \d, "([a-z-]+)", "FLOWTRACE_',
                       (ROOT / "bpf/ft_runtime.h").read_text())
    assert found
    return found


@functools.lru_cache(maxsize=None)
def flowctl_options():
    """{command: its options}"""
    folder = ROOT / "cli/flowctl"
    shared = dict(re.findall(r"#define (READING_\w+)\(type, field\)(.*?\\\n\t\})",
                             (folder / "reading.h").read_text(), re.S))
    shared = {macro: options_of(row.replace("\\", "")) for macro, row in shared.items()}
    assert {"--where", "-w", "--follow", "-f"} == set().union(*shared.values())
    common = options_of((folder / "commands.c").read_text())
    assert "--json" in common
    commands = {}
    for path in folder.glob("*.c"):
        text = path.read_text()
        own = options_of(text) | common
        for macro, options in shared.items():
            own |= options if macro + "(" in text else set()
        for command in re.findall(r"^const struct command command_(\w+)", text, re.M):
            commands[command] = own
    return commands


@functools.lru_cache(maxsize=None)
def dev_options():
    """({commands}, {options}) of ./dev; those of bench are the scripts' own."""
    usage = subprocess.run([ROOT / "dev", "help"], capture_output=True, text=True, check=True).stdout
    scripts = "".join(path.read_text() for path in (ROOT / "tests/bench").glob("*.py"))
    return (set(re.findall(r"^\./dev (\w+)", usage, re.M)),
            set(re.findall(r"--[a-z-]+", usage)) |
            set(re.findall(r'add_argument\("(--[a-z-]+)"', scripts)))


@functools.lru_cache(maxsize=None)
def agent_options():
    text = (ROOT / "agent_ext/flowtrace_agent/_options.py").read_text()
    return set(re.findall(r'(?:name|letter)="(--?[a-zA-Z-]+)"', text))


def given(words):
    """The options among the words of a command, up to a "--"."""
    for word in words:
        if word == "--":
            return
        if re.match(r"--?[a-zA-Z]", word):
            yield word.partition("=")[0]


def unknown(words):
    """What a simple command names that its program has not."""
    while words and (words[0] in ("sudo", "env", "timeout") or "=" in words[0]):
        words = words[1:]
    program = words[0].rpartition("/")[2] if words else ""
    if program == "flowtrace-bpf":
        return [o for o in given(words[1:]) if o not in collector_options()]
    if program == "flowctl" and len(words) > 1:
        options = flowctl_options().get(words[1])
        return [words[1]] if options is None else [o for o in given(words[2:]) if o not in options]
    if words[:1] == ["./dev"] and len(words) > 1:
        commands, options = dev_options()
        return [o for o in [words[1]] if o not in commands] + \
            [o for o in given(words[2:]) if o not in options]
    if words[1:3] == ["-m", "flowtrace_agent"]:
        own = words[3:]
        ends = [n for n, word in enumerate(own) if word.endswith(".py") or word == "-m"]
        return [o for o in given(own[:ends[0]] if ends else own) if o not in agent_options()]
    return []


def commands_in(text):
    """The simple commands of code blocks: lines of sh, and what follows a prompt elsewhere. What
    is code of a line of text counts too."""
    blocks = [(language, line) for language, block in FENCE.findall(text)
              for line in block.splitlines()]
    lines = [line[2:] if line.startswith("$ ") else line for language, line in blocks
             if language == "sh" or line.startswith("$ ")]
    lines += [code for _, code in CODE.findall(prose(text))]
    for line in lines:
        try:
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()<>")
            lexer.whitespace_split = True
            words = list(lexer)
        except ValueError:  # a quote of prose
            continue
        command = []
        for word in [*words, ";"]:
            if word[0] not in "|&;()<>":
                command.append(word)
                continue
            if command:
                yield command
            command = []


@every(MANUAL)
def test_commands_and_their_options_exist(page):
    assert not [(words, unknown(words)) for words in commands_in(page.read_text()) if unknown(words)]


@every(MANUAL)
def test_options_in_the_text_exist(page):
    known = collector_options() | dev_options()[1] | agent_options()
    known = known.union(*flowctl_options().values())
    known |= {"--test-dir"}  # of ctest
    said = [code for _, code in CODE.findall(prose(page.read_text()))]
    options = [word.partition("=")[0] for code in said if code.startswith("-")
               for word in code.split() if re.match(r"--[a-z-]+", word)]
    assert not [option for option in options if option not in known and option != "--no-"]


def test_every_option_is_documented():
    table = (ROOT / "user/collector/config/table.c").read_text()
    table = table.split("rows[] = {")[1].split("\n};")[0]
    rows = re.findall(r"^\t\{ \.name = \"([a-z-]+)\".*?\},$", table, re.M | re.S)
    off = set(re.findall(r"^\t\{ \.name = \"([a-z-]+)\"[^}]*FLAG_SHOW_OFF", table, re.M))
    assert len(rows) > 20
    rows += runtime_options()
    page = (ROOT / "docs/attach.md").read_text()
    documented = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    flags = [f"--no-{row}" if row in off else f"--{row}" for row in rows]
    assert not [f for f in flags if not re.search(re.escape(f) + r"(?![a-z-])", documented)]


def test_every_command_of_flowctl_is_documented():
    pages = (ROOT / "docs/reading-traces.md").read_text() + (ROOT / "docs/agent.md").read_text()
    commands = set(flowctl_options()) - {"help", "version"}
    assert len(commands) > 10
    assert not [command for command in commands if not re.search(r"flowctl %s\b" % command, pages)]


def test_every_field_of_config_is_documented():
    config = (ROOT / "agent_ext/flowtrace_agent/config.py").read_text()
    rows = re.findall(r'^    (\w+): .* = _setting\(\s*"(\w+)"', config, re.M)
    page = (ROOT / "docs/agent.md").read_text()
    documented = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    assert len(rows) > 10
    assert not [row for row in rows if not all("`%s`" % word in documented for word in row)]


# ---- figures --------------------------------------------------------------------------------------


FIGURE = re.compile(r"\|[^|\n]*\b\d[\d.,]* ?(?:ns|us|ms|s|KiB|MiB|GB|events/s)\b[^|\n]*\|")
MEASURES = re.compile(r"`(?:sudo )?(?:\./dev bench|flowtrace-bpf|build/bin/)[^`]*`")


def figures_without_a_command(text):
    """The sections with a table of figures that do not say what measured them."""
    sections = re.split(r"^##+ ", text, flags=re.M)
    return [section.splitlines()[0] for section in sections
            if FIGURE.search(section) and not MEASURES.search(section)]


@pytest.mark.parametrize("page, section", [("docs/benchmarks.md", None), ("README.md", "Cost")])
def test_figures_name_their_command(page, section):
    text = (ROOT / page).read_text()
    if section:
        text = text.split("\n## %s\n" % section)[1].split("\n## ")[0]
    assert FIGURE.search(text)
    assert not figures_without_a_command(text)


def test_a_figure_without_a_command_is_found():
    table = "| what | measured |\n| --- | --- |\n| a call | 28 ns |\n"
    assert figures_without_a_command("## Calls\n\n" + table) == ["Calls"]
    assert not figures_without_a_command("## Calls\n\n`sudo ./dev bench`:\n\n" + table)


# ---- what else is named -------------------------------------------------------------------------


@every(MANUAL)
def test_files_that_are_named_exist(page):
    tops = [path.name for path in ROOT.iterdir() if path.is_dir()]
    wanted = re.compile(r"^(?:%s)/[\w./-]*$" % "|".join(map(re.escape, tops)))
    made = re.compile(r"^(?:build|dist)/|N(?:AME)?\b|_N")
    said = [code for _, code in CODE.findall(prose(page.read_text()))]
    assert not [code for code in said if wanted.match(code) and not made.search(code) and
                not (ROOT / code).exists()]


# ---- form ---------------------------------------------------------------------------------------


def cells(line):
    """How many cells a row of a table has."""
    return len(re.findall(r"(?<!\\)\|", line)) - 1


def torn_tables(text):
    """Rows that do not render as a row: GitHub wants a head, a line of dashes, and no gap."""
    for block in re.split(r"\n(?!\|)", prose(text)):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        if rows and (len(rows) < 3 or not re.fullmatch(r"\|(?: -+:? \|)+", rows[1])):
            yield rows[0]
        yield from (row for row in rows if not row.endswith("|") or cells(row) != cells(rows[0]))


@every(PAGES)
def test_tables_are_whole(page):
    assert not list(torn_tables(page.read_text()))


@every(PAGES)
def test_code_blocks_end(page):
    assert page.read_text().count("\n```") % 2 == 0


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


@every([ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
def test_words(page):
    """Words that made sentences hard to read here."""
    words = r"\b(?:%s|(?<!there )(?:is|are) no)\b(?! longer)" % "|".join(sorted(COUNTED))
    assert not re.findall(words, CODE.sub("", prose(page.read_text())), re.I)


# ---- would it be noticed? -----------------------------------------------------------------------


@pytest.mark.parametrize("line", [
    "flowtrace-bpf --pidd 1", "sudo build/bin/flowtrace-bpf --pid 1 -Z", "flowctl stat x",
    "flowctl slow --by module x", "flowctl stats x | flowctl grep --wher y", "./dev tset",
    "./dev format --chek", "python3 -m flowtrace_agent --prefixes a app.py",
])
def test_wrong_commands_are_noticed(line):
    assert any(unknown(words) for words in commands_in("```sh\n%s\n```\n" % line))


def test_broken_pages_are_noticed():
    page = ROOT / "docs/attach.md"
    assert list(broken(page, "[a](none.md) [b](events.md#none) [c](#options) ![d](report.png)")) == \
        ["none.md", "events.md#none"]
    table = "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    assert not list(torn_tables(table)) and list(torn_tables(table + "\n| 3 | 4 |\ntext\n"))
    assert list(torn_tables(table + "| 3 |\n")) and list(torn_tables("| a |\n| 1 |\n"))
