# SPDX-License-Identifier: MIT
"""validate and init: what they say, and the script run for real, both ways."""
import json
import os
import shutil
import subprocess
from pathlib import Path

import harness
import pytest
from source import FLOWCTL, as_json, flowctl, system, with_agent

APP = "import sys\ndef double(x): return 2 * x\nprint(double(len(sys.argv)), sys.argv[1:])\n"


def python():
    """The interpreter that the agent is built for."""
    return system()[0].python


@pytest.fixture
def project(tmp_path):
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def rows(found):
    return {row["name"]: (row["verdict"], row["text"]) for row in found["checks"]}


def without_collector(project):
    """A flowctl that has no flowtrace-bpf beside it."""
    folder = project.parent / (project.name + "-bin")
    folder.mkdir(exist_ok=True)
    return Path(shutil.copy(FLOWCTL, folder))


def run_alone(project, *args, status, env):
    program = without_collector(project)
    got, out, errors = harness.run([program, *args, "--json"], env=env)
    assert got == status, out + errors
    return json.loads(out)


def test_validate_with_the_agent(project):
    found = run_alone(project, "validate", project, "--python", python(), status=0,
                      env=with_agent(PATH="/usr/bin:/bin"))
    assert found["ok"] and found["agent"] and not found["bpf"]
    about = rows(found)
    assert about["python"][0] == "yes" and system()[0].version() in about["python"][1]
    assert about["agent"][0] == "yes" and str(system()[1]) in about["agent"][1]
    assert about["bpf"] == ("no", "flowtrace-bpf cannot trace it: no flowtrace-bpf in PATH")
    assert about["files"][1].startswith("1 Python files, 1 functions")
    assert about["frameworks"] == ("note", "none")
    assert "flowctl init" in about["config"][1]


def test_validate_without_anything(project):
    found = run_alone(project, "validate", project, "--python", python(), status=1,
                      env=harness.environment(PATH="/usr/bin:/bin", PYTHONPATH=""))
    assert not found["ok"] and "No module named" in rows(found)["agent"][1]
    out, _ = flowctl("validate", project, "--python", "/nowhere/python", status=1)
    assert "cannot run /nowhere/python" in out and "traceable    NO" in out
    out, _ = flowctl("validate", project, "--python", "/bin/false", status=1)
    assert "gave no answer (status 1)" in out
    assert "No such file" in flowctl("validate", project / "none", status=1)[1]


@pytest.mark.live
def test_validate_with_bpf(project):
    env = harness.environment(PYTHONPATH="")
    found = as_json("validate", project, "--python", python(), env=env)
    assert found["bpf"] and found["ok"]
    assert "flowtrace-bpf can trace it" in rows(found)["bpf"][1]


def test_validate_imports_nothing_of_the_project(project):
    for name in ("json.py", "flowtrace_agent.py", "app.py"):
        (project / name).write_text("open('imported', 'w')\ndef f(): return 1\n")
    flowctl("validate", "--python", python(), cwd=project, env=with_agent())
    assert not (project / "imported").exists()


def test_validate_reads_the_config(project):
    env = with_agent()
    flowctl("init", project)
    args = ("validate", project, "--python", python())
    assert rows(as_json(*args, env=env))["config"] == ("yes", ".flowtrace/config.json")
    config = project / ".flowtrace" / "config.json"
    for text, says in (("{", "is not JSON"), ("[]", "is not a JSON object"), ("", "is not JSON"),
                       ('{"stdout": "no"}', "stdout is not true or false"),
                       ('{"language": "java"}', "the language is java"),
                       ('{"exclude": [1]}', "exclude is not an array of texts"),
                       ('{"maxArgLength": -1}', "maxArgLength is not a whole number")):
        config.write_text(text)
        verdict, said = rows(as_json(*args, status=1, env=env))["config"]
        assert verdict == "no" and says in said, said
    config.write_text('{"language": "python", "launcher": {"shell": "bash"}}')
    as_json(*args, env=env)
    (project / "run-and-flowtrace.sh").chmod(0o644)
    assert rows(as_json(*args, status=1, env=env))["script"][0] == "no"


