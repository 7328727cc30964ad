#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes offsets/3_N.h from CPython's own headers: the offsets of one release, as its compiler
sees them. What no installed header declares (the key table of dicts up to 3.10, descriptors) and
what is not an offset is written by hand in layout_table.c.

    generate.py INCLUDE...           a directory of headers each, e.g. /usr/include/python3.11
    generate.py --check INCLUDE...   writes nothing; fails when a file says something else
"""
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
WIDTH = 100


def of(struct, member):
    """The C expression for an offset."""
    return "offsetof(%s, %s)" % (struct, member)


# What to include, by the first minor version.
HEADERS = {
    8: ["frameobject.h", "structmember.h", "internal/pycore_context.h", "internal/pycore_pystate.h"],
    9: ["frameobject.h", "internal/pycore_context.h", "internal/pycore_interp.h",
        "internal/pycore_runtime.h"],
    11: ["opcode.h", "internal/pycore_context.h", "internal/pycore_frame.h",
         "internal/pycore_dict.h", "internal/pycore_runtime.h"],
    14: ["opcode.h", "internal/pycore_context.h", "internal/pycore_frame.h",
         "internal/pycore_interpframe.h", "internal/pycore_dict.h", "internal/pycore_runtime.h",
         "internal/pycore_debug_offsets.h"],
}

FRAME, IFRAME = "PyFrameObject", "_PyInterpreterFrame"
CODE, DICT, KEYS = "PyCodeObject", "PyDictObject", "struct _dictkeysobject"


# Member of struct ft_layout: {first minor: expression}; None = the release has no such thing.
LAYOUT = {
    "tstate_frame": {8: of("PyThreadState", "frame"), 11: of("PyThreadState", "cframe"),
                     13: of("PyThreadState", "current_frame")},
    "cframe_frame": {8: None, 11: of("_PyCFrame", "current_frame"), 13: None},
    "tstate_exc_type": {8: of("PyThreadState", "curexc_type"), 12: None},
    "tstate_exc_value": {8: of("PyThreadState", "curexc_value"),
                         12: of("PyThreadState", "current_exception")},
    "tstate_exc_traceback": {8: of("PyThreadState", "curexc_traceback"), 12: None},
    # The exceptions being handled, innermost first: what a bare `raise` raises again.
    "tstate_exc_info": {8: of("PyThreadState", "exc_info")},
    "exc_info_value": {8: of("_PyErr_StackItem", "exc_value")},
    "exc_info_previous": {8: of("_PyErr_StackItem", "previous_item")},
    "traceback_next": {8: of("PyTracebackObject", "tb_next")},
    "traceback_frame": {8: of("PyTracebackObject", "tb_frame")},
    "exc_traceback": {8: of("PyBaseExceptionObject", "traceback")},
    "code_linetable": {8: of(CODE, "co_lnotab"), 10: of(CODE, "co_linetable")},
    "tstate_context": {8: of("PyThreadState", "context")},
    "context_entered": {8: of("PyContext", "ctx_entered")},
    "frame_code": {8: of(FRAME, "f_code"), 11: of(IFRAME, "f_code"), 13: of(IFRAME, "f_executable")},
    "frame_previous": {8: of(FRAME, "f_back"), 11: of(IFRAME, "previous")},
    "frame_globals": {8: of(FRAME, "f_globals"), 11: of(IFRAME, "f_globals")},
    "frame_localsplus": {8: of(FRAME, "f_localsplus"), 11: of(IFRAME, "localsplus")},
    "frame_instr": {8: None, 11: of(IFRAME, "prev_instr"), 13: of(IFRAME, "instr_ptr")},
    "frame_lasti": {8: of(FRAME, "f_lasti"), 11: None},
    "frame_stacktop": {8: of(FRAME, "f_stacktop"), 10: None},
    # Up to 3.9 a flag: 1 while the body runs.
    "frame_state": {8: of(FRAME, "f_executing"), 10: of(FRAME, "f_state"), 11: None},
    "frame_owner": {8: None, 11: of(IFRAME, "owner")},
    # Where an exit by exception has no hook of its own: a frame that ends loses its frame_obj.
    "frame_object": {8: None, 11: of(IFRAME, "frame_obj"), 12: None},
    # Where a generator resumes without any hook when throw() has ended its sub-iterator.
    "generator_frame": {8: None, 11: of("PyGenObject", "gi_iframe"), 12: None},
    "pyframe_frame": {8: None, 11: of(FRAME, "f_frame")},
    "code_argcount": {8: of(CODE, "co_argcount")},
    "code_posonly": {8: of(CODE, "co_posonlyargcount")},
    "code_kwonly": {8: of(CODE, "co_kwonlyargcount")},
    "code_nlocals": {8: of(CODE, "co_nlocals")},
    "code_nlocalsplus": {8: None, 11: of(CODE, "co_nlocalsplus")},
    "code_flags": {8: of(CODE, "co_flags")},
    "code_firstlineno": {8: of(CODE, "co_firstlineno")},
    "code_filename": {8: of(CODE, "co_filename")},
    "code_name": {8: of(CODE, "co_name")},
    "code_qualname": {8: None, 11: of(CODE, "co_qualname")},
    "code_consts": {8: of(CODE, "co_consts")},
    "code_localsplusnames": {8: of(CODE, "co_varnames"), 11: of(CODE, "co_localsplusnames")},
    "code_localspluskinds": {8: None, 11: of(CODE, "co_localspluskinds")},
    # Read for RETURN_CONST only, which 3.14 no longer has, and its tables differ.
    "code_bytecode": {11: of(CODE, "co_code_adaptive"), 14: None},
    "code_monitoring": {12: of(CODE, "_co_monitoring"), 14: None},
    "monitoring_lines": {12: of("_PyCoMonitoringData", "lines"), 14: None},
    "monitoring_instructions": {12: of("_PyCoMonitoringData", "per_instruction_opcodes"),
                                14: None},
    "op_line": {12: "INSTRUMENTED_LINE"},
    "op_instruction": {12: "INSTRUMENTED_INSTRUCTION"},
    "code_cell2arg": {8: of(CODE, "co_cell2arg"), 11: None},
    "code_cellvars": {8: of(CODE, "co_cellvars"), 11: None},
    "code_freevars": {8: of(CODE, "co_freevars"), 11: None},
    "object_type": {8: of("PyObject", "ob_type")},
    "object_size": {8: "sizeof(PyObject)"},
    "var_size": {8: of("PyVarObject", "ob_size")},
    "int_size": {8: of("PyVarObject", "ob_size"), 12: of("PyLongObject", "long_value.lv_tag")},
    "int_digits": {8: of("struct _longobject", "ob_digit"),
                   12: of("PyLongObject", "long_value.ob_digit")},
    "str_length": {8: of("PyASCIIObject", "length")},
    "str_hash": {8: of("PyASCIIObject", "hash")},
    "str_state": {8: of("PyASCIIObject", "state")},
    "str_ascii_data": {8: "sizeof(PyASCIIObject)"},
    "str_compact_data": {8: "sizeof(PyCompactUnicodeObject)"},
    "str_data_ptr": {8: of("PyUnicodeObject", "data")},
    "bytes_data": {8: of("PyBytesObject", "ob_sval")},
    "bytearray_start": {8: of("PyByteArrayObject", "ob_start")},
    "float_value": {8: of("PyFloatObject", "ob_fval")},
    "list_items": {8: of("PyListObject", "ob_item")},
    "tuple_items": {8: of("PyTupleObject", "ob_item")},
    "dict_used": {8: of(DICT, "ma_used")},
    "dict_stamp": {8: of(DICT, "ma_version_tag"), 14: None},
    "dict_keys": {8: of(DICT, "ma_keys")},
    "dict_values": {8: of(DICT, "ma_values")},
    # Up to 3.10 no installed header declares the key table.
    "keys_size": {11: None},
    "keys_nentries": {11: of(KEYS, "dk_nentries")},
    "keys_indices": {11: of(KEYS, "dk_indices")},
    "keys_log2_size": {8: None, 11: of(KEYS, "dk_log2_size")},
    "values_first": {8: "0", 11: of("PyDictValues", "values")},
    "set_fill": {8: of("PySetObject", "fill")},
    "set_used": {8: of("PySetObject", "used")},
    "set_mask": {8: of("PySetObject", "mask")},
    "set_table": {8: of("PySetObject", "table")},
    "cell_value": {8: of("PyCellObject", "ob_ref")},
    "exc_args": {8: of("PyBaseExceptionObject", "args")},
    "os_errno": {8: of("PyOSErrorObject", "myerrno")},
    "os_strerror": {8: of("PyOSErrorObject", "strerror")},
    "os_filename": {8: of("PyOSErrorObject", "filename")},
    "function_code": {8: of("PyFunctionObject", "func_code")},
    "method_function": {8: of("PyMethodObject", "im_func")},
    "method_self": {8: of("PyMethodObject", "im_self")},
    "gi_frame": {8: of("PyGenObject", "gi_frame"), 11: of("PyGenObject", "gi_iframe")},
    "type_name": {8: of("PyTypeObject", "tp_name")},
    "type_basicsize": {8: of("PyTypeObject", "tp_basicsize")},
    "type_flags": {8: of("PyTypeObject", "tp_flags")},
    "type_base": {8: of("PyTypeObject", "tp_base")},
    "type_dict": {8: of("PyTypeObject", "tp_dict")},
    "type_mro": {8: of("PyTypeObject", "tp_mro")},
    "type_dictoffset": {8: of("PyTypeObject", "tp_dictoffset")},
    "type_qualname": {8: of("PyHeapTypeObject", "ht_qualname")},
    "type_cached_keys": {8: of("PyHeapTypeObject", "ht_cached_keys")},
}

# Members of _Py_DebugOffsets, by the first minor version that has them, whose offset in that
# structure is written out. debug_offsets.c reads them.
DEBUG = {
    13: """thread_state.size thread_state.current_frame
        interpreter_frame.size interpreter_frame.previous interpreter_frame.executable
        interpreter_frame.instr_ptr interpreter_frame.localsplus interpreter_frame.owner
        code_object.size code_object.filename code_object.name code_object.qualname
        code_object.firstlineno code_object.argcount
        code_object.localsplusnames code_object.localspluskinds
        pyobject.size pyobject.ob_type type_object.size type_object.tp_name type_object.tp_flags
        tuple_object.size tuple_object.ob_item tuple_object.ob_size
        list_object.size list_object.ob_item list_object.ob_size
        dict_object.size dict_object.ma_keys dict_object.ma_values
        float_object.size float_object.ob_fval
        long_object.size long_object.lv_tag long_object.ob_digit
        bytes_object.size bytes_object.ob_size bytes_object.ob_sval
        unicode_object.size unicode_object.state unicode_object.length
        unicode_object.asciiobject_size""",
    14: "set_object.size set_object.used set_object.table set_object.mask",
    15: """thread_state.current_exception type_object.tp_basicsize type_object.tp_dictoffset
        heap_type_object.size heap_type_object.ht_cached_keys
        unicode_object.compactunicodeobject_size""",
}


def at(by_minor, minor, default=None):
    """The entry that holds for a release."""
    known = [first for first in by_minor if first <= minor]
    return by_minor[max(known)] if known else default


def expressions(minor):
    """{macro: {member: C expression or None}} of a release."""
    missing = object()
    layout = {name: at(by_minor, minor, missing) for name, by_minor in LAYOUT.items()}
    result = {"OFFSETS": {n: e for n, e in layout.items() if e is not missing}}
    if minor <= 11:
        result["TSTATE_CURRENT"] = {"": of("_PyRuntimeState", "gilstate.tstate_current")}
    result["INITIALIZED"] = {"": of("_PyRuntimeState", "initialized")}
    if minor == 11:
        result["FRAME_IS_ENTRY"] = {"": of(IFRAME, "is_entry")}
    if minor >= 13:
        names = " ".join(names for first, names in DEBUG.items() if first <= minor).split()
        result["DEBUG_OFFSETS"] = {"structure_size": "sizeof(_Py_DebugOffsets)"}
        for name in names:
            result["DEBUG_OFFSETS"][name.replace(".", "_")] = of("_Py_DebugOffsets", name)
    return result


def values(include, minor, wanted):
    """The values of the expressions: the compiler writes them into its assembly."""
    lines = ["#define Py_BUILD_CORE 1", "#include <Python.h>"]
    lines += ["#include <%s>" % header for header in at(HEADERS, minor)]
    lines += ["#include <stddef.h>", "void probe(void);", "void probe(void)", "{"]
    for macro, members in wanted.items():
        lines += ['__asm__ volatile("@@ %s %s. %%c0" :: "i"(%s));' % (macro, member, expression)
                  for member, expression in members.items() if expression is not None]
    # Other headers of a Debian root come after our own.
    command = ["cc", "-S", "-O1", "-w", "-x", "c", "-", "-o", "-", "-I", str(include), "-I",
               str(include / "internal"), "-idirafter", str(include.parent)]
    out = subprocess.run(command, input="\n".join(lines + ["}"]), text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    return {(macro, member): int(value)
            for macro, member, value in re.findall(r"@@ (\w+) (\w*)\. (\d+)", out)}


def define(name, items):
    """A macro of many items, laid out as clang-format wants it."""
    lines, line = [], "\t"
    for item in items:
        if len(line.expandtabs(8)) + len(item) + 2 > WIDTH - 4:
            lines.append(line.rstrip())
            line = "\t"
        line += item + ", "
    lines = ["#define " + name] + lines + [line[:-2]]
    padded = [l + " " * (WIDTH - 1 - len(l.expandtabs(8))) for l in lines[:-1]]
    return "\n".join([l + "\\" for l in padded] + lines[-1:]) + "\n"


def text_of(include, minor):
    """The generated file."""
    wanted = expressions(minor)
    found = values(include, minor, wanted)
    text = "/* SPDX-License-Identifier: MIT */\n/* Generated by generate.py from the headers of " \
        "Python 3.%d. */\n/* clang-format off */\n" % minor
    for macro, members in wanted.items():
        name = "%s_3_%d" % (macro, minor)
        if "" in members:
            text += "\n#define %s %d\n" % (name, found[macro, ""])
            continue
        text += "\n" + define(name, [".%s = %s" % (member, found.get((macro, member), "FT_NO_FIELD"))
                                     for member in members])
    return text


def main(arguments):
    check = arguments[:1] == ["--check"]
    differ = 0
    for include in map(pathlib.Path, arguments[check:]):
        version = re.search(r"^#define\s+PY_MINOR_VERSION\s+(\d+)",
                            (include / "patchlevel.h").read_text(), re.M)
        path = HERE / ("3_%s.h" % version[1])
        text = text_of(include, int(version[1]))
        if check and path.read_text() != text:
            print("%s says something else than %s" % (path, include), file=sys.stderr)
            differ += 1
        elif not check:
            path.write_text(text)
    return differ > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
