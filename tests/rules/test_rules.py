# SPDX-License-Identifier: MIT
"""The rules of the house that a compiler does not check."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The folders of a library, and what they may include of it beside their own headers.
CORE = ["base", "model", "decode", "assemble", "filter", "sink", "recording"]
COLLECTOR = ["arch", "discover", "cpython", "attach", "ring"]
TRACE = ["read", "select", "calls", "analyze", "export"]
STAGES = COLLECTOR + CORE[2:]
WITH_BPF = {"attach", "ring"}  # may know libbpf and the skeleton
# The ELF reader and the files that were read belong to discover/, but are tools: they know nothing
# of the stage. So is what is known of the machine. The live ring hands on what a recording holds.
TOOLS = {
    ("cpython", "discover/elf.h"),
    ("cpython", "discover/binary.h"),
    ("discover", "arch/machine.h"),
    ("cpython", "arch/machine.h"),
    ("cpython", "arch/insn.h"),
    ("cpython", "arch/scan.h"),
    ("cpython", "arch/usdt_number.h"),
    ("ring", "recording/recording.h"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def sources(*folders):
    return [p for f in folders for p in sorted((ROOT / f).rglob("*.[ch]"))]


def includes(path):
    return INCLUDE.findall(path.read_text())


def code_of(path):
    """The file without comments and strings."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", path.read_text(), flags=re.S)
    return re.sub(r'"(?:\\.|[^"\\])*"', '""', text)


def name(path):
    return str(path.relative_to(ROOT))


def home(folder):
    """Where a folder of user/ is."""
    libraries = {"core": CORE, "collector": COLLECTOR, "trace": TRACE}
    return next(f"user/{name}/{folder}" for name, own in libraries.items() if folder in own)


def allowed(folder, bracket, header, path):
    """May a file of such a folder include this header?"""
    if header.startswith("bpf/") or header.endswith(".skel.h"):
        return folder in WITH_BPF
    if bracket == "<" or (folder, header) in TOOLS:
        return True
    if "/" not in header:
        return header.startswith("ft_") or (path.parent / header).exists()
    own = {"base": ["base"], "model": ["base", "model"]}.get(folder, ["base", "model", folder])
    return header.split("/")[0] in (own + TRACE if folder in TRACE else own)


@pytest.mark.parametrize("folder", CORE + COLLECTOR + TRACE)
def test_stages_do_not_know_each_other(folder):
    wrong = [
        f"{name(path)} includes {header}"
        for path in sources(home(folder))
        for bracket, header in includes(path)
        if not allowed(folder, bracket, header, path)
    ]
    assert not wrong


def test_only_the_two_halves_know_their_stages():
    knowing = {}
    core = (ROOT / "user/core").glob("*.[ch]")
    for path in [*core, *sources("user/collector/session", "cli")]:
        stages = {h.split("/")[0] for _, h in includes(path)} & set(STAGES)
        if len(stages) > 1:
            knowing[name(path)] = stages
    knowing = {Path(path).name: stages for path, stages in knowing.items()}
    # Records to lines, and pids to records: neither half knows the other's stages.
    assert knowing == {
        "pipeline.c": {"recording", "decode", "assemble", "filter"},
        "output.h": {"filter", "sink"},
        "prepare.c": {"discover", "cpython"},
        "looks.h": {"discover", "attach"},
        "check.h": {"attach", "cpython"},
        "run.c": {"attach", "ring"},
    }


def test_nothing_depends_on_commands_or_tests():
    wrong = [
        f"{name(path)} includes {header}"
        for path in sources("bpf", "user")
        for _, header in includes(path)
        if re.match(r"(\.\./)*(cli|tests|frameworks|agent_ext)/", header)
    ]
    assert not wrong


def test_bpf_compares_no_versions():
    version = re.compile(r"PY_VERSION\w*|\b\w*(?<!abi_)version\w*\b|\bminor\b|\bmajor\b", re.I)
    wrong = [
        f"{name(path)}: {word}"
        for path in sources("bpf")
        for word in version.findall(code_of(path))
        if word != "FT_ABI_VERSION"
    ]
    assert not wrong


def literal_offsets(code):
    """Numbers that are added to an address of the target where it is read."""
    inner = r"[^()]"
    for _ in range(3):
        inner = rf"(?:[^()]|\({inner}*\))"
    read = re.compile(rf"\b(?:read_(?:ptr|u32|ref|at)|bpf_probe_read_user\w*)\(({inner}*)\)")
    added = re.compile(r"[\w)]+ *[+-] *(?:\d+|[A-Z][A-Z\d_]+)\b(?! *[*(])")
    for found in read.finditer(re.sub(r"\[[^][]*\]", "", code)):
        # The address is the last argument, and may be an argument of another read inside.
        yield from added.findall(re.split(r",(?![^(]*\))", found[1])[-1])


