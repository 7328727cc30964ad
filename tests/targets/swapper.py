# SPDX-License-Identifier: MIT
"""A program that misleads whoever opens its libpython by name: what the name leads to changes,
again and again. Arguments: how, then what that needs.

    rename ONE OTHER   two directories are exchanged
    mount ONE OTHER    OTHER is mounted over ONE, in a mount namespace of its own, and taken off
    chroot ROOT        its root is ROOT, and the one of before
    pivot ROOT         the same by pivot_root(2): of the whole mount namespace
"""
import ctypes
import os
import random
import signal
import sys
import threading
import time

AT_FDCWD, RENAME_EXCHANGE = -100, 2
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 4096, 16384, 1 << 18, 2
SYS_PIVOT_ROOT = 155
libc = ctypes.CDLL(None, use_errno=True)


def call(name, *args):
    """A function of libc that returns 0."""
    args = [os.fsencode(arg) if isinstance(arg, str) else arg for arg in args]
    assert not getattr(libc, name)(*args), (name, args, os.strerror(ctypes.get_errno()))


def own_mounts():
    call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    call("mount", None, "/", None, MS_REC | MS_PRIVATE, None)


class Rename:
    def __init__(self, one, other):
        self.forth = self.back = lambda: call("renameat2", AT_FDCWD, one, AT_FDCWD, other,
                                              RENAME_EXCHANGE)


class Mount:
    def __init__(self, one, other):
        own_mounts()
        self.forth = lambda: call("mount", other, one, None, MS_BIND, None)
        self.back = lambda: call("umount2", one, MNT_DETACH)


class Chroot:
    """The root is what threads of one process share."""

    def __init__(self, root):
        call("unshare", CLONE_NEWUSER)
        self.root, self.before = root, os.open("/", os.O_RDONLY)

    def forth(self):
        os.chroot(self.root)

    def back(self):
        os.fchdir(self.before)
        os.chroot(".")


class Pivot:
    """ROOT has an empty directory "old"."""

    def __init__(self, root):
        own_mounts()
        call("mount", root, root, None, MS_BIND | MS_REC, None)
        os.chdir("/")
        self.forth = lambda: call("syscall", SYS_PIVOT_ROOT, root, root + "/old")
        self.back = lambda: call("syscall", SYS_PIVOT_ROOT, "/old", "/old" + root)


def swap_for_ever(how):
    """Each state lasts from no time to about what loading BPF programs takes."""
    while True:
        for step in how.forth, how.back:
            step()
            time.sleep(random.choice((0, 0.001, 0.01, 0.1, 0.3)) * random.random())


def tick(n):
    return n + 1


def main():
    how = {"rename": Rename, "mount": Mount, "chroot": Chroot,
           "pivot": Pivot}[sys.argv[1]](*sys.argv[2:])
    if sys.argv[1] == "chroot":
        threading.Thread(target=swap_for_ever, args=[how], daemon=True).start()
    elif not os.fork():
        call("prctl", 1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        swap_for_ever(how)
    print("ready", flush=True)
    n = 0
    while True:
        n = tick(n)
        time.sleep(0.005)


main()
