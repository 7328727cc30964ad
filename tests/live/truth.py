# SPDX-License-Identifier: MIT
"""Runs a program under the interpreter's own tracing and writes down every call.

    truth.py -o FILE [-P PREFIX[,PREFIX]] [-x PREFIX[,PREFIX]] [--mark] [--off] SCRIPT [ARG...]

Up to 3.11 by sys.settrace, from 3.12 by sys.monitoring. One JSON object a call, in the order of
the starts. Values are rendered at the moment of the event (render.py), for they change later.
--off runs the program in the same way without tracing. --mark calls mark() of the module
"flowtrace_truth" when tracing is on and before it goes off: who traces from outside sees by these
calls which of the others the truth has.

sys.settrace says 'return' with None both for "return None" and for an exception, and both for a
yield and for the end of a generator. What it was is read from the instruction the frame stands
at. That is not enough in a generator, for throw() raises at the very YIELD_VALUE where it was
suspended, and where an exception is raised again, for no event says which. Such code is traced by
instruction: an exception with no instruction after it is what left the frame.
"""
import atexit
import functools
import gc
import itertools
import os
import sys
import threading
import time
from opcode import opmap

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from render import exception_parts, quote, render, render_args  # noqa: E402

sys.path.pop(0)

SUSPENDS = 0x20 | 0x80 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
VARARGS, VARKEYWORDS = 0x04, 0x08
mro_of = type.__dict__["__mro__"].__get__
POP_EXCEPT = opmap["POP_EXCEPT"]
END_ASYNC_FOR = opmap["END_ASYNC_FOR"]
RERAISE = opmap.get("RERAISE")


def opcodes(*names):
    """The opcodes of those names that this version has."""
    return frozenset(opmap[name] for name in names if name in opmap)


# Instructions that end on StopIteration: it is shown as an 'exception' event all the same.
TAKES_STOP = opcodes("FOR_ITER", "SEND", "YIELD_FROM")
# These pass an exception on without an event of their own: the one that sys.exc_info() has, or
# from 3.11, in code that only cleans up, one that "flies" beside it. POP_EXCEPT takes it away
# just before the RERAISE that leaves an except block.
RAISES = opcodes("RERAISE", "RAISE_VARARGS")
PASSES_ON = RAISES | opcodes("END_FINALLY", "END_ASYNC_FOR", "POP_EXCEPT_AND_RERAISE", "POP_EXCEPT")
CATCHES = opcodes("PUSH_EXC_INFO")
RETURNS = opcodes("RETURN_VALUE", "RETURN_CONST")
YIELDS = opcodes("YIELD_VALUE", "YIELD_FROM")


def parameter_names(code):
    """Parameters as the contract orders them: positional, keyword-only, *args, **kwargs."""
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & VARARGS) + bool(code.co_flags & VARKEYWORDS)
    return [name for name in code.co_varnames[:count] if name != ".0"]


def thread_name():
    """Python's name of this thread, without making a dummy Thread for it."""
    thread = threading._active.get(threading.get_ident())
    return thread.name if thread else "Thread-%d" % threading.get_native_id()


def holds(cls, code):
    """Does the class's own dict hold this code, also in a method wrapper?"""
    for value in vars(cls).values():
        functions = [value]
        if type(value) in (staticmethod, classmethod):
            functions = [value.__func__]
        elif type(value) is property:
            functions = [value.fget, value.fset, value.fdel]
        if any(type(f) is type(holds) and f.__code__ is code for f in functions):
            return True
    return False


def class_of(frame, module):
    """The field "class" of the contract; None where the name is that of a local function."""
    code = frame.f_code
    if hasattr(code, "co_qualname"):
        path = code.co_qualname.rpartition(".")[0]
        return None if "<locals>" in code.co_qualname else (module + "." + path).rstrip(".")
    if not code.co_argcount or code.co_name.startswith("<"):
        return module
    first = frame.f_locals.get(code.co_varnames[0])
    for cls in mro_of(first if issubclass(type(first), type) else type(first)) or ():
        if holds(cls, code):
            return cls.__module__ + "." + cls.__qualname__
    return module


