#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Kernel images of Debian's suites, kept in a directory outside the tree.

    images.py DIRECTORY [MIRROR]: fetches those that are missing, says what it does

The small flavour for virtual machines is taken: the same configuration as to BPF, a tenth of
the size. What is fetched is checked against the suite's index and only ever run in an emulator.
"""
import gzip
import hashlib
import io
import lzma
import re
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

SUITES = ("bullseye", "bookworm", "trixie", "sid")
# Where a package has the kernel: /boot/vmlinuz-VERSION, or /usr/lib/modules/VERSION/vmlinuz.
KERNEL = re.compile(r"boot/vmlinuz-(.+)$|lib/modules/([^/]+)/vmlinuz$")
MIRRORS = ("http://deb.debian.org/debian", "http://archive.debian.org/debian")


def fetch(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


def index_of(mirror, suite):
    """The packages of a suite: {name: stanza}."""
    base = "%s/dists/%s/main/binary-amd64/Packages" % (mirror, suite)
    try:
        text = lzma.decompress(fetch(base + ".xz"))
    except urllib.error.HTTPError:
        text = gzip.decompress(fetch(base + ".gz"))
    stanzas = text.decode("utf-8", "replace").split("\n\n")
    return {stanza[9:stanza.find("\n")]: stanza for stanza in stanzas
            if stanza.startswith("Package: linux-")}


def field(stanza, name):
    """One field of a stanza."""
    found = re.search(r"^%s: (.*)$" % name, stanza, re.M)
    return found[1] if found else ""


def package_of(mirror, suite):
    """The stanza of the kernel that the suite installs in virtual machines."""
    packages = index_of(mirror, suite)
    depends = field(packages["linux-image-cloud-amd64"], "Depends")
    image = packages[re.search(r"linux-image-\S+", depends)[0]]
    # Newer ones have the kernel itself in a package of its own.
    binary = re.search(r"linux-binary-\S+", field(image, "Depends"))
    return packages[binary[0]] if binary else image


def extract(deb, directory):
    """The kernel out of a package, as DIRECTORY/vmlinuz-VERSION."""
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], check=True, stdout=subprocess.PIPE)
    with tarfile.open(fileobj=io.BytesIO(tar.stdout)) as files:
        name = next(name for name in files.getnames() if KERNEL.search(name))
        data = files.extractfile(name).read()
    path = directory / ("vmlinuz-" + "".join(filter(None, KERNEL.search(name).groups())))
    (directory / "part").write_bytes(data)
    (directory / "part").rename(path)
    return path


def get(suite, directory, mirrors):
    """Fetches one suite's kernel."""
    for mirror in mirrors:
        try:
            package = package_of(mirror, suite)
            data = fetch("%s/%s" % (mirror, field(package, "Filename")))
        except urllib.error.HTTPError:
            continue  # an old suite is in the archive
        if hashlib.sha256(data).hexdigest() != field(package, "SHA256"):
            raise SystemExit("images.py: %s came damaged" % field(package, "Filename"))
        directory.mkdir(parents=True, exist_ok=True)
        deb = directory / "kernel.deb"
        deb.write_bytes(data)
        path = extract(deb, directory)
        deb.unlink()
        return path
    raise SystemExit("images.py: no mirror has the kernel of %s" % suite)


def image_of(root, suite):
    """The image that is kept for a suite; None if there is none."""
    found = sorted((Path(root) / suite).glob("vmlinuz-*"))
    return found[-1] if found else None


def main(argv):
    """Command line."""
    if not argv or len(argv) > 2:
        sys.exit(__doc__)
    mirrors = ([argv[1]] if len(argv) > 1 else []) + list(MIRRORS)
    for suite in SUITES:
        if not image_of(argv[0], suite):
            print("== fetching the kernel of %s" % suite, file=sys.stderr, flush=True)
            get(suite, Path(argv[0]) / suite, mirrors)


if __name__ == "__main__":
    main(sys.argv[1:])
