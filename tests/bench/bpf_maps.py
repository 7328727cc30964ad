# SPDX-License-Identifier: MIT
"""The BPF maps of a process: what they take, and how many entries they have."""
import ctypes
import json
import os
import pathlib
import re
import subprocess

SYS_BPF = 321  # x86-64
GET_NEXT_KEY, FD_BY_ID = 4, 14
HASHES = ("ft_procs", "ft_looked_at", "ft_threads", "ft_stacks", "ft_suspended", "ft_codes")

libc = ctypes.CDLL(None, use_errno=True)


class Attributes(ctypes.Structure):
    """union bpf_attr of both commands; the first word is a map's number for FD_BY_ID."""
    _fields_ = [("map", ctypes.c_uint32), ("pad", ctypes.c_uint32), ("key", ctypes.c_void_p),
                ("next_key", ctypes.c_void_p), ("rest", ctypes.c_char * 40)]


def bpf(command, **attributes):
    a = Attributes(**attributes)
    return libc.syscall(SYS_BPF, command, ctypes.byref(a), ctypes.sizeof(a))


def of(pid):
    """{number of the map: KiB that the kernel says it takes}"""
    found = {}
    for info in pathlib.Path("/proc/%d/fdinfo" % pid).iterdir():
        try:
            text = info.read_text()
        except FileNotFoundError:  # it was closed meanwhile
            continue
        if "map_type:" in text:
            found[int(re.search(r"map_id:\s+(\d+)", text)[1])] = int(
                re.search(r"memlock:\s+(\d+)", text)[1]) // 1024
    return found


def kib(pid):
    return sum(of(pid).values())


def count(number, key_size):
    """The entries of a map, which may change meanwhile."""
    fd = bpf(FD_BY_ID, map=number)
    keys = ctypes.create_string_buffer(key_size), ctypes.create_string_buffer(key_size)
    n, at = 0, None
    while n < 1 << 20 and not bpf(GET_NEXT_KEY, map=fd, key=at and ctypes.addressof(at),
                                  next_key=ctypes.addressof(keys[n % 2])):
        at = keys[n % 2]
        n += 1
    os.close(fd)
    return n


def entries(pid):
    """{name: entries} of the hash maps that nothing but the collector empties."""
    found = {}
    for number in of(pid):
        shown = json.loads(subprocess.run(["bpftool", "-j", "map", "show", "id", str(number)],
                                          stdout=subprocess.PIPE, check=True).stdout)
        if shown.get("name") in HASHES:
            found[shown["name"]] = count(number, shown["bytes_key"])
    return found
