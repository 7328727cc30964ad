# SPDX-License-Identifier: MIT
"""No file of the programs is too long to be read at once."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 500
FOLDERS = ["bpf", "user", "cli", "agent_ext", "frameworks"]
ENDINGS = {".c", ".h", ".py", ".pyi", ".js", ".css", ".html"}


def lengths():
    files = (p for f in FOLDERS for p in (ROOT / f).rglob("*") if p.suffix in ENDINGS)
    return {str(p.relative_to(ROOT)): p.read_text().count("\n")
            for p in files if p.is_file() and "node_modules" not in p.parts}


def test_no_file_is_too_long():
    assert {name for name, lines in lengths().items() if lines > MOST_LINES} == set()
