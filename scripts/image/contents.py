# SPDX-License-Identifier: MIT
"""What the image holds: the programs, the libraries that ldd names, the packages these are from, and
the licences of those. Nothing else, so neither a shell nor a package manager."""
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSION = re.search(r"__version__ = \"([\d.]+)\"",
                    (ROOT / "agent_ext/flowtrace_agent/_version.py").read_text()).group(1)


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def libraries(program):
    """The files that the loader maps for a program, at the paths where it looks for them."""
    listed = output("ldd", program)
    if "not found" in listed:
        raise SystemExit("image: %s lacks a library:\n%s" % (program, listed))
    return re.findall(r"(/\S+) \(0x", listed)


def package_of(path):
    """(name, version, architecture) of the Debian package that has a file. Its list may name the
    file by a path of before /lib and /usr/lib were one."""
    real = str(Path(path).resolve())
    for name in (path, real, real.removeprefix("/usr")):
        found = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True)
        if found.returncode == 0:
            package = found.stdout.split(": ")[0].split(",")[0]
            return tuple(output("dpkg-query", "-W", "-f", "${Package}\t${Version}\t${Architecture}",
                                package).split("\t"))
    raise SystemExit("image: %s is not of a Debian package, so its licence is not known" % path)


def stripped(program, scratch):
    copy = Path(scratch) / Path(program).name
    subprocess.run(["strip", "-o", copy, program], check=True)
    return copy.read_bytes()


def contents(programs, scratch):
    """({path in the image: (bytes, mode)}, {path: package}); what is ours has no package."""
    files, packages = {}, {}
    for program in programs:
        files["usr/bin/" + Path(program).name] = (stripped(program, scratch), 0o755)
        for path in libraries(program):
            files[path[1:]] = (Path(path).read_bytes(), 0o755)
            packages[path[1:]] = package_of(path)
    for name, _, _ in set(packages.values()):
        copyright_file = Path("/usr/share/doc") / name / "copyright"
        files[str(copyright_file)[1:]] = (copyright_file.read_bytes(), 0o644)
    files["usr/share/doc/flowtrace-bpf/copyright"] = ((ROOT / "LICENSE").read_bytes(), 0o644)
    return files, packages
