# SPDX-License-Identifier: MIT
"""What the kernel made of the BPF programs."""
import ctypes
import os
import platform
import re
import struct

import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]

BPF = 321  # the system call's number on x86-64
PROG_GET_FD_BY_ID, OBJ_GET_INFO_BY_FD = 13, 15
# struct bpf_prog_info, as far as it is read here: the code's length is at 16, where to at 24.
INFO_SIZE, LENGTH_AT, CODE_AT = 232, 16, 24
# add r9, gs:[address of the CPU's own data]: how a program on a stack of its CPU begins.
CPU_STACK = bytes.fromhex("654c030c25")


def bpf(command, *words):
    """The system call; words as they lie in union bpf_attr."""
    attr = ctypes.create_string_buffer(struct.pack("@" + "".join(kind for kind, _ in words),
                                                   *(word for _, word in words)))
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(BPF, command, attr, len(attr) - 1)
    assert result >= 0, os.strerror(ctypes.get_errno())
    return result


def code_of(number):
    """The machine code of a program and its functions."""
    fd = bpf(PROG_GET_FD_BY_ID, ("I", number), ("I", 0), ("I", 0))
    try:
        info, code = ctypes.create_string_buffer(INFO_SIZE), None
        for _ in range(2):  # how long it is, then the code
            bpf(OBJ_GET_INFO_BY_FD, ("I", fd), ("I", INFO_SIZE), ("Q", ctypes.addressof(info)))
            length, = struct.unpack_from("I", info, LENGTH_AT)
            if not code:
                code = ctypes.create_string_buffer(length)
                info = ctypes.create_string_buffer(INFO_SIZE)
                struct.pack_into("I", info, LENGTH_AT, length)
                struct.pack_into("Q", info, CODE_AT, ctypes.addressof(code))
        return code.raw
    finally:
        os.close(fd)


def test_no_stack_is_shared(tmp_path):
    """A hook's program keeps its variables when its task is preempted in the middle of it, and
    another task reaches the same hook on that CPU: from 6.13 on the kernel would have both write to
    the same stack. Seen on 7.2, where kernel code is preempted: a call told under the pid of another
    process, and calls that were missing without a trace."""
    if platform.machine() != "x86_64":
        pytest.skip("looks for an x86-64 instruction")
    with harness.Tracer(tmp_path, "-v", "--gc", "-f", "--", harness.own_python(), "-c",
                        "import time; time.sleep(60)") as tracer:
        tracer.attached()
        held = harness.bpf_ids([tracer.process.pid])
        programs = {p["id"]: p for p in harness.bpftool("prog", "show") if ("prog", p["id"]) in held}
        shared = {p["name"] for number, p in programs.items() if CPU_STACK in code_of(number)}
        of_hooks = {p["name"] for p in programs.values() if p["type"] == "kprobe"}
        assert tracer.stop() == 0
    assert len(of_hooks) > 5 and not shared & of_hooks, shared
    # The kernel runs those of tracepoints one at a time: they show how such code looks.
    release = tuple(map(int, re.findall(r"\d+", platform.release())[:2]))
    assert release < (6, 13) or "ft_exit" in shared
