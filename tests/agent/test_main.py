# SPDX-License-Identifier: MIT
"""python -m flowtrace_agent: the program runs as it would without, and is in the trace."""
import shutil
import zipfile

import pytest

ONE_PER_RELEASE = True

SEE = """
    import sys
    spec = globals().get("__spec__")
    print(__name__, __file__, __package__, spec and spec.name, type(__loader__).__name__)
    print(sys.argv, sys.path[:1], sorted(globals()))
    print(sys.modules["__main__"].__dict__ is globals(), __builtins__ is sys.modules["builtins"])
    """

ENDS = {
    "status": "import sys; sys.exit(7)",
    "message": "raise SystemExit('no tea')",
    "none": "raise SystemExit",
    "error": "def f(): 1 / 0\nf()",
    "chain": "try: {}['x']\nexcept KeyError: raise ValueError('bad') from None",
    "context": "try: {}['x']\nexcept KeyError as e: raise ValueError('bad') from e",
    "syntax": "x = 1\ndef f(:\n",
    "interrupt": "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(5)",
    "signal": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
    "hook": "import sys\nsys.excepthook = lambda *e: print('hook', e[1], e[2].tb_lineno)\n1 / 0",
    "atexit": "import atexit\n@atexit.register\ndef bye(): print('bye')\nprint('hello')",
    "thread": "import threading, time\ndef f():\n  time.sleep(.1); print(__name__)\n"
              "threading.Thread(target=f).start()",
    "import": "import no_such_module",
}


def both(agent, *args, check=None, **options):
    """What it does without us and with us: two times (status, stdout, stderr)."""
    plain = agent.python(*args, check=check, **options)
    return plain, agent.command("-P", "__main__,pkg", *args, check=check, **options)


def test_script_sees_what_it_would_see(agent):
    """Its name, file, arguments, path and globals."""
    for name in ("see.py", "folder/see.py"):
        agent.write(name, SEE)
        plain, traced = both(agent, name, "-v", "--prefix", "x")
        assert traced == plain
        assert plain[0] == 0 and "'-v', '--prefix', 'x'" in plain[1]
    (agent.path / "link.py").symlink_to("folder/see.py")
    plain, traced = both(agent, "link.py")
    assert traced == plain


def test_module_sees_what_it_would_see(agent):
    """Modules, packages, and what is in packages."""
    for name in ("mod.py", "pkg/__main__.py", "pkg/inner.py"):
        agent.write(name, SEE)
    agent.write("pkg/__init__.py", "print('package', __name__)")
    for module in ("mod", "pkg", "pkg.inner", "pkg.__main__"):
        plain, traced = both(agent, "-m", module, "-m", "x")
        assert traced == plain
        assert plain[0] == 0, plain
    assert both(agent, "-mmod")[0] == both(agent, "-mmod")[1]


def test_folders_archives_and_compiled_files(agent):
    """What else the interpreter takes in place of a script."""
    agent.write("app/__main__.py", "import helper\n" + SEE.replace("    ", ""))
    agent.write("app/helper.py", "print('helper')")
    with zipfile.ZipFile(agent.path / "app.zip", "w") as archive:
        for name in ("__main__.py", "helper.py"):
            archive.write(agent.path / "app" / name, name)
    for target in ("app", "app.zip"):
        plain, traced = both(agent, target, "x")
        assert traced == plain and plain[0] == 0, plain
    agent.write("one.py", "print('compiled', __name__)")
    agent.python("-c", "import py_compile; py_compile.compile('one.py', 'two.pyc')")
    plain, traced = both(agent, "two.pyc")
    assert traced == plain and plain[0] == 0, plain


@pytest.mark.parametrize("end", ENDS)
def test_ends_as_it_would_end(agent, end):
    """The same status and the same words on both outputs: tracebacks without us."""
    agent.write("ends.py", ENDS[end])
    plain, traced = both(agent, "ends.py")
    assert traced == plain


@pytest.mark.parametrize("end", ["status", "error", "interrupt", "syntax"])
def test_modules_end_as_they_would_end(agent, end):
    """But for the frames of runpy, which are in their tracebacks without us."""
    agent.write("ends.py", ENDS[end])
    plain, traced = both(agent, "-m", "ends")
    assert traced[:2] == plain[:2]
    assert traced[2].splitlines()[-1:] == plain[2].splitlines()[-1:]
    assert "flowtrace_agent" not in traced[2] and "runpy" not in traced[2]


def test_what_cannot_be_run(agent):
    """The interpreter's words and status."""
    (agent.path / "empty").mkdir()
    agent.write("pkg/__init__.py", "")
    agent.write("broken/__init__.py", "import no_such_module")
    for args in (["missing.py"], ["empty"], ["-m", "no_such"], ["-m", "pkg"],
                 ["-m", "no_such.inner"], ["-m", "sys"]):
        plain, traced = both(agent, *args)
        assert (traced[0], traced[1]) == plain[:2] and plain[0] in (1, 2), args
        assert traced[2].count("\n") == 1
        if "Error while finding" not in plain[2]:
            assert traced[2] == plain[2], args
    status, _, err = agent.command("-m", "broken", check=1)
    assert "no_such_module" in err


