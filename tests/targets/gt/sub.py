# SPDX-License-Identifier: MIT
"""Imported, dropped and imported again by gt.frames."""


def once():
    return "once"


VALUE = once()
