# SPDX-License-Identifier: MIT
"""Runs a program between two marks (one_run.py): marked.py SCRIPT [ARG...]."""
import atexit
import os
import sys

namespace = {"__name__": "flowtrace_truth"}
exec("def mark(): pass", namespace)
sys.argv.pop(0)
sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
with open(sys.argv[0], "rb") as file:
    code = compile(file.read(), sys.argv[0], "exec", dont_inherit=True)
main = type(sys)("__main__")
main.__file__, main.__builtins__ = sys.argv[0], __builtins__
sys.modules["__main__"] = main
atexit.register(namespace["mark"])
namespace["mark"]()
exec(code, main.__dict__)
