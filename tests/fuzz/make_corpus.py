#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of the fuzzers: tiny ELF files that hold just what we look for in an
interpreter, in every form that we know, and _Py_DebugOffsets structures. What a fuzzer has found
lies beside them under other names and is left alone."""
import pathlib
import re
import struct

HERE = pathlib.Path(__file__).resolve().parent
CPYTHON = HERE.parents[1] / "user" / "collector" / "cpython"
TABLE = (CPYTHON / "layout_table.c").read_text()
DEBUG = (CPYTHON / "debug_offsets.h").read_text()
ET_EXEC, ET_DYN = 2, 3
TYPES = ["PyBool", "PyLong", "PyFloat", "PyUnicode", "PyBytes", "PyByteArray", "PyList", "PyTuple",
         "PySet", "PyFrozenSet", "PyDict", "PyBaseObject", "PyType"]


def undefined(minor):
    """The opcodes that share a handler."""
    row = re.search(r"\.minor = %d,[^}]*?\.undefined = ((?:\"[^\"]*\"\s*)+)" % minor, TABLE)[1]
    ranges = "".join(re.findall('"([^"]*)"', row)).split(",")
    return {op for r in ranges for op in range(int(r.split("-")[0]), int(r.split("-")[-1]) + 1)}


def macro(name, minor):
    """{member: value} of a macro in offsets/3_N.h."""
    text = (CPYTHON / "offsets" / ("3_%d.h" % minor)).read_text().split("#define ")
    return {member: 0xffff if value == "FT_NO_FIELD" else int(value)
            for part in text if part.startswith("%s_3_%d" % (name, minor))
            for member, value in re.findall(r"\.(\w+) = (\w+)", part)}


def debug_offsets(minor, micro=4):
    """The structure of a good build."""
    places, row = macro("DEBUG_OFFSETS", minor), macro("OFFSETS", minor)
    data = bytearray(places["structure_size"])

    def put(name, value):
        if name in places:
            struct.pack_into("<Q", data, places[name], value)
    data[:8] = b"xdebugpy"
    struct.pack_into("<Q", data, 8, 0x030000f0 | minor << 16 | micro << 8)
    for group in re.findall(r"X\((\w+)\)", DEBUG):
        put(group + "_size", 1000)
    for group, member, field in re.findall(r"X\((\w+), (\w+), (\w+), \d, \w+\)", DEBUG):
        put("%s_%s" % (group, member), row[field])
    for group, member, value in re.findall(r"X\((\w+), (\w+), (\d+)\)", DEBUG):
        put("%s_%s" % (group, member), int(value))
    return bytes(data)


class Image:
    """Bytes that lie in the file where they lie in memory, from base on."""

    def __init__(self, base):
        self.base, self.data = base, bytearray()

    def add(self, data, align=8):
        """Appends; returns the address."""
        self.data += bytes(-len(self.data) % align)
        self.data += data
        return self.base + len(self.data) - len(data)

    def put(self, address, data):
        self.data[address - self.base:address - self.base + len(data)] = data


def code_of(image, minor, runtime):
    """Handlers and functions; returns ({symbol: address}, handlers by opcode)."""
    names = {"PyTraceBack_Here": b"\x55\xc3", "_PyEval_EvalFrameDefault": b"\x55\xc3",
             "_PyEval_FrameClearAndPop": b"\xf3\x0f\x1e\xfa\x55\xc3", "Py_Main": b"\xc3",
             "PyContext_CopyCurrent": b"\x55\xc3", "PyContext_New": b"\x55\xc3",
             "PyCapsule_New": b"\x55\xc3", "code_dealloc": b"\x55\xc3",
             "type_dealloc": b"\x55\xc3",
             "_PyThreadState_GetCurrent": b"\x64\x48\x8b\x04\x25\xe8\xff\xff\xff\xc3"}
    symbols = {name: image.add(code) for name, code in names.items()}
    if minor <= 11:
        found = int(re.search(r"TSTATE_CURRENT_3_%d (\d+)" % minor, (
            CPYTHON / "offsets" / ("3_%d.h" % minor)).read_text())[1])
        at = image.add(bytes(8))
        image.put(at, b"\x48\x8b\x05" + struct.pack("<i", runtime + found - at - 7) + b"\xc3")
        symbols["_PyThreadState_UncheckedGet"] = at
    handlers = []
    for op in range(256):
        at = image.add(bytes(8))
        code = b"\x85\xc0\x74\x00\xc3"  # test; je; ret
        if minor == 12 and op in (83, 121):
            code = b"\xe8" + struct.pack("<i", symbols["_PyEval_FrameClearAndPop"] - at - 5)
        image.put(at, code)
        handlers.append(at)
    shared = min(undefined(minor))
    return symbols, [handlers[shared if op in undefined(minor) else op] for op in range(256)]


def relr(places):
    """DT_RELR: an address, then bitmaps of 63 words."""
    words, places = [], sorted(places)
    while places:
        words.append(places[0])
        at, places = places[0] + 8, places[1:]
        while places and places[0] < at + 63 * 8:
            here = [p for p in places if p < at + 63 * 8]
            words.append(1 | sum(1 << ((p - at) // 8 + 1) for p in here))
            places, at = places[len(here):], at + 63 * 8
    return struct.pack("<%dQ" % len(words), *words)


def usdt_notes(where, semaphore, base):
    """.note.stapsdt with the two frame probes."""
    data = b""
    for name in (b"function__entry", b"function__return"):
        desc = struct.pack("<3Q", where, base, semaphore) + b"python\0" + name + b"\0-8@%rax\0"
        data += struct.pack("<3I", 8, len(desc), 3) + b"stapsdt\0" + desc + bytes(-len(desc) % 4)
    return data


def elf(minor, kind, how, gnu=True, notes=False):
    """A file: how says where pointers come from: literal, rela, relr, symbol."""
    head = Image(0 if kind == ET_DYN else 0x400000)
    code, data = Image(head.base + 0x4000), Image(head.base + 0x8000)
    head.add(bytes(64 + 5 * 56))
    symbols = {}
    debug = debug_offsets(minor) if minor >= 13 else b""
    symbols["_PyRuntime"] = data.add(debug or bytes(64))
    functions, handlers = code_of(code, minor, symbols["_PyRuntime"])
    symbols.update(functions)
    if minor >= 11:
        symbols["Py_Version"] = head.add(struct.pack("<I", 0x030004f0 | minor << 16))
    head.add(b"3.%d.4\0" % minor)
    for name in ("_Py_NoneStruct", "_Py_TrueStruct"):
        symbols[name] = data.add(bytes(16))
    for name in TYPES:
        symbols[name + "_Type"] = data.add(bytes(32) + struct.pack("<2Q", 16, 0) + bytes(8))
    symbols["PyCode_Type"] = data.add(bytes(56))
    pointers = {data.add(bytes(8)): handler for handler in handlers}
    # tp_dealloc
    pointers[symbols["PyCode_Type"] + 48] = functions["code_dealloc"]
    pointers[symbols["PyType_Type"] + 48] = functions["type_dealloc"]
    # Context.copy(): tp_methods, and the first PyMethodDef there.
    symbols["PyContext_Type"] = data.add(bytes(240))
    methods = data.add(bytes(64))
    pointers[symbols["PyContext_Type"] + 232] = methods
    pointers[methods] = head.add(b"copy\0")
    pointers[methods + 8] = functions["PyContext_CopyCurrent"]
    for name in ("PyExc_BaseException", "PyExc_OSError", "PyExc_KeyError"):
        symbols[name] = data.add(bytes(8))
        pointers[symbols[name]] = symbols["PyType_Type"]
    sections(head, symbols, pointers, data, how, gnu, kind)
    file_of = b"" if not notes else usdt_notes(functions["PyTraceBack_Here"],
                                               symbols["_PyRuntime"], 0)
    return whole(head, code, data, kind, file_of)


def sections(head, symbols, pointers, data, how, gnu, kind):
    """The dynamic section and what it names."""
    names, table = b"\0libpython3.so\0libc.so.6\0", bytes(24)
    order = sorted(symbols)
    for name in order:
        table += struct.pack("<IBBHQQ", len(names), 0x11, 0, 1, symbols[name], 888)
        names += name.encode() + b"\0"
    tags = [(1, 15), (14, 1), (5, head.add(names)), (10, len(names)), (6, head.add(table))]
    if gnu:  # one bucket, one chain; the hashes are not looked at
        chain = [2] * (len(order) - 1) + [3]
        tags.append((0x6ffffef5, head.add(struct.pack(
            "<4IQI%dI" % len(chain), 1, 1, 1, 6, 0, 1, *chain))))
    else:
        tags.append((4, head.add(struct.pack("<2I", 1, len(order) + 1))))
    if how in ("literal", "relr"):
        for at, value in pointers.items():
            data.put(at, struct.pack("<Q", value))
    if how == "relr":
        packed = relr(pointers)
        tags += [(36, head.add(packed)), (35, len(packed))]
    elif how != "literal":
        target = symbols["PyType_Type"]
        rela = b""
        for at, value in pointers.items():
            by_symbol = how == "symbol" and value == target
            rela += struct.pack("<3Q", at, order.index("PyType_Type") + 1 << 32 | 1 if by_symbol
                                else 8, 0 if by_symbol else value)
        tags += [(7, head.add(rela)), (8, len(rela))]
    head.dynamic = head.add(b"".join(struct.pack("<2Q", *tag) for tag in [*tags, (0, 0)]))
    head.dynamic_size = 16 * (len(tags) + 1)


def whole(head, code, data, kind, notes):
    """Puts the images one behind the other and the headers in front."""
    build_id = head.add(struct.pack("<3I", 4, 20, 3) + b"GNU\0" + bytes(range(20)))
    parts, offsets = b"", []
    for image in (head, code, data):
        parts += bytes(-len(parts) % 8)
        offsets.append(len(parts))
        parts += bytes(image.data)
    segments = b"".join(struct.pack("<2I6Q", 1, flags, offset, image.base, image.base,
                                    len(image.data), len(image.data), 8)
                        for image, offset, flags in zip((head, code, data), offsets, (4, 5, 6)))
    for type_, at, size in ((2, head.dynamic, head.dynamic_size), (4, build_id, 36)):
        segments += struct.pack("<2I6Q", type_, 4, at - head.base, at, at, size, size, 8)
    table_at = 0
    if notes:
        names = b"\0.note.stapsdt\0.stapsdt.base\0.shstrtab\0"
        notes_at = len(parts)
        names_at = notes_at + len(notes)
        parts += notes + names
        parts += bytes(-len(parts) % 8)
        table_at = len(parts)
        for name, type_, address, at, size in (
                (0, 0, 0, 0, 0), (1, 7, 0, notes_at, len(notes)), (15, 1, head.base, 0, 1),
                (29, 3, 0, names_at, len(names))):
            parts += struct.pack("<2I4Q2I2Q", name, type_, 0, address, at, size, 0, 0, 1, 0)
    header = b"\x7fELF\2\1\1" + bytes(9) + struct.pack(
        "<2HI3QI6H", kind, 62, 1, 0, 64, table_at, 0, 64, 56, 5, 64, 4 if notes else 0,
        3 if notes else 0)
    return header + segments + parts[len(header) + len(segments):]


SEEDS = {
    "3.9-exec-usdt": lambda: elf(9, ET_EXEC, "literal", notes=True),
    "3.11-exec": lambda: elf(11, ET_EXEC, "literal"),
    "3.11-pie-rela": lambda: elf(11, ET_DYN, "rela", gnu=False),
    "3.12-pie-relr": lambda: elf(12, ET_DYN, "relr"),
    "3.13-library-symbols": lambda: elf(13, ET_DYN, "symbol"),
    "3.14-exec": lambda: elf(14, ET_EXEC, "literal"),
    "3.15-pie-relr": lambda: elf(15, ET_DYN, "relr", gnu=False),
}


def main(corpus=HERE / "corpus"):
    """corpus: the folder to write into."""
    for name in ("elf", "debug_offsets", "records"):
        (corpus / name).mkdir(parents=True, exist_ok=True)
    for name, make in SEEDS.items():
        (corpus / "elf" / ("good-" + name)).write_bytes(make())
    for path in sorted((HERE.parent / "replay").glob("*.ftrec")):  # see fuzz_records.c
        (corpus / "records" / path.stem).write_bytes(b"\0\0" + path.read_bytes()[8:])
    for minor in (13, 14, 15):  # the first byte chooses the release
        (corpus / "debug_offsets" / ("good-3.%d" % minor)).write_bytes(
            bytes([minor - 13]) + debug_offsets(minor))


if __name__ == "__main__":
    main()
