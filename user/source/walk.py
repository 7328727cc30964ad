# SPDX-License-Identifier: MIT
"""What is in a Python file: its functions, and where lines may be put. Nothing of it is run.

This is compiled into flowctl and runs in the interpreter inside it; examine() is what C calls
(examine.c, which reads the tuples). Numbers are those of examine.h.
"""
import _ast
import gc
import _warnings

AST_ONLY = 0x400  # PyCF_ONLY_AST

ASYNC, GENERATOR, METHOD, NESTED = 1, 2, 4, 8
(FREE, INSTRUMENTED, STUB, OVERLOAD, TYPE_CHECKING, COMPILED, READS_FRAMES) = range(7)
(NOT_PYTHON_2, NOT_PYTHON, NOT_DECODED, TOO_DEEP) = range(4)

AGENT = "flowtrace_agent"
OURS = "_flowtrace_trace"
FRAMEWORKS = {"django": "Django", "fastapi": "FastAPI", "flask": "Flask", "starlette": "Starlette"}

# Decorators that make machine code of a function's source or bytecode: the last word of their name.
COMPILERS = {"jit", "njit", "vectorize", "guvectorize", "stencil", "cfunc", "ccall", "kernel", "script"}
# What counts the frames above it, or walks them. locals() sees its own frame only: not one of them.
FRAME_READERS = {"_getframe", "_getframemodulename", "currentframe", "extract_stack", "print_stack"}
# How the parser begins, for what was right in Python 2.
PYTHON_2 = ("Missing parentheses in call to", "multiple exception types must be parenthesized",
            "leading zeros in decimal integer", "invalid hexadecimal literal")

Function = (_ast.FunctionDef, _ast.AsyncFunctionDef)
gc.disable()  # trees have no cycles
_warnings.filters.insert(0, ("ignore", None, Warning, None, 0))


def examine(source):
    """(functions, classes, import_line, guard_line, decorator_lines, frameworks, is_script,
    uses_our_name), or (kind, line, message) for what cannot be read."""
    try:
        tree = compile(source, "<file>", "exec", AST_ONLY, True)
        # From the bytes again: of the tree it would take as long, and its checks are not the same.
        code = compile(source, "<file>", "exec", 0, True)
    except SyntaxError as why:
        return refusal(why)
    except (RecursionError, MemoryError):
        return TOO_DEEP, 0, "nested too deeply"
    except ValueError as why:
        return NOT_PYTHON, 0, clean(why)
    walk = Walk(tree, code)
    return (walk.functions, walk.classes, import_line(tree), walk.guard_line, walk.decorator_lines,
            sorted(walk.frameworks), walk.is_script,
            not walk.guard_line and not walk.decorator_lines and uses(code, OURS))


def compiles(source):
    """Why it does not; None if it does."""
    try:
        compile(source, "<file>", "exec", 0, True)
    except (SyntaxError, ValueError) as why:
        return clean(getattr(why, "msg", None) or why)
    except (RecursionError, MemoryError):
        return "nested too deeply"
    return None


def refusal(why):
    """(kind, line, message)"""
    message = clean(why.msg)
    if message.startswith(("unknown encoding", "encoding problem", "(unicode error) '")):
        return NOT_DECODED, 0, message
    kind = NOT_PYTHON_2 if message.startswith(PYTHON_2) else NOT_PYTHON
    return kind, why.lineno or 0, message


