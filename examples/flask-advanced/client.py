#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Takes notes: client.py URL"""
import json
import sys
import urllib.error
import urllib.request

REQUESTS = (
    ("POST", "/notes", {"title": "tea", "text": "buy it"}),
    ("POST", "/notes", {"title": ""}),
    ("PUT", "/notes/1", {"title": "coffee"}),
    ("GET", "/notes?q=cof", None),
    ("GET", "/notes/2", None),
    ("GET", "/report", None),
    ("DELETE", "/notes/1", None),
)


def main(url):
    for n, (method, path, data) in enumerate(REQUESTS):
        headers = {"Content-Type": "application/json", "X-Request-ID": "note-%d" % n}
        body = json.dumps(data).encode() if data else None
        try:
            with urllib.request.urlopen(urllib.request.Request(url + path, body, headers,
                                                               method=method)) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read()
        print(method, path, status, text.decode().strip())


if __name__ == "__main__":
    main(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
