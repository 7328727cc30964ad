# SPDX-License-Identifier: MIT
"""Values of classes in C with several bases, as numpy's: a base that is not the first one decides
too. From inside and from outside, in one process."""
import json

import harness
import pytest
from agents import PYTHONS

SOURCE = """
import numpy
def echo(value): pass
for value in (numpy.float64(1.5), numpy.float64("nan"), [numpy.float64(0.1)], numpy.str_("s"),
              {numpy.str_("k"): numpy.float64(2)}, numpy.bytes_(b"b"), numpy.float32(2.5),
              numpy.int64(3), numpy.complex128(1j), numpy.array([1.0]), numpy.bool_(True)):
    echo(value)
"""
# What is no subclass of a built-in type is an object.
EXPECTED = [1.5, "NaN", [0.1], "s", {"k": 2.0}, "b'b'", "<numpy.float32", "<numpy.int64",
            "<numpy.complex128", "<numpy.ndarray", "<numpy.bool"]


def arguments(path):
    """The argument of each call of echo()."""
    events = map(json.loads, path.read_text("utf-8").splitlines())
    return [json.loads(event["args"])["value"] for event in events
            if event["event"] == "ENTER" and event["function"] == "echo"]


def shown(value):
    """Without the address, which depends on the run."""
    return value.split(" object")[0].rstrip("_") if str(value).startswith("<") else value


@pytest.mark.live
@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("agent", PYTHONS[:1], indirect=True, ids=repr)
def test_numpy(agent):
    """A numpy.float64 is a float, whichever way it was captured."""
    if harness.run(agent.argv("-c", "import numpy"))[0]:
        pytest.skip("no python3-numpy")
    script = agent.write("script.py", SOURCE)
    paths = [agent.path / "inside.jsonl", agent.path / "outside.jsonl"]
    harness.run([harness.TRACER, "-P", "__main__", "--backend", "uprobe", "-o", paths[1], "--",
                 *agent.argv("-m", "flowtrace_agent", "-P", "__main__", "-o", paths[0], script)],
                check=0, env=agent.environment())
    got = [arguments(path) for path in paths]
    assert got[0] == got[1]
    assert [shown(value) for value in got[0]] == EXPECTED
