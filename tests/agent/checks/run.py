# SPDX-License-Identifier: MIT
"""Runs every check_ function of a module of this folder; the last line printed says, as JSON,
what each ended with: null, "skipped", or its traceback.
"""
import importlib
import json
import os
import sys
import traceback

import support


def outcome(check):
    """Runs one, in a folder of its own."""
    os.makedirs(check.__name__)
    os.chdir(check.__name__)
    try:
        check()
    except support.Skipped:
        return "skipped"
    except BaseException:
        return traceback.format_exc()
    finally:
        support.quiet()
        os.chdir("..")
    return None


def main():
    """All of one module."""
    module = importlib.import_module(sys.argv[1])
    found = [getattr(module, name) for name in vars(module) if name.startswith("check_")]
    print("\n" + json.dumps({check.__name__: outcome(check) for check in found}))


if __name__ == "__main__":
    main()
