# SPDX-License-Identifier: MIT
"""A program with a second executable mapping of the file of its interpreter, below the loader's, as
libffi makes one for its trampolines in an interpreter that has libffi in it. It is told on standard
input which: address, offset in the file, file (there is no /proc in a chroot)."""
import ctypes
import os
import sys
import time

READ_EXEC, PRIVATE_FIXED = 5, 0x12


def tick(n):
    return n + 1


print("ready", flush=True)
address, offset, name = sys.stdin.readline().split()
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
at = libc.mmap(ctypes.c_void_p(int(address)), ctypes.c_size_t(4096), READ_EXEC, PRIVATE_FIXED,
               os.open(name, os.O_RDONLY), ctypes.c_long(int(offset)))
assert at == int(address), ctypes.get_errno()
print("mapped", flush=True)
n = 0
while True:
    n = tick(n)
    time.sleep(0.005)
