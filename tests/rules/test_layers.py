# SPDX-License-Identifier: MIT
"""Who may include whom, and that files call each other in one direction."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)

# A folder, and what its files may include beside their own folder and files that lie with them.
# Parts of paths, each with its slash; or whole headers.
TRACE = "user/trace/"
MAY_INCLUDE = {
    TRACE + "calls": {"base/", "ft_runtime.h"},
    TRACE + "read": {"base/", "calls/"},
    TRACE + "select": {"base/", "calls/", "read/"},
    TRACE + "analyze": {"base/", "calls/", "read/", "select/"},
    TRACE + "export": {"base/", "calls/", "read/", "select/", "analyze/"},
    "user/source": {"base/"},
    "user/collector/config": {"base/", "config.h", "ft_abi.h"},
    "user/collector/node": {"base/", "config.h", "ft_abi.h", "model/"},
    # The extension has the stages behind pipeline.h; what is wanted is decided before them.
    "agent_ext/csrc": {"base/", "config.h", "pipeline.h", "filter/", "ft_abi.h", "ft_agent.h",
                       "ft_counters.h", "ft_layout.h", "cpython/offsets/", "model/"},
    # Wrappers make records of their own: with the same tools as calls do.
    "frameworks/csrc": {"ft_abi.h", "python.h", "calls.h", "probes.h", "sender.h", "state.h",
                        "thread_name.h", "tokens.h"},
}
# The extension's parts, of which only module.c, the entry, knows both halves.
EXTENSION = ["agent_ext/csrc", "frameworks/csrc"]


def sources(*folders):
    return [p for f in folders for p in sorted((ROOT / f).glob("*.[ch]"))]


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("folder", MAY_INCLUDE)
def test_who_may_include_whom(folder):
    allowed = ((ROOT / folder).name + "/", *MAY_INCLUDE[folder])
    wrong = [
        f"{name(path)} includes {header}"
        for path in sources(folder)
        for header in INCLUDE.findall(path.read_text())
        if not header.startswith(allowed) and not (path.parent / header).exists()
    ]
    assert sources(folder) and not wrong


# ---- calls -------------------------------------------------------------------------------------


def code_of(path):
    """The file without comments, strings and lines of the preprocessor that include."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", path.read_text(), flags=re.S)
    return re.sub(r'"(?:\\.|[^"\\])*"', '""', text)


ATTRIBUTE = re.compile(r"__attribute__\(\((?:[^()]|\([^()]*\))*\)\)")
FUNCTION = re.compile(r"^(?!static (?!inline))[A-Za-z_][\w \t*]*?\b(\w+)\([^;{}]*\)\s*[{;]", re.M)
VARIABLE = re.compile(
    r"^(?!static|extern|typedef|return|#|\})[\w *]*[ *](\w+)(?:\[\w*\])*(?: =[^=]|;)", re.M)
POINTER = re.compile(r"^(?!static|extern|typedef)[\w *]+\(\*(\w+)\)\([^;]*\);", re.M)


def exported_by(text):
    """What a module offers to others: functions, also inline ones, and variables."""
    text = ATTRIBUTE.sub("", re.sub(r"\\\n", " ", text))
    return {*FUNCTION.findall(text), *VARIABLE.findall(text), *POINTER.findall(text)}


def inline_of(text):
    """Of a header alone, which declares what others define."""
    return set(re.findall(r"^static inline [\w *]*?\b(\w+)\(", text, re.M))


def units(folders):
    """{file without its ending: text}: an inline function is its module's."""
    texts = {}
    for path in sources(*folders):
        unit = str(path.relative_to(ROOT).with_suffix(""))
        texts[unit] = texts.get(unit, "") + "\n" + code_of(path)
    return texts


def call_graph(folders):
    """{unit: {unit that it calls, or whose variables it uses: by which names}}."""
    texts = units(folders)
    owners = {}
    for unit, text in texts.items():
        for exported in exported_by(text) if (ROOT / f"{unit}.c").exists() else inline_of(text):
            owners.setdefault(exported, set()).add(unit)
    graph = {}
    for unit, text in texts.items():
        used = set(re.findall(r"(?<![.\w])(?<!->)\w+", text)) & set(owners)
        for word in used:
            # what each of several backends defines, it does not call
            for owner in owners[word] - ({unit} if unit not in owners[word] else owners[word]):
                graph.setdefault(unit, {}).setdefault(owner, set()).add(word)
    return graph


def reached_from(graph, start):
    reached, todo = set(), [start]
    while todo:
        for following in graph.get(todo.pop(), ()):
            if following not in reached:
                reached.add(following)
                todo.append(following)
    return reached


def circles(graph):
    """Of every circle the calls in it."""
    reached = {unit: reached_from(graph, unit) for unit in graph}
    return sorted(
        f"{unit} -> {other}: {', '.join(sorted(words))}"
        for unit, others in graph.items()
        for other, words in others.items()
        if unit in reached.get(other, ())
    )


def test_files_of_the_extension_call_in_one_direction():
    graph = call_graph(["agent_ext", *EXTENSION])
    assert len(graph) > 20 and "agent_ext/csrc/sender" in graph["agent_ext/csrc/calls"]
    assert not circles(graph)


def test_frameworks_are_above_the_agent():
    graph = call_graph(["agent_ext", *EXTENSION])
    upwards = {
        f"{unit} -> {other}"
        for unit, others in graph.items()
        for other in others
        if unit.startswith("agent_ext/csrc/") and not other.startswith("agent_ext/csrc/")
    }
    assert not upwards


def test_a_circle_is_found(tmp_path, monkeypatch):
    (tmp_path / "a.c").write_text('#include "b.h"\nint a(void)\n{\n\treturn b();\n}\n')
    (tmp_path / "b.c").write_text("int (*later)(void);\nint b(void)\n{\n\treturn c();\n}\n")
    (tmp_path / "c.h").write_text("static inline int c(void)\n{\n\treturn a() + later();\n}\n")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert circles(call_graph(["."])) == ["a -> b: b", "b -> c: c", "c -> a: a", "c -> b: later"]
    (tmp_path / "c.h").write_text("static inline int c(void)\n{\n\treturn later();\n}\n")
    assert circles(call_graph(["."])) == ["b -> c: c", "c -> b: later"]
