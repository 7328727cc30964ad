# SPDX-License-Identifier: MIT
"""./dev finds its commands, and their help, in scripts/."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "scripts").glob("*.sh"))


def shell(*command):
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=60)


def commands():
    return re.findall(r"^\./dev (\w+)", shell("./dev", "help").stdout, re.M)


def test_dev_only_dispatches():
    assert len((ROOT / "dev").read_text().splitlines()) <= 120


def test_help_has_all_that_the_scripts_say():
    said = [line[3:] for path in SCRIPTS for line in path.read_text().splitlines()
            if line.startswith("## ")]
    assert len(said) > 20
    assert set(said) <= set(shell("./dev", "help").stdout.splitlines())


def test_every_command_is_a_function_of_its_file():
    for command in set(commands()) - {"help"}:
        path, = [p for p in SCRIPTS if re.search(r"^## \./dev %s\b" % command, p.read_text(), re.M)]
        function = "run_tests" if command == "test" else command
        done = shell("bash", "-c", ". scripts/lib.sh; . %s; declare -F %s" % (path, function))
        assert (done.stdout, done.stderr) == (function + "\n", "")


def test_other_words_are_no_commands():
    for word in ("nosuch", "make_root", "[a-z]*", "lib", "tes", "./dev"):
        done = shell("./dev", word)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == shell("./dev", "help").stdout + "dev: no such command: %s\n" % word


def test_no_package_is_listed_or_installed_twice():
    lists = re.findall(r'^(\w+_PACKAGES)="', (ROOT / "scripts/packages.sh").read_text(), re.M)
    assert len(lists) > 5
    for name in lists:
        packages = shell("bash", "-c", ". scripts/packages.sh; echo $" + name).stdout.split()
        assert packages and sorted(packages) == sorted(set(packages)), name
    done = shell("bash", "-c", ". scripts/packages.sh; missing_packages no-such no-other no-such")
    assert done.stdout.split() == ["no-such", "no-other"]
