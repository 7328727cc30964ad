# SPDX-License-Identifier: MIT
"""Runs a script or a module in this process as the interpreter would.

What it sees is what it sees without us: a fresh __main__, its own sys.argv and sys.path[0], and
tracebacks in which we are not.
"""
import builtins
import importlib.util
import os
import pkgutil
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any, List, Optional, Tuple

Loaded = Tuple[CodeType, ModuleType]


class CannotRun(Exception):
    """One line that says why, and the status that the interpreter would end with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def run_script(path: str, args: List[str]) -> None:
    """A file, or a folder or an archive that holds __main__.py."""
    sys.argv[:] = [path, *args]
    # From 3.9 on the interpreter goes by the whole path.
    full = os.path.abspath(path) if sys.version_info >= (3, 9) else path
    if pkgutil.get_importer(full) is not None:
        _first_on_path(full, always=True)
        spec = PathFinder.find_spec("__main__", [full])
        if spec is None:
            raise CannotRun(1, "can't find '__main__' module in %r" % full)
        code, module = _from_spec(spec)
    else:
        _first_on_path(os.path.dirname(os.path.realpath(path)))
        code, module = _from_file(full)
    exec(code, module.__dict__)


def run_module(name: str, args: List[str]) -> None:
    """What python -m runs."""
    sys.argv[:] = ["-m", *args]
    _first_on_path(os.getcwd())
    code, module = _from_spec(_find(name))
    sys.argv[0] = str(module.__file__)
    exec(code, module.__dict__)


def _first_on_path(folder: str, always: bool = False) -> None:
    """In place of the folder that the interpreter put there for us, if it did."""
    if not getattr(sys.flags, "safe_path", sys.flags.isolated):
        sys.path[0] = folder
    elif always:
        sys.path.insert(0, folder)


def _from_file(path: str) -> Loaded:
    try:
        with open(path, "rb") as file:
            code: Any = pkgutil.read_code(file)  # type: ignore[attr-defined]
            if code is None:
                file.seek(0)
                code = file.read()
    except OSError as why:
        message = "can't open file %r: [Errno %d] %s"
        raise CannotRun(2, message % (path, why.errno or 0, why.strerror)) from why
    if isinstance(code, bytes):
        code = compile(code, path, "exec", dont_inherit=True)
    loader = SourceFileLoader("__main__", path)
    return code, _main(__file__=path, __loader__=loader, __package__=None, __spec__=None)


def _find(name: str) -> ModuleSpec:
    """The specification of a module that can be run."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as why:
        if not (name + ".").startswith("%s." % why.name):
            raise  # something that a package of it imports
        spec = None
    except ValueError:  # a module without a specification
        spec = None
    if spec is None:
        raise CannotRun(1, "No module named %s" % name)
    if spec.submodule_search_locations is None:
        return spec
    inner = name + ".__main__"
    found = importlib.util.find_spec(inner)
    if found is None:
        raise CannotRun(
            1,
            "No module named %s; %r is a package and cannot be directly executed" % (inner, name),
        )
    return found


def _from_spec(spec: ModuleSpec) -> Loaded:
    loader: Any = spec.loader
    code = loader.get_code(spec.name) if hasattr(loader, "get_code") else None
    if code is None:
        raise CannotRun(1, "No code object available for %s" % spec.name)
    return code, _main(
        __file__=spec.origin,
        __loader__=loader,
        __package__=spec.parent,
        __spec__=spec,
        __cached__=spec.cached,
    )


def _main(**names: Any) -> ModuleType:
    """A new __main__, with what the interpreter would have put into it."""
    module = ModuleType("__main__")
    module.__dict__.update(names, __builtins__=builtins)
    if sys.version_info < (3, 15):
        module.__dict__.setdefault("__cached__", None)
    else:
        module.__dict__.pop("__cached__", None)
    if sys.version_info < (3, 14):
        module.__annotations__ = {}
    sys.modules["__main__"] = module
    return module


def leave_us_out() -> None:
    """Of the traceback that is printed when the exception in flight ends the program.

    The program's own sys.excepthook prints it; all up to the last frame of this file is ours.
    """
    hook = sys.excepthook
    ours = leave_us_out.__code__.co_filename

    def without_us(kind: Any, value: BaseException, traceback: Optional[TracebackType]) -> None:
        rest = traceback
        while rest is not None:
            if rest.tb_frame.f_code.co_filename == ours:
                traceback = rest.tb_next
            rest = rest.tb_next
        hook(kind, value.with_traceback(traceback), traceback)

    sys.excepthook = without_us
