# SPDX-License-Identifier: MIT
"""Traces a program that knows nothing of it."""
import os
import sys
from typing import NoReturn

from flowtrace_agent import _options, _program
from flowtrace_agent._version import __version__
from flowtrace_agent.config import Config
from flowtrace_agent.tracer import start_tracing


def _name() -> str:
    name = os.path.basename(sys.argv[0])
    return "python -m flowtrace_agent" if name == "__main__.py" else name


def _die(status: int, message: object) -> NoReturn:
    print("flowtrace-python: %s" % message, file=sys.stderr)
    sys.exit(status)


def _begin(command: _options.CommandLine) -> None:
    try:
        start_tracing(Config(**command.settings))
    except ValueError as why:
        _die(2, why)
    except OSError as why:
        _die(1, why)


def main() -> NoReturn:
    """The whole command. What the program raises goes through, SystemExit too."""
    try:
        command = _options.parse(sys.argv[1:])
    except _options.WrongUsage as why:
        _die(2, why)
    if command.target == "--help":
        print(_options.usage(_name()), end="")
    elif command.target == "--version":
        print("flowtrace-python", __version__)
    else:
        _begin(command)
        run = _program.run_module if command.is_module else _program.run_script
        try:
            run(command.target, command.args)
        except _program.CannotRun as why:
            print("%s: %s" % (sys.executable, why), file=sys.stderr)
            sys.exit(why.status)
        except BaseException:
            _program.leave_us_out()
            raise
    sys.exit(0)
