# SPDX-License-Identifier: MIT
"""Runs a program between two marks (one_run.py): marked.py SCRIPT [ARG...]."""
import atexit
import gc
import sys

import truth

# A collection at the very start of a call comes after the collector's hook, and before the agent is
# told of that call (docs/agent.md). So it runs at the end.
gc.disable()
mark = truth.marker()
code, namespace = truth.run_program(sys.argv[1:])
atexit.register(mark)
atexit.register(gc.collect)
mark()
exec(code, namespace)
