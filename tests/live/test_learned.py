# SPDX-License-Identifier: MIT
"""What the kernel side learns of an interpreter, to be fast: looked up in its map. That what it
sees is right without it, and with it, is told by the other tests."""
import subprocess

import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]

HASHED = 128  # FT_PROC_HASHED (ft_layout.h)
PATH_INFO = 11  # WORD_PATH_INFO (http_words.bpf.h)
LEARNED = 64  # SITE_LEARNED (site.bpf.h)
REGISTERS = (1 << 15) - 1  # FT_REGISTERS


def procs(tracer):
    """{process: struct ft_proc}"""
    return {entry["key"]: entry["value"] for entry in
            harness.bpf_map(tracer.process.pid, "ft_procs")}


def known(site):
    """Are there registers that hold the frame at a hook?"""
    return site["hits"] >= LEARNED and REGISTERS & ~site["unfit"] != 0


class Served:
    """A process that serves when it is asked to. A context manager."""

    def __init__(self, space):
        script = space.inside(space.path / "targets" / "learned.py")
        self.process = harness.start(space.interpreter.argv(script), stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        assert self.process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *exception):
        harness.kill_session(self.process)

    def serve(self, requests):
        """Returns the hash of "PATH_INFO"."""
        self.process.stdin.write("%d\n" % requests)
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


def test_hashes_and_registers(space, tmp_path):
    with Served(space) as served:
        pid = served.process.pid
        with harness.Tracer(tmp_path, "-v", "--http", "--prefix", "__main__", "--pid", str(pid),
                            "--backend", space.interpreter.backend) as tracer:
            tracer.attached()
            path_info = served.serve(100)
            learned = procs(tracer)[pid]
            assert tracer.stop() == 0
    events = [event["event"] for event in tracer.events()]
    assert events.count("HTTP_REQUEST") == events.count("HTTP_RESPONSE") == 100
    assert learned["flags"] & HASHED
    assert learned["key_hash"][PATH_INFO] == path_info
    # Where nothing is known, the frame is an argument of what is hooked, or its register is found.
    hooks = 1 if space.interpreter.minor() >= 12 else 2
    if space.interpreter.minor() < 11 and harness.backend_of(tracer.stderr()) == "uprobe":
        hooks = 1
    assert sum(map(known, learned["site"])) >= hooks
