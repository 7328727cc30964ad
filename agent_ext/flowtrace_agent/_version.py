# SPDX-License-Identifier: MIT
"""The version; everything that is built reads it here."""
__version__ = "0.2.0"
