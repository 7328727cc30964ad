# SPDX-License-Identifier: MIT
"""Whole libraries: the standard library, and Debian's Django, Flask and Sphinx with what they need.

In and out they are the same to the byte; with the lines in, every file compiles and they work: the
standard library's own tests (Debian's libpython3.11-testsuite) pass, Sphinx builds the same pages,
Flask gives the same answers.
"""
import json
import os
import shutil
import tempfile
from pathlib import Path

import harness
import pytest
from source import DECORATOR, as_json, copy_python, system, tree, with_agent

PACKAGES = Path("/usr/lib/python3/dist-packages")
NAMES = ("django", "flask", "jinja2", "sphinx", "werkzeug")

# Modules whose own tests are quick and touch much.
OWN_TESTS = ("abc argparse collections configparser contextlib copy csv dataclasses difflib enum "
             "fractions functools html ipaddress json optparse shlex string super textwrap "
             "typing").split()
WITH_TESTS = tuple("test_" + name for name in OWN_TESTS)
RUN_TESTS = """
import importlib, json, sys, unittest
if sys.argv[1]:
    import flowtrace_agent as agent
    agent.init_decorator_logger(agent.Config(logfile=sys.argv[1], capture_args=False,
                                             capture_result=False))
for name in sys.argv[2:]:
    tests = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module("test." + name))
    done = unittest.TextTestRunner(verbosity=0).run(tests)
    wrong = sorted(str(test) for test, _ in done.failures + done.errors)
    print("RESULT", json.dumps([name, done.testsRun, len(done.skipped), wrong]), flush=True)
"""


def library():
    """Where the standard library of the system's interpreter is."""
    return Path("/usr/lib/python3.%d" % system()[0].minor())


def is_other_test(path):
    """Files of the test suite that are not needed here: it is as large as all the rest."""
    return path.parent == library() / "test" and path.name.startswith(("test_", "_test")) \
        and not path.name.startswith(WITH_TESTS)


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """(folder of copies with the lines in, files before, files that cannot be read)."""
    missing = [name for name in NAMES if not (PACKAGES / name).is_dir()]
    if missing:
        pytest.skip("not installed: " + ", ".join(missing))
    # In memory if there is room: each of some thousand files is synced to the disk.
    folder = tmp_path_factory.mktemp("libraries")
    if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 1 << 29:
        folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    copy_python(library(), folder / "lib", but=is_other_test)
    for name in NAMES:
        copy_python(PACKAGES / name, folder / "packages" / name)
    # Some files of the test suite are there because they cannot be read.
    before = tree(folder)
    status = 1 if (folder / "lib/test/badsyntax_3131.py").exists() else 0
    done = as_json("instrument", "--no-backup", folder, status=status)
    refused = {str(Path(f["path"]).relative_to(folder)) for f in done["files"] if "error" in f}
    yield folder, before, refused, status
    shutil.rmtree(folder, ignore_errors=True)


