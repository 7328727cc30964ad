# SPDX-License-Identifier: MIT
"""What is in the image as SPDX 2.3, https://spdx.github.io/spdx-spec/v2.3: our files, and Debian's
packages with theirs. The same image gives the same document."""
import hashlib
import re

UNKNOWN = {"licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION"}


def identifier(kind, name):
    return "SPDXRef-%s-%s" % (kind, re.sub(r"[^A-Za-z0-9.-]", "-", name))


def file_entry(path, data):
    return {"fileName": "./" + path, "SPDXID": identifier("File", path), **UNKNOWN,
            "licenseInfoInFiles": ["NOASSERTION"],
            "checksums": [{"algorithm": name.upper(), "checksumValue": hashlib.new(name, data).hexdigest()}
                          for name in ("sha1", "sha256")]}


def debian_entry(name, version, architecture):
    locator = "pkg:deb/debian/%s@%s?arch=%s" % (name, version.replace("+", "%2B"), architecture)
    return {"name": name, "SPDXID": identifier("Package", name), "versionInfo": version,
            "supplier": "Organization: Debian", "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False, "licenseDeclared": "NOASSERTION", **UNKNOWN,
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                              "referenceLocator": locator}]}


def own_entry(version):
    return {"name": "flowtrace-bpf", "SPDXID": "SPDXRef-Package-flowtrace-bpf", "versionInfo": version,
            "supplier": "NOASSERTION", "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            **UNKNOWN, "licenseDeclared": "MIT"}


def related(one, relation, other):
    return {"spdxElementId": one, "relationshipType": relation, "relatedSpdxElement": other}


def document(files, packages, version, created):
    """files: {path: bytes}; packages: {path: (name, version, architecture)}, of those not ours."""
    own = own_entry(version)
    others = [debian_entry(*package) for package in sorted(set(packages.values()))]
    entries = [file_entry(path, data) for path, data in sorted(files.items())]
    owners = {path: identifier("Package", package[0]) for path, package in packages.items()}
    content = hashlib.sha256("".join(e["checksums"][1]["checksumValue"] for e in entries).encode())
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": "flowtrace-bpf-" + version,
        "documentNamespace": "urn:flowtrace-bpf:image:" + content.hexdigest(),
        "creationInfo": {"created": created, "creators": ["Tool: flowtrace-bpf-dev-image"]},
        "packages": [own, *others], "files": entries,
        "relationships": [
            related("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"]),
            *(related(own["SPDXID"], "DEPENDS_ON", other["SPDXID"]) for other in others),
            *(related(owners.get(path, own["SPDXID"]), "CONTAINS", identifier("File", path))
              for path in sorted(files))],
    }
