# SPDX-License-Identifier: MIT
"""Runs ground-truth scenarios: run.py NAME [NAME...], or run.py --list.

A scenario is a module of the package gt with a function main(). Only gt is traced: this
file and the package outside are what a user's prefix leaves out.
"""
import gc
import importlib
import sys

import outside

SCENARIOS = (
    "recursion", "methods", "params", "generators", "yieldfrom", "coroutines", "asyncgens",
    "threads", "pool", "exceptions", "swallowed", "through_c", "chains", "deepchain", "scalars",
    "containers", "objects", "frames", "limits", "redaction", "names", "reused",
    "left_by", "raised_again", "thrown", "handed_on", "uncaught",
)
# Their main() raises.
FAILING = ("uncaught",)


def main(names):
    """Imports and runs the named scenarios, one after the other."""
    if names == ["--list"]:
        print("\n".join(SCENARIOS))
        return 0
    # Automatic collection strikes at a moment that depends on who else allocates.
    gc.disable()
    for name in names:
        module = importlib.import_module("gt." + name)
        if name in FAILING:
            outside.swallow(module.main)
        else:
            module.main()
        print("ran", name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
