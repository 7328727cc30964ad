# SPDX-License-Identifier: MIT
"""The same paths in every framework: an answer, an error, a stream, and work that goes on elsewhere.

Each module holds `app`, which knows nothing of tracing unless WEB_TRACE is set. Every handler has a
parameter `n`, the number of its request, and is named as its path; where there are two of them, one
for GET and one for POST, the second ends in _post.
"""
import os

TRACED = bool(os.environ.get("WEB_TRACE"))