def clean(text):
    """One line that can be printed."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def import_line(tree):
    """The first line where an import may be: after the docstring, the __future__ imports and
    what shares a line with them. 0 if no statement begins there."""
    end, header = 0, True
    for i, node in enumerate(tree.body):
        header = header and (is_docstring(node) and i == 0 or is_future(node))
        first = min([node.lineno] + [d.lineno for d in getattr(node, "decorator_list", ())])
        if not header and first > end:
            return first
        end = node.end_lineno
    return 0


def is_docstring(node):
    return (isinstance(node, _ast.Expr) and isinstance(node.value, _ast.Constant)
            and isinstance(node.value.value, str))


def is_future(node):
    return isinstance(node, _ast.ImportFrom) and node.module == "__future__" and not node.level


def is_nothing(node):
    """A statement that does nothing: pass, ..., a text."""
    return isinstance(node, _ast.Pass) or (
        isinstance(node, _ast.Expr) and isinstance(node.value, _ast.Constant))


def dotted(node):
    """"a.b.c" of a name or a call of it; "" of anything else."""
    if isinstance(node, _ast.Call):
        node = node.func
    words = []
    while isinstance(node, _ast.Attribute):
        words.append(node.attr)
        node = node.value
    if not isinstance(node, _ast.Name):
        return words[0] if words else ""
    return ".".join([node.id, *reversed(words)])


def codes_within(code):
    """The code object and all that are inside."""
    rest = [code]
    while rest:
        code = rest.pop()
        yield code
        rest.extend(c for c in code.co_consts if hasattr(c, "co_code"))


def uses(code, name):
    """Is it a name of the program?"""
    return any(name in names for c in codes_within(code)
               for names in (c.co_names, c.co_varnames, c.co_cellvars, c.co_freevars))


def reads_frames(code):
    names = code.co_names
    return (not FRAME_READERS.isdisjoint(names) or ("inspect" in names and "stack" in names)
            or any(type(c) is tuple and "stacklevel" in c for c in code.co_consts))


class Walk:
    """All statements of a file, in order. Functions are found in expressions only as lambdas,
    which cannot be decorated: expressions are not looked at."""

    def __init__(self, tree, code):
        self.functions = []
        self.classes = 0
        self.guard_line = 0
        self.decorator_lines = []
        self.frameworks = set()
        self.is_script = False
        # Names that mean the agent's decorator here.
        self.tracers = {OURS}
        # What the compiler knows of functions, by where they begin; dead code has none.
        self.codes = {(c.co_firstlineno, c.co_name): c for c in codes_within(code)}
        self.statements(tree.body, "", 0, False)

    def statements(self, body, prefix, flags, typing_only):
        """flags: those that functions here have."""
        for node in body:
            kind = type(node)
            if kind in Function:
                self.function(node, prefix, flags, typing_only)
            elif kind is _ast.ClassDef:
                self.classes += 1
                self.statements(node.body, prefix + node.name + ".", METHOD | flags & NESTED,
                                typing_only)
            elif kind is _ast.Import:
                self.imported([a.name for a in node.names])
                self.tracers.update("%s.trace" % (a.asname or a.name) for a in node.names
                                    if a.name == AGENT)
            elif kind is _ast.ImportFrom:
                self.import_from(node)
            elif kind is _ast.If:
                self.branches(node, prefix, flags, typing_only)
            elif kind is _ast.Try and self.is_guard(node, prefix):
                self.guard_line = node.lineno
            else:
                self.compound(node, prefix, flags, typing_only)

    def compound(self, node, prefix, flags, typing_only):
        """for, while, with, try, match: whatever has statements inside, in the file's order."""
        self.statements(getattr(node, "body", ()), prefix, flags, typing_only)
        for part in getattr(node, "handlers", None) or getattr(node, "cases", ()):
            self.statements(part.body, prefix, flags, typing_only)
        for field in ("orelse", "finalbody"):
            self.statements(getattr(node, field, ()), prefix, flags, typing_only)

    def branches(self, node, prefix, flags, typing_only):
        """if, elif, else: a long chain is nested as deeply as it is long, so this is a loop."""
        while True:
            test = dotted(node.test).rpartition(".")[2]
            self.statements(node.body, prefix, flags, typing_only or test == "TYPE_CHECKING")
            if not prefix and is_main_test(node.test):
                self.is_script = True
            if len(node.orelse) != 1 or type(node.orelse[0]) is not _ast.If:
                break
            node = node.orelse[0]
        self.statements(node.orelse, prefix, flags, typing_only)

    def import_from(self, node):
        if node.level:
            return
        self.imported([node.module])
        if node.module == AGENT or node.module == AGENT + ".decorators":
            self.tracers.update(a.asname or a.name for a in node.names if a.name == "trace")

    def imported(self, modules):
        for module in modules:
            top = module.partition(".")[0]
            if top in FRAMEWORKS:
                self.frameworks.add(FRAMEWORKS[top])

    def is_guard(self, node, prefix):
        """Our own import. C looks whether the lines are as we wrote them."""
        first = node.body[0]
        return (not prefix and isinstance(first, _ast.ImportFrom) and first.module == AGENT
                and first.names[0].asname == OURS)

    def function(self, node, prefix, flags, typing_only):
        name = prefix + node.name
        decorators = [dotted(d) for d in node.decorator_list]
        first = node.decorator_list[0].lineno if decorators else node.lineno
        code = self.codes.get((first, node.name))
        if isinstance(node, _ast.AsyncFunctionDef):
            flags |= ASYNC
        if code is not None and code.co_flags & 0x220:  # CO_GENERATOR, CO_ASYNC_GENERATOR
            flags |= GENERATOR
        for decorator in node.decorator_list:
            if type(decorator) is _ast.Name and decorator.id == OURS:
                self.decorator_lines.append(decorator.lineno)
        state = self.state(node, code, decorators, typing_only)
        self.functions.append((name, node.lineno, flags, state))
        self.statements(node.body, name + ".<locals>.", NESTED, typing_only)

    def state(self, node, code, decorators, typing_only):
        last = {d.rpartition(".")[2] for d in decorators}
        if not self.tracers.isdisjoint(decorators):
            return INSTRUMENTED
        if typing_only:
            return TYPE_CHECKING
        if "overload" in last:
            return OVERLOAD
        if all(map(is_nothing, node.body)):
            return STUB
        if not COMPILERS.isdisjoint(last) or "tf.function" in decorators:
            return COMPILED
        if code is not None and reads_frames(code):
            return READS_FRAMES
        return FREE


def is_main_test(test):
    """__name__ == "__main__" """
    return (isinstance(test, _ast.Compare) and isinstance(test.left, _ast.Name)
            and test.left.id == "__name__")
