# SPDX-License-Identifier: MIT
"""./dev sdist and wheel: what they make installs with pip, without a network, and runs."""
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import harness
import pytest

sys.path.append(str(harness.REPO / "agent_ext"))
import sources  # noqa: E402
import wheels  # noqa: E402

PIP = ("-m", "pip", "--no-cache-dir", "--disable-pip-version-check", "-q")
OFFLINE = ("--no-index", "--no-build-isolation", "--no-deps")


def run(*argv, check=0, **options):
    """Runs one; returns its standard output."""
    _, out, _ = harness.run(argv, check=check, timeout=300, **options)
    return out


def why_not():
    """What is missing to build packages."""
    for name in ("pip", "setuptools", "wheel", "venv", "ensurepip"):
        if subprocess.run([harness.PYTHON, "-c", "import " + name],
                          stderr=subprocess.DEVNULL).returncode:
            return "no " + name
    include = run(harness.PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('include'))")
    return None if os.path.exists(include.strip() + "/Python.h") else "no Python.h"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """What ./dev sdist makes, of a copy of the checkout's files."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    tree = tmp_path_factory.mktemp("checkout")
    for name in ("dev", "scripts", "LICENSE", "agent_ext", "frameworks", "user", "bpf"):
        source = harness.REPO / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree)
    run("./dev", "sdist", cwd=tree)
    found, = (tree / "dist").iterdir()
    return found


@pytest.fixture(scope="module")
def installed(archive, tmp_path_factory):
    """An environment with the package in it, built by pip from the archive."""
    place = tmp_path_factory.mktemp("venv")
    run(harness.PYTHON, "-m", "venv", "--system-site-packages", place)
    run(place / "bin/python", *PIP, "install", *OFFLINE, archive)
    return place


def test_one_version():
    """The collector's, the package's and the archive's are read from one place."""
    text = (harness.REPO / "CMakeLists.txt").read_text()
    assert "agent_ext/flowtrace_agent/_version.py" in text
    assert not re.search(r"VERSION \d+\.\d+\.\d+", text)
    assert re.fullmatch(r"\d+\.\d+\.\d+", sources.version())
    if harness.TRACER.exists():
        assert sources.version() in run(harness.TRACER, "--version")


def test_what_the_archive_holds(archive):
    """All that a build needs, and nothing that it does not."""
    assert archive.name == "flowtrace_agent-%s.tar.gz" % sources.version()
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    for path in ("LICENSE", "PKG-INFO", "pyproject.toml", "setup.py", "sources.py",
                 "module.c", "csrc/engine.c", "core/user/core/pipeline.c",
                 "core/user/core/base/buf.h",
                 "core/bpf/ft_abi.h", "flowtrace_agent/py.typed", "flowtrace_agent/_core.pyi",
                 "frameworks/csrc/wsgi.c", "frameworks/python/__init__.py"):
        assert path in names, path
    for name in names:
        assert not name.endswith((".bpf.c", ".bpf.h", ".pyc", ".o", ".so")), name
        assert not name.startswith(("core/user/collector/attach/attach.c", "core/user/collector/config/config.c"))


def test_installed_package_runs(installed, tmp_path):
    """Imported, from the command line, and by its script."""
    (tmp_path / "prog.py").write_text("def f(x): return x\nf([1])\n")
    python = installed / "bin/python"
    out = run(python, "-c", "import flowtrace_agent as f; print(f.__version__, f.__file__)",
              cwd=tmp_path)
    assert out.split()[0] == sources.version() and str(installed) in out
    assert (installed / "bin/flowtrace-python").exists()
    for command in ([installed / "bin/flowtrace-python"], [python, "-m", "flowtrace_agent"]):
        out = run(*command, "-P", "__main__", "-o", "-", "prog.py", cwd=tmp_path)
        assert out.count('"function": "f"') == 2
    assert run(installed / "bin/flowtrace-python", "--help").startswith("usage: flowtrace-python ")