def test_the_trace(agent):
    """All of the program: the module's own code, threads, and what runs at exit."""
    agent.write("lib/helper.py", "def helped(x): return x")
    agent.write("prog.py", """
        import atexit, threading, sys
        sys.path.append("lib")
        import helper
        class A:
            def m(self): return helper.helped(1)
        def late(): pass
        atexit.register(late)
        threading.Thread(target=A().m, name="second").start()
        """)
    agent.command("-P", "__main__,helper", "-o", "out/t.jsonl", "prog.py")
    events = agent.events("out/t.jsonl")
    entered = [(e["module"], e["function"]) for e in events if e["event"] == "ENTER"]
    assert sorted(entered) == [
        ("__main__", "<module>"), ("__main__", "A"), ("__main__", "late"), ("__main__", "m"),
        ("helper", "<module>"), ("helper", "helped")]
    assert [e["event"] for e in events].count("EXIT") == len(entered)
    assert {e["thread"] for e in events if e["function"] == "m"} == {"second"}
    assert [e["file"] for e in events if e["function"] == "helped"][0].endswith("lib/helper.py")


def test_without_a_prefix(agent):
    """Everything but libraries, and never us."""
    agent.write("mine.py", "import json\ndef f(x): return json.dumps(x)")
    agent.write("prog.py", "import mine, logging\nmine.f([1])\nlogging.getLogger('x')")
    agent.command("prog.py")
    assert {e["module"] for e in agent.events()} == {"__main__", "mine"}


def test_options(agent):
    """Each one, in both forms."""
    agent.write("prog.py", "def f(pin, text, deep, token=7): return text\n"
                           "def g(): pass\n"
                           "f(1234, 'x' * 100, [[[1, 2, 3, 4]]])\n")

    def f_of(*options, env=None):
        (agent.path / "flowtrace.jsonl").unlink(missing_ok=True)
        agent.command(*options, "prog.py", env=env)
        return [e for e in agent.events() if e["function"] == "f"]
    assert f_of("-x", "__main__") == f_of("--exclude=__main__") == []
    assert f_of("-P", "mine", "--prefix", "other") == []
    assert len(f_of("-Pmine", "-P", "__main__")) == 2
    assert f_of("--no-args")[0]["args"] == "{}" and f_of("--no-result")[1]["result"] == "null"
    for hidden in ("pin", "token"):
        assert '"%s": "***"' % hidden in f_of("--redact", "PIN")[0]["args"]
    assert '"pin": "***"' in f_of("--redact-only=pin")[0]["args"]
    assert '"token": 7' in f_of("--redact-only=pin")[0]["args"]
    assert '"pin": 1234' in f_of("--redact-only", "")[0]["args"]
    assert len(f_of("--max-arg-length", "20")[1]["result"]) <= 30
    assert "1, 2" in f_of("--max-depth", "0")[0]["args"]
    assert "1, 2" not in f_of("--max-depth=2")[0]["args"]
    assert "3, 4" in f_of("--max-items", "0")[0]["args"]
    assert "3, 4" not in f_of("--max-items=2")[0]["args"]
    # the command line wins over the variables
    assert f_of(env={"FLOWTRACE_EXCLUDE": "__main__"}) == []
    assert len(f_of("--exclude", "nothing", env={"FLOWTRACE_EXCLUDE": "__main__"})) == 2
    _, out, _ = agent.command("--stdout", "--", "prog.py")
    assert '"event": "ENTER"' in out
    _, out, _ = agent.command("-o", "-", "prog.py")
    assert '"event": "ENTER"' in out


def test_wrong_usage(agent):
    """Status 2 and one line; nothing is run, nothing is written."""
    agent.write("prog.py", "print('ran')")
    for args in ([], ["--nonsense", "prog.py"], ["-Z", "prog.py"], ["--prefix"], ["-o"], ["-m"],
                 ["--no-args=1", "prog.py"], ["--max-depth", "deep", "prog.py"],
                 ["--max-depth", "99", "prog.py"], ["--max-items=-1", "prog.py"],
                 ["-o", "", "prog.py"], ["--prefix", "a.*", "prog.py"]):
        status, out, err = agent.command(*args, check=2)
        assert (out, err.count("\n")) == ("", 1), (args, err)
        assert err.startswith("flowtrace-python: "), err
    status, out, err = agent.command("-o", "prog.py/x", "prog.py", check=1)
    assert (out, err.count("\n")) == ("", 1) and "prog.py/x" in err
    assert [p.name for p in agent.path.iterdir()] == ["prog.py"]
    assert agent.command("prog.py", env={"FLOWTRACE_STDOUT": "perhaps"}, check=2)[1] == ""


def test_help_and_version(agent):
    """On standard output."""
    for option in ("-h", "--help"):
        _, out, err = agent.command(option)
        assert out.startswith("usage: python -m flowtrace_agent") and err == ""
        for name in ("--prefix", "--exclude", "--output", "--max-arg-length", "--no-args"):
            assert name in out
    assert agent.command("--version")[1].startswith("flowtrace-python 0.")


def test_isolated(agent):
    """With -I the script's folder is not on the path, with us neither."""
    agent.write("prog.py", "import sys; print(sys.path[0])")
    plain = agent.python("-I", "prog.py")
    site = agent.path / "site"
    shutil.copytree(agent.package / "flowtrace_agent", site / "flowtrace_agent")
    start = ("import sys; sys.path.append(%r); sys.argv = ['x', 'prog.py']; "
             "from flowtrace_agent._command import main; main()" % agent.inside(site))
    assert agent.python("-I", "-c", start) == plain
