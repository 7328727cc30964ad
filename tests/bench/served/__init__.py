# SPDX-License-Identifier: MIT
"""What the benchmark of requests serves. Only .handler is traced, as one's own code among that of
servers and frameworks. SERVED_TRACE: the applications are wrapped from inside.
"""
import os

TRACED = bool(os.environ.get("SERVED_TRACE"))
