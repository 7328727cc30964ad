# SPDX-License-Identifier: MIT
"""Which interpreters can build a wheel here: NAME, a tab, and its path or why it cannot.

They need pip and setuptools of their own; the package wheel, which is the same for all, is lent.
"""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "agent_ext"), str(ROOT / "tests")]
import harness  # noqa: E402
import intree  # noqa: E402

MISSING = """
import importlib.util as util
print(", ".join(name for name in ("pip", "setuptools") if not util.find_spec(name)))
"""


def why_not(interpreter):
    """None if it can."""
    if interpreter.root:
        return "a Debian root has no compiler"
    try:
        intree.ask(interpreter)
    except intree.LeftOut as why:
        return str(why)
    missing = subprocess.run(interpreter.argv("-W", "ignore", "-c", MISSING), text=True,
                             stdout=subprocess.PIPE, check=True, timeout=60).stdout.strip()
    return "it has no " + missing if missing else None


done = {}
for each in intree.distinct(harness.interpreters()):
    reason = why_not(each)
    if reason is None and each.minor() in done:
        reason = "that of %s fits" % done[each.minor()]
    if reason is None:
        done[each.minor()] = each
    print("%s\t%s" % (each.name, reason or each.python))
