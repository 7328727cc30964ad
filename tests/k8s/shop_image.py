# SPDX-License-Identifier: MIT
"""The image of an application to trace: Debian's Python and Flask, and examples/shop."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/image"))
import oci  # noqa: E402

PYTHON = Path("/usr/bin/python3.11")
LIBRARY = Path("/usr/lib/python3.11")
PACKAGES = Path("/usr/lib/python3/dist-packages")
NEEDED = ("flask", "werkzeug", "jinja2", "markupsafe", "click", "itsdangerous")
LEFT_OUT = {"test", "idlelib", "lib2to3", "tkinter", "ensurepip", "distutils", "__pycache__"}
MAIN = b"from shop.app import app\napp.run('0.0.0.0', 8000, threaded=True)\n"


def libraries(program):
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return {Path(path) for path in re.findall(r"(/\S+) \(0x", listed)}


def tree(folder):
    return [path for path in folder.rglob("*")
            if path.is_file() and not LEFT_OUT & set(path.relative_to(folder).parts)]


def contents():
    paths = tree(LIBRARY) + [path for name in NEEDED for path in tree(PACKAGES / name)]
    for program in [PYTHON, *LIBRARY.glob("lib-dynload/*.so")]:
        paths += libraries(program)
    files = {str(path)[1:]: (path.read_bytes(), 0o755) for path in paths}
    for path in (ROOT / "examples/shop").glob("*.py"):
        files["app/shop/" + path.name] = (path.read_bytes(), 0o644)
    python = (PYTHON.read_bytes(), 0o755)
    return {**files, "usr/bin/python3.11": python, "usr/bin/python3": python, "tmp": (None, 0o777),
            "app/shop/__main__.py": (MAIN, 0o644)}


def write(folder):
    settings = {"Entrypoint": ["/usr/bin/python3", "-m", "shop"], "WorkingDir": "/app",
                "Env": ["PATH=/usr/bin", "PYTHONDONTWRITEBYTECODE=1"]}
    oci.write(folder, contents(), settings, 0, "localhost/shop", "1", level=1)