def test_metadata(installed):
    """Extras, the oldest Python, and the files of types."""
    out = run(installed / "bin/python", "-c", """if True:
        from importlib import metadata
        found = metadata.metadata("flowtrace-agent")
        assert set(found.get_all("Provides-Extra")) >= {"django", "flask", "fastapi"}, found
        assert found["Requires-Python"] == ">=3.8" and found["License"] == "MIT"
        print(*[f for f in metadata.files("flowtrace-agent") if "flowtrace_agent/" in str(f)])
        """)
    for name in ("py.typed", "_core.pyi", "_core.cpython-", "frameworks/__init__.py",
                 "frameworks/flask.py", "frameworks/django.py"):
        assert "flowtrace_agent/" + name in out
    assert ".c" not in {os.path.splitext(name)[1] for name in out.split()}


@pytest.mark.parametrize("extra", ["async", "flask", "fastapi", "django"])
def test_extras_are_known(extra, installed):
    """pip does not warn of them."""
    status, out, err = harness.run(
        [installed / "bin/python", "-m", "pip", "--disable-pip-version-check", "install",
         "--no-index", "--no-deps", "flowtrace-agent[%s]" % extra], timeout=60)
    assert "does not provide the extra" not in out + err


def test_wheel(archive, tmp_path):
    """What pip makes for this interpreter and this kind of machine."""
    run(harness.PYTHON, *PIP, "wheel", *OFFLINE, "-w", tmp_path, archive)
    wheel, = tmp_path.glob("*.whl")
    tag = "cp3%d" % harness.Interpreter("system").minor()
    assert wheel.name == "flowtrace_agent-%s-%s-%s-linux_x86_64.whl" % (sources.version(), tag, tag)
    with zipfile.ZipFile(wheel) as archive_of_wheel:
        assert not [name for name in archive_of_wheel.namelist() if name.endswith((".c", ".h"))]


@pytest.fixture(scope="module")
def info(archive, tmp_path_factory):
    """The metadata that ./dev wheel puts into every wheel."""
    tree = tmp_path_factory.mktemp("archive")
    with tarfile.open(archive) as tar:
        tar.extractall(tree)
    sources_of_it, = tree.iterdir()
    return wheels.metadata(sources_of_it, tmp_path_factory.mktemp("info"))


def test_wheels_of_all(agent, info):
    """A wheel of each interpreter, with its metadata: what is in it runs there."""
    wheel = wheels.pack(agent.interpreter, info, agent.path)
    assert "-cp3%d-" % agent.minor() in wheel.name
    with zipfile.ZipFile(wheel) as files:
        assert "entry_points.txt" in {name.rpartition("/")[2] for name in files.namelist()}
        files.extractall(agent.path / "site")
    source = "import flowtrace_agent as f; print(f.__file__, f._core.MAX_ITEMS)"
    _, out, _ = agent.python("-c", "import sys; sys.path.insert(0, 'site'); " + source)
    assert "site/flowtrace_agent" in out


def test_pip_takes_our_wheel(info, installed, tmp_path):
    """Its list of files holds."""
    wheel = wheels.pack(harness.Interpreter("system"), info, tmp_path)
    run(installed / "bin/python", *PIP, "install", "--no-index", "--no-deps", "--force-reinstall",
        wheel)
    assert "usage: flowtrace-python " in run(installed / "bin/flowtrace-python", "--help")


def test_free_threaded_builds_are_refused(archive, tmp_path):
    """In one line."""
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path)
    tree, = tmp_path.iterdir()
    patched = ("import sysconfig; ask = sysconfig.get_config_var\n"
               "sysconfig.get_config_var = lambda n: 1 if n == 'Py_GIL_DISABLED' else ask(n)\n"
               "exec(open('setup.py').read(), {'__name__': '__main__', '__file__': 'setup.py'})")
    _, out, err = harness.run([harness.PYTHON, "-c", patched, "build"], cwd=tree, check=1)
    assert "free-threaded Python is not supported" in err and err.count("\n") == 1
