# SPDX-License-Identifier: MIT
"""What serves requests without an application in Python: said once, by --check too."""
import importlib.util
import subprocess

import harness
import pytest

WAITS = "import %s, time\nprint('ready', flush=True)\ntime.sleep(60)"
MODULES = {"falcon": "falcon.app", "tornado.web": "tornado.speedups",
           "aiohttp.web": "aiohttp._http_parser", "json": "json"}


def is_compiled(module):
    """Is it an extension module here?"""
    try:
        found = importlib.util.find_spec(module)
    except ImportError:
        return False
    return found is not None and found.origin.endswith(".so")


@pytest.mark.live
@pytest.mark.parametrize("module", MODULES)
def test_note(module, tmp_path):
    """Of each such module one sentence, of others none."""
    if module != "json" and not is_compiled(MODULES[module]):
        pytest.skip("no compiled " + module)
    process = harness.start(["/usr/bin/python3", "-c", WAITS % module], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        _, check, _ = harness.run([harness.TRACER, "--check", "--pid", str(process.pid)])
        _, _, note = harness.run([harness.TRACER, "-d", "0.1", "-o", tmp_path / "t.jsonl", "--pid",
                                  str(process.pid)])
        _, _, off = harness.run([harness.TRACER, "--no-http", "-d", "0.1", "-o",
                                 tmp_path / "t.jsonl", "--pid", str(process.pid)])
    finally:
        harness.kill_session(process)
    expected = 0 if module == "json" else 1
    sentence = "HTTP requests " + ("to " if module == "falcon" else "that ") + module.split(".")[0]
    assert check.count("HTTP requests ") == check.count(sentence) == expected, check
    assert note.count("not seen: " + sentence) == note.count("HTTP requests") == expected, note
    assert "HTTP requests" not in off, off