def test_bpf_takes_offsets_from_the_layout():
    # A code unit before; of the machine; elements of an array.
    known = {"instr - 2", "tp + TLS_DTV", "n - 1"}
    wrong = [
        f"{name(path)}: {offset}"
        for path in sources("bpf")
        for offset in literal_offsets(code_of(path))
        if offset not in known
    ]
    assert not wrong
    assert list(literal_offsets("read_ptr(obj + 8)")) == ["obj + 8"]
    assert list(literal_offsets("read_at(&n, 8, seq + 16)")) == ["seq + 16"]
    assert list(literal_offsets("read_ptr(read_ptr(exc + l->a) - 24)")) == ["a) - 24"]
    assert list(literal_offsets("f(a, read_u32(a + SELF))")) == ["a + SELF"]
    assert list(literal_offsets("bpf_probe_read_user(w, 8 * n, (void *)(a + 8))")) == ["a + 8"]
    assert not list(literal_offsets("read_ptr(a + l->b + 8 * (u64)i)"))


def test_versions_are_compared_in_cpython_only():
    # setting t->minor is fine, asking for it is not; minor(dev) is another thing
    asked = re.compile(
        r"PY_VERSION_HEX|\bminor\s*(?:[<>]|[=!]=)|(?:[<>]=?|[=!]=)\s*\w+(?:->|\.)minor\b"
        r"|switch\s*\([^)]*\bminor\b"
    )
    wrong = [
        f"{name(path)}: {found.group()}"
        for path in sources("bpf", "user", "cli")
        if path.parent.name != "cpython"
        for found in asked.finditer(code_of(path))
    ]
    assert not wrong


def test_the_machine_is_known_in_one_folder():
    register = r"[re](?:[abcd]x|[sd]i|[sb]p|ip)|r(?:8|9|1[0-5])d?"
    machine = re.compile(rf"\b(?:capstone|EM_X86\w+|R_X86\w+|X86_\w+|endbr64|(?i:{register}))\b")
    wrong = [
        f"{name(path)}: {word}"
        for path in sources("user", "cli")
        if "arch" not in path.parts
        for word in machine.findall(path.read_text())
    ]
    assert not wrong
    opened = [p for p in sources("user") if "capstone" in p.read_text()]
    assert [name(p) for p in opened] == ["user/collector/arch/x86_64/insn.c"]


def test_bpf_knows_the_machine_in_one_folder():
    # A register is named as a member of struct pt_regs, or of what holds the thread pointer.
    member = r"ctx->(?!args\b|name\b)\w+|offsetof\(struct pt_regs, *(?!name\))\w+|struct pt_regs \{"
    machine = re.compile(rf"\bfsbase\b|x86|0x7fffffffffff|{member}")
    wrong = [
        f"{name(path)}: {found.group()}"
        for path in sources("bpf", "vmlinux")
        if "arch" not in path.parts
        for found in machine.finditer(path.read_text())
    ]
    assert not wrong


def test_every_record_has_a_size_assert():
    text = (ROOT / "bpf/ft_abi.h").read_text()
    structs = re.findall(r"^struct (ft_\w+) \{\n(.*?)^\};", text, re.M | re.S)
    assert len(structs) > 8
    # a record that adds nothing to the header is as large as the header
    asserted = set(re.findall(r"FT_ASSERT\(\w+, sizeof\(struct (ft_\w+)\) == \d+\)", text))
    assert {s for s, body in structs if body.strip() != "struct ft_rec hdr;"} <= asserted


def test_every_counter_has_a_text():
    text = (ROOT / "bpf/ft_counters.h").read_text()
    counters = text.split("#define FT_COUNTERS(X)")[1].split("enum ft_counter")[0]
    named = re.findall(r"\bX\((\w+),", counters)
    assert named and named == re.findall(r'\bX\((\w+),\s*"[^"]{10,}"\)', counters)


def test_all_output_goes_through_the_door():
    """cli/terminal.c makes what stdio writes safe for a terminal: nothing may go around it."""
    around = re.compile(r"\b(?:write|dprintf|vdprintf|writev|perror|psignal|error|warnx?|fdopen)\("
                        r"|\b(?:fprintf|fputs|fputc|putc|fwrite)\([^;]*\bstderr\)"
                        r"|\bfprintf\(\s*stderr|/dev/(?:tty|std)")
    through = {"cli/terminal.c", "cli/standard.c", "cli/flowctl/screen.c"}
    status = {"cli/flowctl/progress.c"}  # a line that is drawn again
    wrong = [
        f"{name(path)}: {found.group()}"
        for path in sources("cli")
        if name(path) not in through and "manual" not in path.parts
        for found in around.finditer(code_of(path))
        if not (name(path) in status and "stderr" in found.group())
    ]
    assert not wrong
    for main in ("cli/flowctl.c", "cli/flowtrace_bpf.c"):
        body = (ROOT / main).read_text().split("int main(")[1]
        assert "terminal_guard();" in body, main