class Recorder:
    """The calls of the traced modules."""

    def __init__(self, prefixes, excluded):
        self.prefixes = prefixes
        self.excluded = excluded
        self.calls = {}
        self.counter = itertools.count(1)

    def wants(self, frame):
        """Prefixes are text prefixes of the module's name."""
        module = frame.f_globals.get("__name__")
        if type(module) is not str or frame.f_globals is globals():
            return False
        return module.startswith(self.prefixes) and not module.startswith(self.excluded)

    def enter(self, frame, parent):
        """A body starts; returns the call's number."""
        code = frame.f_code
        number = next(self.counter)
        module = frame.f_globals["__name__"]
        names = parameter_names(code)
        values = [(name, frame.f_locals[name]) for name in names] if names else []
        self.calls[number] = {
            "start": number, "parent": parent, "thread": thread_name(),
            "tid": threading.get_native_id(), "module": module,
            "function": code.co_name, "line": code.co_firstlineno, "file": code.co_filename,
            "class": class_of(frame, module), "args": render_args(values)}
        return number

    def leave(self, number, value):
        """A body ends with a result."""
        self.calls[number].update(end=next(self.counter), result=render(value))

    def leave_by(self, number, parts):
        """A body is left by an exception: [type, message]."""
        self.calls[number].update(end=next(self.counter), exception=parts)


class Frame:
    """The trace function of one frame: its state lives and dies with it."""

    __slots__ = ("truth", "call", "error", "raised", "flying", "opcode")

    def __init__(self, truth, frame):
        self.truth = truth
        self.call = self.error = self.opcode = None
        self.raised = self.flying = False
        frame.f_trace_lines = False
        frame.f_trace_opcodes = by_opcode(frame.f_code)
        # A generator's call shows only with its first instruction: throw() into one that
        # never started runs none.
        if not frame.f_code.co_flags & SUSPENDS:
            self.start(frame)

    def start(self, frame):
        """The body starts."""
        self.call = self.truth.recorder.enter(frame, self.truth.parent(frame))

    def __call__(self, frame, event, arg):
        if event == "opcode":
            self.instruction(frame)
        elif event == "exception":
            self.exception(arg[1])
        elif event == "return" and self.call is not None:
            self.finish(frame, arg)
        return self

    def exception(self, error):
        """An exception is raised in, or comes into, this frame."""
        if self.opcode in TAKES_STOP and isinstance(error, StopIteration):
            return
        self.raised = self.flying = True
        self.error = exception_parts(error)

    def instruction(self, frame):
        """An instruction is about to run: what was raised before has been caught."""
        self.raised = False
        if self.call is None:
            self.start(frame)
        before = self.opcode
        self.opcode, argument = frame.f_code.co_code[frame.f_lasti:frame.f_lasti + 2]
        if self.opcode in CATCHES or before == END_ASYNC_FOR:
            self.flying = False
        # The argument tells it from one that ends a finally block behind a handler.
        popped = before == POP_EXCEPT and self.opcode == RERAISE and argument
        if self.opcode in PASSES_ON and not popped and not self.flying:
            handled = sys.exc_info()[1]
            self.error = exception_parts(handled) if handled is not None else self.error
        # Without PUSH_EXC_INFO, what a handler holds is always in sys.exc_info().
        self.flying = bool(CATCHES) and (self.flying or self.opcode in RAISES)

    def finish(self, frame, value):
        """The frame is left: by return, yield or exception."""
        code = frame.f_code.co_code
        # Where the instructions were followed, not f_lasti: RERAISE sets it back.
        opcode = self.opcode if frame.f_trace_opcodes else code[frame.f_lasti]
        thrown = self.raised and frame.f_trace_opcodes
        if opcode in RETURNS and not thrown:
            self.truth.recorder.leave(self.call, value)
        elif opcode not in YIELDS or thrown:
            self.truth.recorder.leave_by(self.call, self.error)


@functools.lru_cache(maxsize=None)
def by_opcode(code):
    """Must this code be followed instruction by instruction? Generators, and what passes
    an exception on without an event."""
    return bool(code.co_flags & SUSPENDS) or not PASSES_ON.isdisjoint(code.co_code[::2])


class SettraceTruth:
    """Tracing by sys.settrace."""

    def __init__(self, recorder):
        self.recorder = recorder

    def start(self):
        threading.settrace(self.trace)
        sys.settrace(self.trace)

    def stop(self):
        sys.settrace(None)
        threading.settrace(None)

    def trace(self, frame, event, arg):
        """The global trace function: a frame is entered or resumed."""
        if isinstance(frame.f_trace, Frame):
            frame.f_trace.raised = False
            return frame.f_trace
        return Frame(self, frame) if self.recorder.wants(frame) else None

    def parent(self, frame):
        """The nearest recorded call below on this thread's stack."""
        frame = frame.f_back
        while frame is not None:
            if isinstance(frame.f_trace, Frame) and frame.f_trace.call is not None:
                return frame.f_trace.call
            frame = frame.f_back
        return 0


