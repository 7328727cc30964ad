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


def segments_of(log: str, folder: str) -> str:
    """A folder of segments as it is seen from the log's, which is where readers look from.

    Up from there leads "..", which takes no notice of links that were passed on the way down.
    """
    if not os.path.isabs(folder):
        return os.path.normpath(folder)
    base = os.getcwd() if log == "-" else os.path.dirname(os.path.abspath(log))
    return os.path.relpath(os.path.realpath(folder), os.path.realpath(base))
