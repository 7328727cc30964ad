# SPDX-License-Identifier: MIT
"""What the extension is made of, in a checkout and in the archive that is made of it.

The stages from records to lines are the collector's own (user/core/, bpf/). In an archive they lie in
core/; run as a program, this lists what must go there. What knows web frameworks is in frameworks/,
beside this folder in a checkout and within it in an archive.
"""
import glob
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
STAGED = os.path.join(HERE, "core")
CORE = STAGED if os.path.isdir(STAGED) else os.path.dirname(HERE)
FRAMEWORKS = os.path.join(HERE if os.path.isdir(STAGED) else os.path.dirname(HERE), "frameworks")

CORE_SOURCES = ["user/core/*.c", "user/core/*/*.c"]
CORE_HEADERS = ["user/core/*.h", "user/core/*/*.h", "user/collector/cpython/offsets/*.h",
                "bpf/ft_*.h"]

FLAGS = ["-std=gnu11", "-O2", "-fvisibility=hidden"]
LIBRARIES = ["m", "pthread"]


def find(base, patterns):
    """Files below a folder, relative to it, in order."""
    found = {os.path.relpath(path, base) for pattern in patterns
             for path in glob.glob(os.path.join(base, pattern))}
    return sorted(found)


def core():
    """The collector's sources, relative to CORE."""
    return find(CORE, CORE_SOURCES)


def extension():
    """The extension's own sources, relative to this folder."""
    return find(HERE, ["module.c", "csrc/*.c"])


def wrappers():
    """Those of the extension that know web frameworks, relative to FRAMEWORKS."""
    return find(FRAMEWORKS, ["csrc/*.c"])


def includes():
    """Folders of headers."""
    own = [os.path.join(folder, "csrc") for folder in (HERE, FRAMEWORKS)]
    return own + [os.path.join(CORE, name) for name in ("user/core", "user/collector", "bpf")]


def version():
    """The one that flowtrace_agent/_version.py holds."""
    with open(os.path.join(HERE, "flowtrace_agent", "_version.py")) as file:
        return re.search(r'__version__ = "(.+)"', file.read()).group(1)


if __name__ == "__main__":
    print("\n".join(find(CORE, CORE_SOURCES + CORE_HEADERS)))
