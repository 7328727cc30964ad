# SPDX-License-Identifier: MIT
"""A module of the standard library's own tests: stdlib.py NAME [WORD...]; tests with one of the words
in their names are left out."""
import sys
import test.support
import unittest

name, *words = sys.argv[1:]
del sys.argv[1:]
# Some tests want no tracing while they run; whoever watches would miss them.
test.support.no_tracing = lambda function: function


def flat(suite):
    """The tests of a suite, and of the suites in it."""
    for item in suite:
        yield from flat(item) if isinstance(item, unittest.TestSuite) else [item]


chosen = [item for item in flat(unittest.defaultTestLoader.loadTestsFromName("test." + name))
          if not any(word in item.id() for word in words)]
result = unittest.TextTestRunner(verbosity=0, stream=sys.stderr).run(unittest.TestSuite(chosen))
# That some fail under a tracer is their business: what they do is compared, not what they want.
print("%d run, %d failed" % (result.testsRun, len(result.failures) + len(result.errors)))
