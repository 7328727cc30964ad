# SPDX-License-Identifier: MIT
"""Programs that the benchmark traces: each module has work(), which returns what must come out."""
