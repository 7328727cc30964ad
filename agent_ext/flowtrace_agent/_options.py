# SPDX-License-Identifier: MIT
"""The command line: options of ours, then what to run with arguments of its own."""
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

USAGE = """\
usage: {0} [options] script.py [args...]
       {0} [options] -m module [args...]

Runs a program as python would and traces its calls, as JSON lines.

  -P, --prefix a,b      modules whose dotted name starts with one of these;
                        without it, all but the standard library and installed packages
  -x, --exclude a,b     leave out modules that start with one of these
  -o, --output FILE     appended to; - is standard output (default: flowtrace.jsonl)
      --stdout          also to standard output
      --max-arg-length N  characters of a rendered field, 0 = the most (default: 1000)
      --max-depth N     nested containers, 0 = the most (default: 6)
      --max-items N     items of one container, 0 = the most (default: 64)
      --no-args         do not capture arguments
      --no-result       do not capture results
      --stack           the file, line and function of each entry of an exception's traceback
      --redact NAMES    more parameters and dict keys whose values become "***"
      --redact-only NAMES  the same in place of the default list
  -h, --help            this text
      --version         print the version

FLOWTRACE_ variables give what no option says: FLOWTRACE_PACKAGE_PREFIX, FLOWTRACE_EXCLUDE,
FLOWTRACE_LOGFILE, FLOWTRACE_STDOUT, FLOWTRACE_MAX_ARG_LENGTH and so on.
"""

# The field of Config, and its value; None: the next word.
OPTIONS: Dict[str, Tuple[str, Optional[bool]]] = {
    "--prefix": ("package_prefix", None),
    "--exclude": ("exclude_patterns", None),
    "--output": ("logfile", None),
    "--stdout": ("stdout", True),
    "--max-arg-length": ("max_arg_length", None),
    "--max-depth": ("max_depth", None),
    "--max-items": ("max_items", None),
    "--no-args": ("capture_args", False),
    "--no-result": ("capture_result", False),
    "--stack": ("stack", True),
    "--redact": ("redact", None),
    "--redact-only": ("redact_only", None),
}
LETTERS = {"-P": "--prefix", "-x": "--exclude", "-o": "--output", "-h": "--help"}
LISTS = ("package_prefix", "exclude_patterns", "redact", "redact_only")


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


def _add(settings: Dict[str, Any], field: str, value: Any) -> None:
    """Lists grow when an option is given again; of others the last counts."""
    if field in LISTS and field in settings:
        value = settings[field] + "," + value
    settings[field] = value


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
        if option not in OPTIONS:
            raise WrongUsage("no such option: %s" % word)
        field, constant = OPTIONS[option]
        if constant is None:
            value = _next(words, option) if value is None else value
            _add(settings, field, value)
        elif value is not None:
            raise WrongUsage("%s takes no value" % option)
        else:
            settings[field] = constant
    if not words:
        raise WrongUsage("nothing to run: name a script, or a module with -m")
    return CommandLine(settings, False, words[0], words[1:])
