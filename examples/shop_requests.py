#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Send one request of each kind to the shop: shop_requests.py URL."""
import json
import sys
import urllib.error
import urllib.request

CARD = "4111111111111111"
REQUESTS = (
    ("GET", "/products", None),
    ("GET", "/products/tea", None),
    ("POST", "/orders", {"lines": {"tea": 2, "bread": 1}, "card": CARD}),
    ("POST", "/orders", {"lines": {"tea": 20}, "card": CARD}),
    ("GET", "/products/caviar", None),
    ("POST", "/orders", {"lines": {"saffron": 100}, "card": CARD}),
    ("POST", "/orders", {"lines": {"tea": 1}, "card": "4111111111111112"}),
    ("GET", "/quote/apple/12", None),
)


def send(url, method, path, body):
    """The status of the answer, and its text."""
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url + path, data, method=method,
                                     headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def main():
    """Sends them all; a server error is a failure."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    failed = False
    for method, path, body in REQUESTS:
        status, text = send(sys.argv[1].rstrip("/"), method, path, body)
        print(f"{method} {path}: {status} {text.strip()}")
        failed = failed or status >= 500
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
