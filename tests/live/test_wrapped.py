# SPDX-License-Identifier: MIT
"""Applications behind flowtrace_agent's own wrappers, seen from outside by the interpreter's hooks:
the C function between server and application hides nothing."""
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import harness
import pytest

sys.path.append(str(harness.REPO / "agent_ext"))
import intree  # noqa: E402

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]
INTERPRETERS = [i for i in intree.distinct(harness.interpreters())
                if i.root or i.name == "system"]
ASKED = [("wsgi", "/found"), ("wsgi", "/missing"), ("asgi", "/found"), ("asgi", "/missing")]


@contextlib.contextmanager
def serving(interpreter):
    """(the process, the file of its own trace)"""
    base = interpreter.root and interpreter.root / "tmp"
    with tempfile.TemporaryDirectory(prefix="flowtrace-wrapped-", dir=base) as path:
        path = Path(path)
        shutil.copytree(intree.BUILD / interpreter.name, path / "package")
        shutil.copy(harness.TARGETS / "wrapped.py", path)

        def inside(name):
            root = interpreter.root
            return str(path / name) if root is None else "/" + str(path.relative_to(root) / name)

        process = harness.start(interpreter.argv(inside("wrapped.py"), inside("own.jsonl")),
                                env=harness.environment(PYTHONPATH=inside("package")), text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert process.stdout.readline() == "ready\n"
            yield process, path / "own.jsonl"
        finally:
            harness.kill_session(process)


def requests(events):
    """[(method, path, status, id)] in the order of their ends; all in pairs."""
    begun, ended = {}, []
    for event in events:
        if event["event"] == "HTTP_REQUEST":
            begun[event["request_id"]] = event
        elif event["event"] == "HTTP_RESPONSE":
            request = begun.pop(event["request_id"])
            ended.append((request["method"], request["path"], event["status_code"],
                          event["request_id"]))
    assert not begun
    return ended


@pytest.mark.parametrize("interpreter", INTERPRETERS, ids=repr)
def test_requests(interpreter, tmp_path):
    reason = interpreter.why_not() or intree.build([interpreter])[interpreter]
    if isinstance(reason, (str, intree.LeftOut)):
        pytest.skip(str(reason))
    assert reason is None, str(reason)
    with serving(interpreter) as (process, own):
        pid = process.pid
        with harness.Tracer(tmp_path, "--backend", "uprobe",
                            "--http", "--prefix", "__main__", "--pid", str(pid)) as tracer:
            tracer.attached()
            for kind, path in 5 * ASKED:
                process.stdin.write("%s %s\n" % (kind, path))
                process.stdin.flush()
                assert process.stdout.readline() == "served\n"
            assert tracer.stop() == 0
        process.stdin.close()
        assert process.wait(timeout=harness.PATIENCE) == 0
        inside = requests(map(json.loads, own.read_text().splitlines()))
    seen = requests(tracer.events())
    assert [one[:3] for one in seen] == [one[:3] for one in inside]
    assert len(seen) == 5 * len(ASKED)
    # An environ has the id that the wrapper gave; a scope has what the client sent, and it is here
    # that they part.
    called = [n for n, (kind, _) in enumerate(5 * ASKED) if kind == "wsgi"]
    assert [seen[n][3] for n in called] == [inside[n][3] for n in called]
    for step in (event for event in tracer.events() if event.get("function") == "step"):
        assert step["request_id"] in {one[3] for one in seen}
