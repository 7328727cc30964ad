# SPDX-License-Identifier: MIT
"""Config: fields, where they come from, what is refused."""
import contextlib
import os
from pathlib import Path

from flowtrace_agent import Config, _core
from support import raises

SEED = {"package_prefix": "", "logfile": "flowtrace.jsonl", "stdout": False,
        "max_arg_length": 1000, "exclude_patterns": [], "async_logging": False}
OURS = {"max_depth": 6, "max_items": 64, "capture_args": True, "capture_result": True, "stack": False,
        "redact": [],
        "redact_only": ["password", "passwd", "secret", "token", "authorization", "api_key",
                        "cookie"],
        "overflow": "block", "enable_segmentation": False,
        "segment_directory": "flowtrace-jsonsl"}
VARIABLES = {
    "package_prefix": ("FLOWTRACE_PACKAGE_PREFIX", "shop,src", "shop,src"),
    "logfile": ("FLOWTRACE_LOGFILE", "other.jsonl", "other.jsonl"),
    "stdout": ("FLOWTRACE_STDOUT", "true", True),
    "max_arg_length": ("FLOWTRACE_MAX_ARG_LENGTH", "50", 50),
    "exclude_patterns": ("FLOWTRACE_EXCLUDE", "test, debug,", ["test", "debug"]),
    "async_logging": ("FLOWTRACE_ASYNC", "TRUE", True),
    "max_depth": ("FLOWTRACE_MAX_DEPTH", "3", 3),
    "max_items": ("FLOWTRACE_MAX_ITEMS", "7", 7),
    "capture_args": ("FLOWTRACE_ARGS", "false", False),
    "capture_result": ("FLOWTRACE_RESULT", "0", False),
    "stack": ("FLOWTRACE_STACK", "1", True),
    "redact": ("FLOWTRACE_REDACT", "pin", ["pin"]),
    "redact_only": ("FLOWTRACE_REDACT_ONLY", "pin", ["pin"]),
    "overflow": ("FLOWTRACE_OVERFLOW", "drop", "drop"),
    "enable_segmentation": ("FLOWTRACE_ENABLE_SEGMENTATION", "yes", True),
    "segment_directory": ("FLOWTRACE_SEGMENT_DIRECTORY", "cut", "cut"),
}


@contextlib.contextmanager
def variables(**values):
    """Environment variables for a while."""
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]


def check_defaults_and_their_order():
    """The seed's fields first, then ours."""
    expected = {**SEED, **OURS}
    assert Config().to_dict() == expected
    assert list(Config().to_dict()) == list(expected)
    assert Config.from_env().to_dict() == expected
    assert Config.from_dict({}).to_dict() == expected


def check_positional_arguments():
    """A dataclass takes them in the order of its fields."""
    config = Config("shop", "a.jsonl", True, 5, ["x"], True)
    assert (config.package_prefix, config.logfile, config.stdout) == ("shop", "a.jsonl", True)
    assert (config.max_arg_length, config.exclude_patterns) == (5, ["x"])
    assert config.async_logging is True


def check_variables():
    """Each one, and an argument that wins over it."""
    for field, (variable, text, value) in VARIABLES.items():
        with variables(**{variable: text}):
            assert getattr(Config(), field) == value, field
            assert getattr(Config.from_env(), field) == value, field
            default = {**SEED, **OURS}[field]
            assert getattr(Config(**{field: default}), field) == default, field


def check_from_dict_does_not_look_at_the_environment():
    """What is missing has the literal default."""
    with variables(FLOWTRACE_LOGFILE="other.jsonl", FLOWTRACE_STDOUT="true"):
        config = Config.from_dict({"package_prefix": "shop", "max_depth": None})
        assert config.to_dict() == {**SEED, **OURS, "package_prefix": "shop"}


def check_from_dict_ignores_other_keys():
    """The settings of other tools may lie in the same dictionary."""
    assert Config.from_dict({"stdout": True, "language": "python"}).stdout is True


def check_there_and_back():
    """to_dict gives what from_dict takes; its lists are its own."""
    config = Config(package_prefix="a", exclude_patterns="b,c", redact=("pin",), stdout=1)
    assert Config.from_dict(config.to_dict()) == config
    config.to_dict()["exclude_patterns"].append("x")
    assert config.exclude_patterns == ["b", "c"]
    assert Config().exclude_patterns is not Config().exclude_patterns


def check_what_lists_may_be():
    """Comma text, or a list."""
    assert Config(redact="").redact == []
    assert Config(redact=["a", "a", " b "]).redact == ["a", "b"]
    assert Config(package_prefix=["a", "b"]).package_prefix == "a,b"
    assert Config(package_prefix="a, b").package_prefix == "a, b"


def check_empty_variable_says_nothing():
    """As an unset one."""
    with variables(FLOWTRACE_MAX_ARG_LENGTH="", FLOWTRACE_STDOUT="", FLOWTRACE_REDACT=""):
        assert Config().to_dict() == {**SEED, **OURS}


def check_none_is_not_passed():
    """For callers that hand on what they have."""
    with variables(FLOWTRACE_LOGFILE="other.jsonl"):
        assert Config(logfile=None).logfile == "other.jsonl"


def check_paths():
    """Of any kind."""
    assert Config(logfile=Path("a") / "b").logfile == os.path.join("a", "b")


def check_limits():
    """0 is the maximum, more is wrong; the message names it."""
    for field, most in (("max_arg_length", _core.MAX_ARG_LENGTH), ("max_depth", _core.MAX_DEPTH),
                        ("max_items", _core.MAX_ITEMS)):
        assert getattr(Config(**{field: 0}), field) == 0
        assert getattr(Config(**{field: most}), field) == most
        raises(ValueError, Config, says=str(most), **{field: most + 1})


def check_wrong_values():
    """One line that names the field, or the variable that it came from."""
    for field, value in (("max_arg_length", -1), ("max_arg_length", "many"), ("max_depth", True),
                         ("max_items", 1.5), ("stdout", "maybe"), ("stdout", 2), ("logfile", ""),
                         ("logfile", 3), ("logfile", b"x"), ("overflow", "wait"), ("redact", 1),
                         ("exclude_patterns", [1]), ("package_prefix", "shop.*"),
                         ("capture_args", "?"), ("enable_segmentation", [])):
        raises(ValueError, Config, says=field, **{field: value})
    for variable, text in (("FLOWTRACE_MAX_DEPTH", "deep"), ("FLOWTRACE_STDOUT", "perhaps"),
                           ("FLOWTRACE_OVERFLOW", "wait")):
        with variables(**{variable: text}):
            raises(ValueError, Config, says=variable)
    raises(TypeError, Config, no_such_field=1)
