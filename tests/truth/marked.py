# SPDX-License-Identifier: MIT
"""Runs a program between two marks (one_run.py): marked.py SCRIPT [ARG...]."""
import atexit
import sys

import truth

mark = truth.marker()
code, namespace = truth.run_program(sys.argv[1:])
atexit.register(mark)
mark()
exec(code, namespace)
