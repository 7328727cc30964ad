# SPDX-License-Identifier: MIT
"""Ground truth: small programs whose every call is known from the interpreter itself."""
