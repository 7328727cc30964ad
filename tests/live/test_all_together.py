# SPDX-License-Identifier: MIT
"""The hooks begin and end to count all at once: of a call whose entry alone was seen nothing is made
up, whoever comes and goes while the target is busy."""
import collections
import subprocess

import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
TURNS = 2
ENOUGH = 200000  # bytes of events: all hooks are in, and calls come and go


@pytest.fixture
def busy(space):
    """A program that never stops calling, and another one beside it: (process, its pid)."""
    script = space.inside(space.path / "targets" / "steady.py")
    running = [harness.start(space.interpreter.argv(script, 60), stdout=subprocess.PIPE)
               for _ in range(2)]
    for process in running:
        assert process.stdout.readline() == b"runs\n"
    yield running[0].pid
    for process in running:
        harness.kill_session(process)
        process.stdout.close()


def exits(events):
    """{(function, exception)}: how often."""
    return collections.Counter((e["function"], e.get("exception", {}).get("type"))
                               for e in events if e["event"] == "EXIT")


def test_attached_and_detached_while_it_calls(space, busy, tmp_path):
    """Only what raises is left by exception, at the beginning and at the end too."""
    for n in range(TURNS):
        directory = tmp_path / str(n)
        directory.mkdir()
        with harness.Tracer(directory, "--pid", busy, "-P", "__main__", "--backend",
                            space.interpreter.backend) as tracer:
            harness.wait_for("events; " + tracer.stderr(), lambda: tracer.output.exists() and
                             tracer.output.stat().st_size > ENOUGH)
            assert tracer.stop() == 0, tracer.stderr()
        seen = exits(tracer.events())
        assert seen["take", None] > 100 and seen["boom", "ValueError"]
        wrong = {key: count for key, count in seen.items() if key[1] and key[0] != "boom"}
        assert not wrong
        assert {kind for name, kind in seen if name == "boom"} == {"ValueError"}
