# SPDX-License-Identifier: MIT
"""Plain English on pages, in help, messages and comments: subject first, one verb, "is not a"."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# A habit, and what to write instead.
HABITS = {
    r"somebody|someone|whoever": "the passive, or who it is",
    r"nobody|no one": "who does not",
    r"likewise": "also, or the same again",
    r"behind": "after",
    r"stands?": "is",
    r"goes on|go on": "continues, keeps running",
    r"passed over": "skipped",
    r"(?<!there )(?:is|are|was|were) no(?! longer\b| more\b)": "is not a",
    r"so many": "the number",
}
HABIT = re.compile("|".join(rf"\b(?:{habit})\b" for habit in HABITS), re.I)

# Folders whose comments are free of them too; the list may only get longer.
CLEAN = ["agent_ext", "bpf", "frameworks", "cli", "user"]


def pages():
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def prose_of(page):
    """Without what programs print, and code."""
    text = re.sub(r"^(```|~~~).*?^\1", " ", page.read_text(), flags=re.M | re.S)
    return re.sub(r"`[^`]*`", " ", text)


def strings_of(source):
    """The texts of a C file; adjacent literals are one, as for the compiler."""
    text = re.sub(r"/\*.*?\*/", " ", source.read_text(), flags=re.S)
    text = re.sub(r"^\s*#\s*include.*$", "", text, flags=re.M)
    text = re.sub(r'"[\s\\]*\n\s*"', "", text)
    return re.findall(r'"((?:\\.|[^"\\\n])*)"', text)


def habits_in(text):
    return {found.group().lower() for found in HABIT.finditer(text)}


def test_pages():
    wrong = {p.name: found for p in pages() if (found := habits_in(prose_of(p)))}
    assert not wrong, HABITS


def found_in_messages():
    return {
        (str(path.relative_to(ROOT)), word)
        for folder in ("cli", "user", "agent_ext", "frameworks")
        for path in sorted((ROOT / folder).rglob("*.[ch]"))
        for text in strings_of(path)
        for word in habits_in(text)
    }


def test_help_and_messages():
    assert not found_in_messages(), HABITS


def comments_of(source):
    """Of C and JavaScript; docstrings and comments of Python are all of its text that is prose."""
    text = source.read_text()
    if source.suffix == ".py":
        return [*re.findall(r'"""(.*?)"""', text, re.S), *re.findall(r"#[^\n]*", text)]
    return re.findall(r"/\*.*?\*/|//[^\n]*", text, re.S)


def test_comments():
    wrong = {
        str(path.relative_to(ROOT)): found
        for folder in CLEAN
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".c", ".h", ".py", ".js"} and "node_modules" not in path.parts
        and (found := habits_in(" ".join(comments_of(path))))
    }
    assert not wrong, HABITS


def test_what_is_found():
    found = habits_in("%s is no file, and nobody Stands behind it")
    assert found == {"is no", "nobody", "stands", "behind"}
    assert not habits_in("there is no file any more; it is no longer there; a standard")