def compiles(content, path):
    try:
        compile(content, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_in_and_out(libraries):
    folder, before, refused, status = libraries
    after = tree(folder)
    assert after.keys() == before.keys() and len(before) > 1200
    functions = 0
    for path, (content, mode) in after.items():
        if not path.endswith(".py"):
            assert content == before[path][0]
            continue
        if path in refused:
            assert content == before[path][0] and not compiles(content, path), path
            continue
        assert compiles(content, path), path
        assert mode == before[path][1], path
        functions += content.count(DECORATOR.encode())
    assert functions > 25000
    copy = folder.with_name(folder.name + "-copy")
    shutil.copytree(folder, copy)
    try:
        assert as_json("instrument", copy / "packages")["changed"] == 0
        as_json("uninstrument", copy, status=status)
        assert tree(copy) == before
    finally:
        shutil.rmtree(copy)


def own_tests(libraries_in, log, names, folder):
    """What unittest says of them: {name: [tests, skipped, failed]}."""
    interpreter, _ = system()
    _, out, errors = harness.run(interpreter.argv("-c", RUN_TESTS, log, *names), timeout=200,
                                 cwd=folder, env=with_agent(*libraries_in))
    lines = [json.loads(line[7:]) for line in out.splitlines() if line.startswith("RESULT ")]
    assert [line[0] for line in lines] == names, errors[-3000:]
    return {line[0]: line[1:] for line in lines}


def test_own_tests_of_the_standard_library(libraries, tmp_path):
    folder = libraries[0]
    if not (folder / "lib" / "test" / "test_json").is_dir():
        pytest.skip("no tests of the standard library: libpython3-testsuite")
    names = list(WITH_TESTS)
    log = tmp_path / "trace.jsonl"
    plain = own_tests([], "", names, tmp_path)
    traced = own_tests([folder / "lib"], log, names, tmp_path)
    assert traced == plain
    assert sum(tests for tests, _, _ in plain.values()) > 3000
    assert not any(failed for _, _, failed in plain.values())
    modules = set()
    with open(log) as lines:
        for line in lines:
            modules.add(json.loads(line).get("module"))
    # Not json: the agent imports it, and so it is imported while the agent is not there yet.
    assert {"argparse", "configparser", "difflib", "fractions", "textwrap", "test.test_csv"} <= modules


PAGES = {
    "conf.py": "project = 'Tea'\nextensions = ['sphinx.ext.autodoc']\nhtml_last_updated_fmt = None\n",
    "index.rst": "Tea\n===\n\n.. toctree::\n\n   pots\n\n.. automodule:: textwrap\n   :members:\n",
    "pots.rst": "Pots\n----\n\n.. code-block:: python\n\n   def pour(pot): return pot\n\n"
                "* one :ref:`search`\n* two\n",
}


def build_pages(folder, libraries_in):
    """Sphinx on some pages; returns what it made of them."""
    (folder / "in").mkdir(parents=True)
    for name, text in PAGES.items():
        (folder / "in" / name).write_text(text)
    harness.run(system()[0].argv("-m", "sphinx", "-q", "-b", "html", "in", "out"), check=0, cwd=folder,
                env=with_agent(*libraries_in, SOURCE_DATE_EPOCH="0"))
    return {path.name: path.read_text() for path in (folder / "out").glob("*.html")}


def test_sphinx_builds_the_same(libraries, tmp_path):
    plain = build_pages(tmp_path / "plain", [])
    traced = build_pages(tmp_path / "traced", [libraries[0] / "packages", libraries[0] / "lib"])
    assert "pour" in plain["pots.html"] and "dedent" in plain["index.html"]
    assert traced == plain


SHOP = """
import sys
import flask, werkzeug
if sys.argv[1]:
    import flowtrace_agent as agent
    agent.init_decorator_logger(agent.Config(logfile=sys.argv[1]))
app = flask.Flask("shop")
@app.route("/<int:n>")
def show(n):
    return flask.render_template_string("{% for i in range(n) %}{{ i|upper }},{% endfor %}", n=n)
@app.errorhandler(404)
def missing(error):
    return flask.jsonify(error=str(error)), 404
client = app.test_client()
for path in ("/3", "/none", "/3?x=1"):
    answer = client.get(path)
    print(answer.status, sorted(answer.headers), answer.data)
print("packages" in flask.__file__.split("/")[-3], file=sys.stderr)
"""


def test_flask_answers_the_same(libraries, tmp_path):
    interpreter, _ = system()
    log = tmp_path / "trace.jsonl"
    plain = harness.run(interpreter.argv("-c", SHOP, ""), check=0, cwd=tmp_path)[1]
    _, traced, errors = harness.run(
        interpreter.argv("-c", SHOP, log), check=0, cwd=tmp_path,
        env=with_agent(libraries[0] / "packages", libraries[0] / "lib"))
    assert traced == plain and "200 OK" in plain and "404" in plain
    assert errors.splitlines()[-1] == "True"
    seen = {json.loads(line).get("function") for line in log.read_text().splitlines()}
    assert {"wsgi_app", "dispatch_request", "match", "render"} <= seen
