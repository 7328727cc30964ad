#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of the fuzzers of traces: a line of each kind, and small files, plain and
packed. What a fuzzer has found lies beside them under other names and is left alone."""
import gzip
import io
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "flowctl"))
import make_trace  # noqa: E402 - from tests/flowctl

ODD = {
    "keys": rb'{"\u0065vent": "EXIT", "timestamp": 1, "method": "f", "span": 1, "span": null, '
            rb'"result": [1, {"a": -2.5e3}], "exception": "E", "lost": true, "stack": ["a:1 f"]}',
    "values": b'{"a": [[], {}, "\\ud83d\\ude00\\n", "\xc3\xa9\xf0\x9f\x98\x80", null, 0.1E+2]}',
}
CONDITIONS = {
    "fields": "durationMicros>1ms and module=shop.* and not event=EXIT",
    "inside": "args.rows.0.id=0 or exception.type=*Error or result~\"^[a-z]\"",
    "groups": "!(tid=5000||count>=3)&&(request_id or parent!=0)",
    "wrong": "(durationMillis<2s and lost",
}

# Few bytes, so that a fuzzer finds its way: a generator that is suspended and ends on another
# thread, calls without a beginning or without an end, exceptions, requests, a loss.
SHORT = """\
ENTER f=a s=1 | ENTER f=b s=2 p=1 | ENTER f=c s=3 p=1 | EXIT f=c s=3 d=1 | ENTER f=d s=4 p=2
EXIT f=d s=4 d=2 x=E | EXCEPTION f=b s=2 x=E d=3 | EXIT f=b s=2 d=3 x=E t=2 | EXIT f=z s=9 d=7 t=3
ENTER f=e s=5 p=5 t=2 | HTTP_REQUEST r=q m=GET u=/a/1 | ENTER f=c s=6 p=1 r=q | EXIT f=c s=6 d=2
HTTP_RESPONSE r=q m=GET u=/a/1 c=200 d=9 | LOST n=3 | EXIT f=a s=1 d=20
"""
KEYS = {"f": "function", "s": "span", "p": "parent", "d": "durationMicros", "x": "exception",
        "t": "tid", "r": "request_id", "m": "method", "u": "path", "c": "status_code",
        "n": "count"}


def short():
    """The lines of SHORT as JSON, a microsecond after another."""
    for i, words in enumerate(SHORT.replace("\n", " | ").rstrip("| ").split(" | ")):
        kind, *fields = words.split()
        line = {"event": kind, "timestamp": i + 10}
        for name, value in (field.split("=") for field in fields):
            line[KEYS[name]] = int(value) if value.isdigit() else value
        yield json.dumps(line).encode()


def write(kind, files):
    folder = HERE / "corpus" / kind
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def main():
    out = io.BytesIO()
    make_trace.make(out, 3000, seed=2, threads=2, functions=5)
    lines = [line for line in out.getvalue().splitlines() if len(line) < 700]
    seen = {}
    for line in lines:
        seen.setdefault(json.loads(line)["event"], line)
    seen.setdefault("LOST", b'{"timestamp": 1, "event": "LOST", "count": 3, "reason": "ring_full", '
                            b'"pid": 1, "tid": 1}')
    write("trace_line", {**{"good-" + kind: line for kind, line in seen.items()}, **ODD})
    first = [i for i, line in enumerate(lines) if b'"EXCEPTION"' in line][0]
    text = b"\n".join(lines[max(0, first - 12):first + 6]) + b"\n"
    zstd = subprocess.run(["zstd", "-c"], input=text, stdout=subprocess.PIPE, check=True).stdout
    odd = b"\n".join(ODD.values())
    write("trace", {"plain": text, "gzip": gzip.compress(text, mtime=0), "zstd": zstd,
                    "torn": text[:-20], "odd": odd})
    http = b"\n".join(line for line in lines if b'"HTTP_' in line[:60])[:3000]
    write("where", {name: condition.encode() + b"\n" + text + http
                    for name, condition in CONDITIONS.items()})
    traces = {"plain": text + http, "short": b"\n".join(short()) + b"\n", "odd": odd}
    write("report", traces)
    traces["surrogate"] = json.dumps({"event": "EXIT", "timestamp": 1, "durationMicros": 1,
                                      "function": "\ud800;"}).encode()
    write("export", {name: b"a \xff trace\n" + trace for name, trace in traces.items()})


if __name__ == "__main__":
    main()
