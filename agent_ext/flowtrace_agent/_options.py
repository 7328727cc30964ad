# SPDX-License-Identifier: MIT
"""The command line: options of ours, then what to run with arguments of its own."""
import textwrap
from typing import Any, Dict, List, NamedTuple, Optional, Tuple


class Option(NamedTuple):
    """A row: what sets a field of Config."""

    name: str
    letter: str = ""
    field: str = ""  # "" = none: the command itself answers
    value: str = ""  # the placeholder in the help; "" = it takes none
    constant: bool = True  # what it sets when it takes none
    is_list: bool = False  # given again, it adds
    help: str = ""


OPTIONS = (
    Option(
        name="--prefix",
        letter="-P",
        field="package_prefix",
        value="a,b",
        is_list=True,
        help="modules whose dotted name starts with one of these; without it, all but the standard "
        "library and installed packages",
    ),
    Option(
        name="--exclude",
        letter="-x",
        field="exclude_patterns",
        value="a,b",
        is_list=True,
        help="leave out modules that start with one of these",
    ),
    Option(
        name="--output",
        letter="-o",
        field="logfile",
        value="FILE",
        help="appended to; - is standard output (default: flowtrace.jsonl)",
    ),
    Option(name="--stdout", field="stdout", help="to standard output too"),
    Option(
        name="--max-arg-length",
        field="max_arg_length",
        value="N",
        help="characters of a rendered field, 0 = the most (default: 1000)",
    ),
    Option(
        name="--max-depth",
        field="max_depth",
        value="N",
        help="nested containers, 0 = the most (default: 6)",
    ),
    Option(
        name="--max-items",
        field="max_items",
        value="N",
        help="items of one container, 0 = the most (default: 64)",
    ),
    Option(
        name="--no-args", field="capture_args", constant=False, help="do not capture arguments"
    ),
    Option(
        name="--no-result", field="capture_result", constant=False, help="do not capture results"
    ),
    Option(
        name="--stack",
        field="stack",
        help="the file, line and function of each entry of an exception's traceback",
    ),
    Option(
        name="--redact",
        field="redact",
        value="NAMES",
        is_list=True,
        help='more parameters and dict keys whose values become "***"',
    ),
    Option(
        name="--redact-only",
        field="redact_only",
        value="NAMES",
        help="the same in place of the default list",
    ),
    Option(name="--help", letter="-h", help="print this text"),
    Option(name="--version", help="print the version"),
)
NAMED = {row.name: row for row in OPTIONS}
LETTERS = {row.letter: row.name for row in OPTIONS if row.letter}

ABOUT = """\
usage: {0} [options] script.py [args...]
       {0} [options] -m module [args...]

Runs a program as python would and traces its calls, as JSON lines.
"""
VARIABLES = """\
FLOWTRACE_ variables give what no option says: FLOWTRACE_PACKAGE_PREFIX, FLOWTRACE_EXCLUDE,
FLOWTRACE_LOGFILE, FLOWTRACE_STDOUT, FLOWTRACE_MAX_ARG_LENGTH and so on.
"""
HELP_COLUMN, WIDTH = 27, 98


def _row_of_help(row: Option) -> str:
    flags = "  %s %s %s" % (row.letter + "," if row.letter else "   ", row.name, row.value)
    lines = textwrap.wrap(row.help, WIDTH - HELP_COLUMN)
    return "\n".join(
        "%-*s%s" % (HELP_COLUMN, flags if number == 0 else "", line)
        for number, line in enumerate(lines)
    )


def usage(program: str) -> str:
    """The text of --help."""
    rows = "\n".join(map(_row_of_help, OPTIONS))
    return "%s\n%s\n\n%s" % (ABOUT.format(program), rows, VARIABLES)


class WrongUsage(Exception):
    """One line that says what is wrong with the command line."""


class CommandLine(NamedTuple):
    """What was asked for."""

    settings: Dict[str, Any]  # fields of Config
    is_module: bool
    target: str  # a script or a module; "--help" or "--version" when nothing is to be run
    args: List[str]


def _next(words: List[str], option: str) -> str:
    if not words:
        raise WrongUsage("%s needs a value" % option)
    return words.pop(0)


def _split(word: str) -> Tuple[str, Optional[str]]:
    """An option and the value that is written together with it: --a=b, -ab."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    return LETTERS.get(word[:2], word[:2]), word[2:] or None


def _add(settings: Dict[str, Any], row: Option, value: str) -> None:
    """Lists grow when an option is given again; of others the last counts."""
    if row.is_list and row.field in settings:
        value = settings[row.field] + "," + value
    settings[row.field] = value


def parse(words: List[str]) -> CommandLine:
    """Raises WrongUsage."""
    words = list(words)
    settings: Dict[str, Any] = {}
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--":
            break
        option, value = _split(word)
        if option in ("--help", "--version") and value is None:
            return CommandLine({}, False, option, [])
        if option == "-m":
            return CommandLine(settings, True, value or _next(words, "-m"), words)
        row = NAMED.get(option)
        if row is None:
            raise WrongUsage("no such option: %s" % word)
        if row.value:
            _add(settings, row, _next(words, option) if value is None else value)
        elif value is not None:
            raise WrongUsage("%s takes no value" % option)
        else:
            settings[row.field] = row.constant
    if not words:
        raise WrongUsage("nothing to run: name a script, or a module with -m")
    return CommandLine(settings, False, words[0], words[1:])
