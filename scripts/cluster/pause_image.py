# SPDX-License-Identifier: MIT
"""pause_image.py PROGRAM FOLDER: the image that every pod begins with, as an OCI layout."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "image"))
import oci  # noqa: E402

program, folder = map(Path, sys.argv[1:])
oci.write(folder, {"pause": (program.read_bytes(), 0o755)}, {"Entrypoint": ["/pause"]}, 0,
          "localhost/pause", "3")
