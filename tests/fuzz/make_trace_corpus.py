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


def main():
    out = io.BytesIO()
    make_trace.make(out, 3000, seed=2, threads=2, functions=5)
    lines = [line for line in out.getvalue().splitlines() if len(line) < 700]
    folder = HERE / "corpus" / "trace_line"
    folder.mkdir(parents=True, exist_ok=True)
    seen = {}
    for line in lines:
        seen.setdefault(json.loads(line)["event"], line)
    seen.setdefault("LOST", b'{"timestamp": 1, "event": "LOST", "count": 3, "reason": "ring_full", '
                            b'"pid": 1, "tid": 1}')
    for name, line in {**{"good-" + kind: line for kind, line in seen.items()}, **ODD}.items():
        (folder / name).write_bytes(line)
    folder = HERE / "corpus" / "trace"
    folder.mkdir(parents=True, exist_ok=True)
    first = [i for i, line in enumerate(lines) if b'"EXCEPTION"' in line][0]
    text = b"\n".join(lines[max(0, first - 12):first + 6]) + b"\n"
    zstd = subprocess.run(["zstd", "-c"], input=text, stdout=subprocess.PIPE, check=True).stdout
    for name, data in {"plain": text, "gzip": gzip.compress(text, mtime=0), "zstd": zstd,
                       "torn": text[:-20], "odd": b"\n".join(ODD.values())}.items():
        (folder / name).write_bytes(data)
    folder = HERE / "corpus" / "where"
    folder.mkdir(parents=True, exist_ok=True)
    for name, condition in CONDITIONS.items():
        http = b"\n".join(line for line in lines if b'"HTTP_' in line[:60])[:3000]
        (folder / name).write_bytes(condition.encode() + b"\n" + text + http)


if __name__ == "__main__":
    main()
