# SPDX-License-Identifier: MIT
"""The same three paths in every framework: an answer, an error, a stream. Each module holds `app`."""
