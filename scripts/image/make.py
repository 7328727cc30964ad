# SPDX-License-Identifier: MIT
"""make.py FOLDER PROGRAM...: writes FOLDER/image and FOLDER/image.spdx.json. Of the environment,
SOURCE_DATE_EPOCH alone counts: seconds since 1970."""
import json
import os
import sys
import tempfile
from pathlib import Path

import oci
import spdx
from contents import VERSION, contents

SETTINGS = {
    "Entrypoint": ["/usr/bin/flowtrace-bpf"],
    "Env": ["PATH=/usr/bin"],
    "User": "0",
    "WorkingDir": "/var/lib/flowtrace",
    # SIGTERM, which is the default: detaches and writes what is left.
    "Labels": {"org.opencontainers.image.title": "flowtrace-bpf",
               "org.opencontainers.image.version": VERSION,
               "org.opencontainers.image.licenses": "MIT"},
}


def main(folder, *programs):
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    with tempfile.TemporaryDirectory() as scratch:
        files, packages = contents(programs, scratch)
    # Where traces are put. A runtime cannot make it when the root is read-only.
    everything = {**files, "var/lib/flowtrace": (None, 0o700)}
    oci.write(Path(folder) / "image", everything, SETTINGS, epoch,
              "localhost/flowtrace-bpf", VERSION)
    bill = spdx.document({path: data for path, (data, _) in files.items()}, packages, VERSION,
                         oci.when(epoch))
    (Path(folder) / "image.spdx.json").write_text(json.dumps(bill, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
