# SPDX-License-Identifier: MIT
"""Answers each line with so many requests, and then with the hash of a key of theirs."""
import sys


def start_response(status, headers):
    return len(headers)


def app(environ, start_response):
    start_response("200 OK", [])
    return [deep(20)]


def deep(n):
    return deep(n - 1) if n else b"deep"


def serve():
    environ = {"SCRIPT_NAME": "", "PATH_INFO": "/", "REQUEST_METHOD": "GET"}
    return b"".join(app(environ, start_response))


print("ready", flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        serve()
    print(hash("PATH_INFO") & (1 << 64) - 1, flush=True)
