# SPDX-License-Identifier: MIT
"""The BPF maps of a process: what they take, and how many entries they have; and what its programs
take."""
import collections
import contextlib
import ctypes
import json
import os
import pathlib
import re
import struct
import subprocess

SYS_BPF = 321  # x86-64
GET_NEXT_KEY, PROGRAM_BY_ID, FD_BY_ID, INFO_BY_FD, ENABLE_STATS = 4, 13, 14, 15, 32
# Small ones: a walk begins anew when the entry where it is was deleted. What ft_codes has shows in
# what all maps take.
HASHES = ("ft_procs", "ft_looked_at", "ft_threads", "ft_stacks", "ft_suspended")
MOST = 100000

libc = ctypes.CDLL(None, use_errno=True)


class Attributes(ctypes.Structure):
    """union bpf_attr of these commands; the first word is a map's number for FD_BY_ID."""
    _fields_ = [("map", ctypes.c_uint32), ("pad", ctypes.c_uint32), ("key", ctypes.c_void_p),
                ("next_key", ctypes.c_void_p), ("rest", ctypes.c_char * 40)]


def bpf(command, **attributes):
    a = Attributes(**attributes)
    return libc.syscall(SYS_BPF, command, ctypes.byref(a), ctypes.sizeof(a))


def descriptors(pid, key):
    """What the kernel tells of those that have that key: {key: number}"""
    for info in pathlib.Path("/proc/%d/fdinfo" % pid).iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            told = {name: int(value) for name, value in
                    re.findall(r"^(\w+):\s+(\d+)$", info.read_text(), re.MULTILINE)}
            if key in told:
                yield told


def maps(pid):
    """{number of the map: KiB that the kernel says it takes}"""
    return {told["map_id"]: told["memlock"] // 1024 for told in descriptors(pid, "map_id")}


def kib(pid):
    return sum(maps(pid).values())


def count(number, key_size):
    """The entries of a map, which may change meanwhile."""
    fd = bpf(FD_BY_ID, map=number)
    keys = ctypes.create_string_buffer(key_size), ctypes.create_string_buffer(key_size)
    n, at = 0, None
    while n < MOST and not bpf(GET_NEXT_KEY, map=fd, key=at and ctypes.addressof(at),
                                  next_key=ctypes.addressof(keys[n % 2])):
        at = keys[n % 2]
        n += 1
    os.close(fd)
    return n


def entries(pid):
    """{name: entries} of the hash maps that nothing but the collector empties."""
    found = {}
    for number in maps(pid):
        shown = json.loads(subprocess.run(["bpftool", "-j", "map", "show", "id", str(number)],
                                          stdout=subprocess.PIPE, check=True).stdout)
        if shown.get("name") in HASHES:
            found[shown["name"]] = count(number, shown["bytes_key"])
    return found


@contextlib.contextmanager
def timed():
    """The kernel measures programs meanwhile."""
    fd = bpf(ENABLE_STATS)
    try:
        yield
    finally:
        os.close(fd)


# runs, ns: while it was measured; loaded_ns: when its verification began, by CLOCK_BOOTTIME.
Program = collections.namedtuple("Program", "runs ns loaded_ns")


def program(number):
    """(name, Program): three fields of struct bpf_prog_info and its name."""
    info = ctypes.create_string_buffer(256)
    fd = bpf(PROGRAM_BY_ID, map=number)
    failed = bpf(INFO_BY_FD, map=fd, pad=len(info), key=ctypes.addressof(info))
    os.close(fd)
    assert not failed, os.strerror(ctypes.get_errno())
    loaded_ns, = struct.unpack_from("Q", info, 40)
    ns, runs = struct.unpack_from("QQ", info, 192)
    return info.raw[64:80].rstrip(b"\0").decode(), Program(runs, ns, loaded_ns)


def programs(pid):
    """What a process has: pairs of name and Program."""
    numbers = {told["prog_id"] for told in descriptors(pid, "prog_id")}
    return [program(number) for number in sorted(numbers)]


def run_ns(pid):
    """The time that all programs have taken while it was measured."""
    return sum(program.ns for _, program in programs(pid))
