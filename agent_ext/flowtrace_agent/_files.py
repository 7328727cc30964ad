# SPDX-License-Identifier: MIT
"""Where a trace goes."""
import os


def make_folder_of(path: str) -> None:
    """The folder of a file, when there is none; what is there already says itself what is wrong."""
    folder = os.path.dirname(path)
    if folder and not os.path.exists(folder):
        os.makedirs(folder, exist_ok=True)


def open_to_append(path: str) -> int:
    """A descriptor; the file is its owner's, as a trace holds values."""
    make_folder_of(path)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