class MonitoringTruth:
    """Tracing by sys.monitoring."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.open = {}  # id of a frame -> (its code, number of the call)

    def start(self):
        """Four kinds of event say everything."""
        mon = sys.monitoring
        mon.use_tool_id(mon.DEBUGGER_ID, "truth")
        events = mon.events
        for event, callback in ((events.PY_START, self.py_start),
                                (events.PY_RETURN, self.py_return),
                                (events.PY_UNWIND, self.py_unwind)):
            mon.register_callback(mon.DEBUGGER_ID, event, callback)
        mon.set_events(mon.DEBUGGER_ID, events.PY_START | events.PY_RETURN | events.PY_UNWIND)

    def stop(self):
        sys.monitoring.set_events(sys.monitoring.DEBUGGER_ID, 0)

    def py_start(self, code, offset):
        frame = sys._getframe(1)
        self.open.pop(id(frame), None)
        if self.recorder.wants(frame):
            self.open[id(frame)] = (code, self.recorder.enter(frame, self.parent(frame)))

    def py_return(self, code, offset, value):
        call = self.open.pop(id(sys._getframe(1)), None)
        if call:
            self.recorder.leave(call[1], value)

    def py_unwind(self, code, offset, error):
        call = self.open.pop(id(sys._getframe(1)), None)
        if call:
            self.recorder.leave_by(call[1], exception_parts(error))

    def parent(self, frame):
        """The nearest recorded call below on this thread's stack."""
        frame = frame.f_back
        while frame is not None:
            code, call = self.open.get(id(frame), (None, 0))
            if code is frame.f_code:
                return call
            frame = frame.f_back
        return 0


def to_json(value):
    """Enough JSON for a call: str, int, None, list of str, dict of these."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(to_json, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(quote(k) + ": " + to_json(v) for k, v in value.items()) + "}"
    return str(value)


def run_program(argv):
    """Runs a script as the interpreter would: a fresh __main__, sys.argv, sys.path[0]."""
    script = argv[0]
    main = type(sys)("__main__")
    main.__file__ = script
    main.__builtins__ = __builtins__
    sys.argv[:] = argv
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    with open(script, "rb") as file:
        code = compile(file.read(), script, "exec", dont_inherit=True)
    sys.modules["__main__"] = main
    return code, main.__dict__


def parse(argv):
    """(output, prefixes, excluded, mark, off, program)."""
    output, prefixes, excluded, mark, off = None, ("",), (), False, False
    while argv and argv[0].startswith("-"):
        option = argv.pop(0)
        if option == "-o":
            output = os.path.abspath(argv.pop(0))
        elif option == "-P":
            prefixes = tuple(argv.pop(0).split(","))
        elif option == "-x":
            excluded = tuple(argv.pop(0).split(","))
        elif option == "--mark":
            mark = True
        elif option == "--off":
            off = True
        else:
            sys.exit("truth.py: unknown option " + option)
    if not argv or not (output or off):
        sys.exit(__doc__)
    return output, prefixes, excluded, mark, off, argv


def marker():
    """Calls a function of the module "flowtrace_truth", and no other thread meanwhile: between what
    the collector sees of that call and what is seen here, another could begin one."""
    namespace = {"__name__": "flowtrace_truth"}
    exec("def mark(): pass", namespace)

    def alone():
        interval = sys.getswitchinterval()
        sys.setswitchinterval(0.5)
        began = time.monotonic()
        while time.monotonic() < began + 2 * interval:  # whoever waits already gets its turn
            pass
        namespace["mark"]()
        sys.setswitchinterval(interval)
    return alone


def save(path, recorder, pid):
    """Writes the calls of this process, not those of a fork."""
    if os.getpid() != pid:
        return
    with open(path, "w", encoding="ascii") as file:
        for number in sorted(recorder.calls):
            file.write(to_json(recorder.calls[number]) + "\n")


def main():
    """Sets up, runs the program, saves after its own atexit functions."""
    output, prefixes, excluded, mark, off, argv = parse(sys.argv[1:])
    code, namespace = run_program(argv)
    if off:
        exec(code, namespace)
        return
    recorder = Recorder(prefixes, excluded)
    truth = (MonitoringTruth if hasattr(sys, "monitoring") else SettraceTruth)(recorder)
    atexit.register(save, output, recorder, os.getpid())
    atexit.register(truth.stop)
    if mark:
        atexit.register(marker())
    # What it would run while we are being called, generators that are dropped and __del__, the
    # interpreter does not show. So it runs at the end, and where the program asks for it.
    gc.disable()
    atexit.register(gc.collect)
    truth.start()
    if mark:
        marker()()
    exec(code, namespace)


if __name__ == "__main__":
    main()