def test_init_writes_what_flowtrace_reads(project):
    (project / "web.py").write_text("import flask\n")
    out, _ = flowctl("init", project, "--prefix", "shop,worker")
    assert out.endswith("runs: python3 app.py\n")
    assert json.loads((project / ".flowtrace/config.json").read_text()) == {
        "version": "1.0.0", "language": "python", "packagePrefix": "shop,worker",
        "framework": "flask", "logFile": "flowtrace.jsonl", "stdout": False, "maxArgLength": 1000,
        "exclude": []}
    script = project / "run-and-flowtrace.sh"
    assert script.stat().st_mode & 0o777 == 0o755
    if shutil.which("shellcheck"):
        assert harness.run(["shellcheck", script])[:2] == (0, "")
    # Nothing is overwritten, neither of the two.
    script.write_text("mine")
    assert "exists: --force replaces it" in flowctl("init", project, status=1)[1]
    (project / ".flowtrace/config.json").unlink()
    flowctl("init", project, status=1)
    assert script.read_text() == "mine" and not (project / ".flowtrace/config.json").exists()
    flowctl("init", project, "--force")
    assert "flowtrace-bpf" in script.read_text()
    assert "is not a directory" in flowctl("init", project / "none", status=1)[1]


def test_init_finds_the_program(tmp_path):
    def program(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__py", ".py").replace("___", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return as_json("init", tmp_path, "-f")["program"]
    assert program() is None
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__main__.py").touch()
    assert program() == "-m shop"
    assert program(main__py="") == "main.py"
    assert program(app__py="") == "app.py"
    assert program(manage__py="") == "manage.py runserver --noreload"
    assert as_json("init", tmp_path, "-f", "--run", "-m shop")["program"] == "-m shop"


def run_script(project, *args, status=0, **env):
    got, out, errors = harness.run(["bash", project / "run-and-flowtrace.sh", *args], cwd="/",
                                   env=env)
    assert got == status, errors
    return out, errors


def functions(trace):
    return [json.loads(line)["function"] for line in trace.read_text().splitlines()
            if '"ENTER"' in line]


def test_script_with_the_agent(project):
    flowctl("init", project, "--run", "app.py 'quoted' $HOME")
    env = with_agent(PATH="/usr/bin:/bin", PYTHON=python())
    # From another folder, as FlowTrace's MCP server starts it: with bash, without arguments.
    assert run_script(project, **env)[0] == "6 [\"'quoted'\", '$HOME']\n"
    assert functions(project / "flowtrace.jsonl") == ["<module>", "double"]
    (project / "other.py").write_text("def triple(x): return 3 * x\nprint(triple(3))\n")
    assert run_script(project, "other.py", "x", **env)[0] == "9\n"
    assert functions(project / "flowtrace.jsonl")[2:] == ["<module>", "triple"]
    # What the file says counts, and a variable more.
    config = project / ".flowtrace" / "config.json"
    config.write_text(json.dumps({"logFile": "other.jsonl", "exclude": ["__main__"],
                                  "stdout": False}))
    run_script(project, **env)
    assert functions(project / "other.jsonl") == []
    run_script(project, **env, FLOWTRACE_EXCLUDE="nothing", FLOWTRACE_LOGFILE="third.jsonl")
    assert functions(project / "third.jsonl") == ["<module>", "double"]
    config.write_text("{")
    errors = run_script(project, status=1, **env)[1]
    assert errors.startswith("run-and-flowtrace.sh: .flowtrace/config.json: ")


def test_script_that_can_do_nothing(project):
    flowctl("init", project)
    env = harness.environment(PATH="/usr/bin:/bin", PYTHON=python(), PYTHONPATH="")
    errors = run_script(project, status=1, **env)[1]
    assert "neither flowtrace-bpf nor flowtrace_agent" in errors
    (project / "app.py").unlink()
    flowctl("init", project, "--force")
    assert "which program?" in run_script(project, status=1, **env)[1]


@pytest.mark.live
def test_script_with_bpf(project):
    flowctl("init", project)
    path = "%s:/usr/bin:/bin" % FLOWCTL.parent
    env = harness.environment(PATH=path, PYTHON=harness.own_python(), PYTHONPATH="")
    out, errors = run_script(project, **env)
    assert out == "2 []\n" and "flowtrace-bpf: " in errors
    assert "double" in functions(project / "flowtrace.jsonl")


def test_script_prefers_the_environment_of_the_project(project):
    flowctl("init", project)
    venv = project / ".venv" / "bin"
    venv.mkdir(parents=True)
    (venv / "python").symlink_to(python())
    env = with_agent(PATH="/usr/bin:/bin")
    (project / "app.py").write_text("import sys\nprint(sys.executable)\n")
    assert run_script(project, **env)[0] == ".venv/bin/python\n" or os.path.samefile(
        run_script(project, **env)[0].strip(), venv / "python")


def test_json_is_json_whatever_the_names(tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff \"x\".py"
    with open(name, "w") as file:
        file.write("def f(): return 1\n")
    out = subprocess.run([FLOWCTL, "analyze", "--json", name], stdout=subprocess.PIPE,
                         check=True).stdout
    assert json.loads(out)["files"][0]["path"].endswith('� "x".py')
