# SPDX-License-Identifier: MIT
"""What the tests of flowctl share."""
import json
import os
import subprocess
import sys
from pathlib import Path

import harness
import pytest

sys.path.append(str(Path(__file__).parent))
import make_trace  # noqa: E402 - from this folder

FLOWCTL = Path(os.environ.get("FLOWCTL") or harness.REPO / "build" / "bin" / "flowctl")


class Flowctl:
    """Runs it without a terminal; every way in which it may end is checked."""

    def __call__(self, *args, status=0, stdin=b"", **env):
        done = subprocess.run([FLOWCTL, *map(str, args)], input=stdin, capture_output=True,
                              timeout=120, env=harness.environment(**env), check=False)
        out, errors = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == status, "status %d: %s" % (done.returncode, errors)
        assert "\033" not in out + errors
        return out, errors

    def json(self, *args, **options):
        """What --json prints."""
        return json.loads(self(args[0], "--json", *args[1:], **options)[0])

    def refused(self, *args, status=1, says=(), **options):
        """Ends with that status and one line that has these words."""
        out, errors = self(*args, status=status, **options)
        assert out == "" and errors.count("\n") == 1 and errors.startswith("flowctl: "), errors
        for word in says:
            assert word in errors
        return errors


@pytest.fixture(scope="session")
def flowctl():
    if not FLOWCTL.exists():
        pytest.skip("no flowctl at %s" % FLOWCTL)
    return Flowctl()


@pytest.fixture(scope="session")
def trace(tmp_path_factory):
    """A generated trace of 60,000 events."""
    path = tmp_path_factory.mktemp("trace") / "trace.jsonl"
    with open(path, "wb") as out:
        make_trace.make(out, 60_000, seed=7)
    return path


def lines_of(*events):
    """Events as the bytes of a trace."""
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests."""
    import browser  # from this folder
    driver = browser.start()
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """Traces that the collector makes of the recordings of the replay tests."""
    if not harness.TRACER.exists():
        pytest.skip("no flowtrace-bpf at %s" % harness.TRACER)
    folder = tmp_path_factory.mktemp("recorded")
    for recording in sorted((harness.REPO / "tests" / "replay").glob("*.ftrec")):
        harness.run([harness.TRACER, "-q", "--replay", recording,
                     "-o", folder / (recording.stem + ".jsonl")], check=0)
    return sorted(folder.iterdir())
