# SPDX-License-Identifier: MIT
"""Programs by others, each watched twice: by the interpreter's own tracing and the collector in one
run, by the agent and the collector in another. Every call, value, exception and parent is the same.

`./dev truth [NAME]` runs them by hand.
"""
import collections
import os
import re

import harness
import place as places
import pytest

pytestmark = pytest.mark.live

# What runs, the modules that are traced, a module that must be there, the calls that there are at
# least; words for the program where the interpreter's own tracing watches.
Program = collections.namedtuple("Program", "argv prefix needs minimum watched", defaults=((),))
# Of tests that go to the recursion limit, where a function in Python that watches is one call too
# many and is dropped; and of one that raises KeyboardInterrupt in whatever runs next.
LEFT_OUT = ["ecurs", "badisinstance", "raise_and_yield_from"]
PROGRAMS = {
    "networkx": Program(["networkx_graphs.py"], "networkx", "networkx", 5000),
    "documents": Program(["documents.py"], "jinja2,docutils,pygments", "docutils", 5000),
    "pandas": Program(["pandas_frames.py"], "pandas", "pandas", 5000),
    "celery": Program(["celery_tasks.py"], "celery,kombu", "celery", 5000),
    "sqlalchemy": Program(["sqlalchemy_orm.py"], "sqlalchemy", "sqlalchemy", 5000),
    "django": Program(["django_project.py"], "django,notes", "django", 5000),
    "tornado": Program(["tornado_loop.py"], "tornado,__main__", "tornado", 500),
    "aiohttp": Program(["aiohttp_loop.py"], "aiohttp,__main__", "aiohttp", 500),
    "gevent": Program(["gevent_crowd.py"], "gevent,__main__", "gevent", 500),
    "leaving": Program(["leaving.py"], "__main__", "sys", 1500),
}
for name in ("generators", "coroutines", "asyncgen", "contextlib", "exceptions"):
    name = "test_" + name
    PROGRAMS[name] = Program(["stdlib.py", name], "test." + name, "test." + name, 100, LEFT_OUT)

# Too long for every change: minutes under sys.settrace.
LONG = ("django", "documents", "sqlalchemy", "pandas", "celery")
# The system's own, and one that has sys.monitoring.
PYTHONS = [harness.Interpreter("system"),
           *(python for python in harness.interpreters() if python.name == "sid-3.14")]
# Up to 3.10 the ways to see an exit differ from build to build.
UP_TO_3_10 = [python for python in harness.interpreters()
              if re.match(r"own-3\.(8|9|10)\.|bullseye(-uprobe)?$", python.name)]


@pytest.fixture(scope="module", params=PYTHONS, ids=repr)
def place(request):
    """One for each interpreter."""
    try:
        with places.made(request.param) as made:
            yield made
    except places.LeftOut as reason:
        pytest.skip(str(reason))


@pytest.fixture(params=PROGRAMS)
def program(request, place):
    """One that the interpreter can run."""
    wanted = PROGRAMS[request.param]
    if os.environ.get("CI") and request.param in LONG:
        pytest.skip("by hand: ./dev truth " + request.param)
    if harness.run(place.interpreter.argv("-c", "import " + wanted.needs))[0]:
        pytest.skip("no module " + wanted.needs)
    return wanted


def test_as_the_interpreter(place, program):
    """The collector's calls are those of sys.settrace or sys.monitoring."""
    compare_with_the_interpreter(place, program)


@pytest.mark.parametrize("interpreter", UP_TO_3_10, ids=repr)
def test_leaving(interpreter):
    """How calls end, on each build up to 3.10."""
    try:
        with places.made(interpreter) as made:
            compare_with_the_interpreter(made, PROGRAMS["leaving"])
    except places.LeftOut as reason:
        pytest.skip(str(reason))


def compare_with_the_interpreter(place, program):
    """Fails where they differ."""
    comparison = place.as_the_interpreter(program.prefix, place.program(program.argv), program.watched)
    print(comparison.report())
    if comparison.differences:
        pytest.fail(comparison.report(), pytrace=False)
    assert comparison.compared["calls"] >= program.minimum


def test_as_the_agent(place, program):
    """The collector's lines are the agent's."""
    texts, calls = place.as_the_agent(program.prefix, place.program(program.argv))
    if texts:
        pytest.fail("%d of %d calls; the first:\n%s" % (
            len(texts), calls, "\n".join(text[:1500] for text in texts[:8])), pytrace=False)
    assert calls >= program.minimum
