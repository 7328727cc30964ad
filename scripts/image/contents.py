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


def names_of(path):
    """What a package's list may call a file: /lib and /usr/lib were two folders once."""
    real = str(Path(path).resolve())
    return [path, real, real.removeprefix("/usr")]


def packages_of(paths):
    """{path: (name, version, architecture)} of the Debian packages that have the files. dpkg reads
    all its lists each time, so it is asked once."""
    listed = subprocess.run(["dpkg", "-S", *{name for path in paths for name in names_of(path)}],
                            capture_output=True, text=True).stdout
    owners = {name: package.split(",")[0] for package, name in
              re.findall(r"^(?!diversion by )(\S[^:]*(?::\w+)?(?:, [^:]+(?::\w+)?)*): (/.+)$", listed, re.M)}
    found = {path: next((owners[name] for name in names_of(path) if name in owners), None)
             for path in paths}
    for path, package in found.items():
        if not package:
            raise SystemExit("image: %s is not of a Debian package: its licence is not known" % path)
    said = output("dpkg-query", "-W", "-f", "${binary:Package}\t${Package}\t${Version}\t${Architecture}\n",
                  *sorted(set(found.values())))
    facts = {}
    for line in said.splitlines():
        full, name, version, architecture = line.split("\t")
        facts[full] = facts[name] = facts[name + ":" + architecture] = (name, version, architecture)
    return {path: facts[package] for path, package in found.items()}


def stripped(program, scratch):
    copy = Path(scratch) / Path(program).name
    subprocess.run(["strip", "-o", copy, program], check=True)
    return copy.read_bytes()


def contents(programs, scratch):
    """({path in the image: (bytes, mode)}, {path: package}); what is ours has no package."""
    files, needed = {}, set()
    for program in programs:
        files["usr/bin/" + Path(program).name] = (stripped(program, scratch), 0o755)
        needed.update(libraries(program))
    packages = {path[1:]: package for path, package in packages_of(sorted(needed)).items()}
    files.update({path[1:]: (Path(path).read_bytes(), 0o755) for path in needed})
    for name, _, _ in set(packages.values()):
        copyright_file = Path("/usr/share/doc") / name / "copyright"
        files[str(copyright_file)[1:]] = (copyright_file.read_bytes(), 0o644)
    files["usr/share/doc/flowtrace-bpf/copyright"] = ((ROOT / "LICENSE").read_bytes(), 0o644)
    return files, packages
