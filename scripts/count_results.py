# SPDX-License-Identifier: MIT
"""What came of a test run: the folder of its JUnit XML files, in one line; ./dev test's status."""

import glob
import os
import sys
import xml.etree.ElementTree as tree


def cases(path):
    """The test cases of a file; None: it is not whole."""
    try:
        return list(tree.parse(path).iter("testcase"))
    except tree.ParseError:
        return None


def broken(where):
    """What a suite could not even say in XML."""
    try:
        with open(where + "/broken") as f:
            return [line.strip() for line in f]
    except FileNotFoundError:
        return []


def main(where):
    passed = failed = skipped = 0
    for path in sorted(glob.glob(where + "/*.xml")):
        found = cases(path)
        if found is None:
            print("==", os.path.basename(path), "is not whole", file=sys.stderr)
            failed += 1
            continue
        for case in found:
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                print("== failed:", os.path.basename(path)[:-4], case.get("classname") or "",
                      case.get("name"), file=sys.stderr)
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
    for line in broken(where):
        failed += 1
        print("== failed:", line, file=sys.stderr)
    sys.stderr.flush()
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return failed > 0 or passed == 0


sys.exit(main(sys.argv[1]))
