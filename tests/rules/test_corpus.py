# SPDX-License-Identifier: MIT
"""The seeds of the fuzzers are those that their script writes."""
import sys
from pathlib import Path

FUZZ = Path(__file__).resolve().parents[1] / "fuzz"
sys.path.append(str(FUZZ))
import make_corpus  # noqa: E402


def test_seeds(tmp_path):
    make_corpus.main(tmp_path)
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(made) > 12
    for path in made:
        seed = FUZZ / "corpus" / path.relative_to(tmp_path)
        assert path.read_bytes() == seed.read_bytes(), seed
