# SPDX-License-Identifier: MIT
"""Files of bpf/ call in one direction: those that a file calls do not call it back, by whichever
way. So each can be read, and compiled for a test, with only what is below it."""

import re
from pathlib import Path

import pytest

BPF = Path(__file__).resolve().parents[2] / "bpf"
LINES = 500

COMMENT = re.compile(r"/\*.*?\*/", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\])*"')
# At the left edge: what returns, a name, parameters.
HEAD = r"^(?:\w+[\s*]+)+?(\w+)\((?:[^(){};]|\([^()]*\))*\)"
DEFINED = re.compile(HEAD + r"\s*\{", re.M)
DECLARED = re.compile(HEAD + ";", re.M)
HOOK = re.compile(r'^FT_HOOK\("", (\w+)\)', re.M)
CALLED = re.compile(r"\b(\w+)\s*\(")
SEEN_ELSEWHERE = re.compile(r"^FT_GLOBAL\s.*?\b(\w+)\(", re.M)


def code_of(path):
    """Without comments and strings; FT_HOOK() as the definition that it makes."""
    return HOOK.sub(r"int \1(void)", STRING.sub('""', COMMENT.sub(" ", path.read_text())))


def functions(files):
    """{name: file}, of those that other files can call."""
    home = {}
    for name, code in files.items():
        find = DEFINED if name.endswith(".h") else SEEN_ELSEWHERE
        home |= {function: name for function in find.findall(code)}
    return home


def calls(files):
    """{file: {file that it calls: names of functions}}"""
    home, found = functions(files), {}
    for name, code in files.items():
        own = set(DEFINED.findall(code))
        called = set(CALLED.findall(DECLARED.sub("", code))) - own
        for function in called & home.keys():
            found.setdefault(name, {}).setdefault(home[function], set()).add(function)
    return found


def circle(graph):
    """One, as a list of files; empty: there is none."""
    done = set()

    def below(name, way):
        if name in way:
            return way[way.index(name):] + [name]
        if name in done:
            return []
        for other in sorted(graph.get(name, ())):
            if found := below(other, way + [name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := below(name, []))), [])


@pytest.fixture(name="files", scope="module")
def all_files():
    return {path.name: code_of(path) for path in sorted(BPF.rglob("*.[ch]"))}


def test_every_function_is_seen(files):
    """What this reads is still how functions are written: the body begins at the left edge."""
    for name, code in files.items():
        assert len(DEFINED.findall(code)) == len(re.findall(r"^\{", code, re.M)), name
    home = functions(files)
    assert home["ft_walk"] == "value.bpf.c" and home["plausible"] == "py_read.bpf.h"
    assert "ft_walk" in calls(files)["decide.bpf.h"]["value.bpf.c"]
    assert not DECLARED.search("\treturn f(a);\n") and DECLARED.search("int f(u32 a);\n")


def test_a_circle_is_found():
    files = {
        "a.bpf.h": "FT_INLINE int a(void)\n{\n\treturn ft_b();\n}\n",
        "b.bpf.c": "FT_GLOBAL int ft_b(void)\n{\n\treturn ft_c();\n}\n",
        "c.bpf.c": "int ft_b(void);\nFT_GLOBAL int ft_c(void)\n{\n\treturn 0;\n}\n",
    }
    assert not circle(calls(files))
    files["c.bpf.c"] = files["c.bpf.c"].replace("0", "a()")
    assert circle(calls(files)) == ["a.bpf.h", "b.bpf.c", "c.bpf.c", "a.bpf.h"]


def test_no_circle_of_calls(files):
    graph = calls(files)
    way = circle(graph)
    assert not way, "\n".join(
        f"{a} calls {b}: {' '.join(sorted(graph[a][b]))}" for a, b in zip(way, way[1:])
    )


def test_a_header_declares_what_its_own_source_defines(files):
    home = functions(files)
    wrong = [
        f"{name} declares {function}, which {home.get(function)} defines"
        for name, code in files.items()
        for function in DECLARED.findall(code)
        if home.get(function) != name.replace(".bpf.h", ".bpf.c")
    ]
    assert not wrong


def test_no_file_is_long():
    lines = {path: len(path.read_text().splitlines()) for path in BPF.rglob("*.[ch]")}
    assert not {path.name: n for path, n in lines.items() if n > LINES}
