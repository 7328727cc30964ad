#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Buys, or tries to: client.py URL"""
import json
import sys
import urllib.error
import urllib.request

ORDERS = (
    {"product": "tea", "n": 2, "card": "4111"},
    {"product": "gold", "n": 1, "card": "4111"},
    {"product": "saffron", "n": 2, "card": "4111"},
    {"product": "tea", "n": 5, "card": "4114"},
    {"product": "tea"},
)


def ask(url, id_, order=None):
    """(status, text)"""
    body = None if order is None else json.dumps(order).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, {"X-Request-ID": id_})) as answer:
            return answer.status, answer.read().decode().strip()
    except urllib.error.HTTPError as error:
        with error:
            text = error.read().decode().strip()
        return error.code, text if error.code < 500 else ""


def main(url):
    print("price of tea", *ask(url + "/price/tea", "price"))
    for n, order in enumerate(ORDERS):
        print(json.dumps(order), *ask(url + "/purchase", "order-%d" % n, order))
    print("stock", *ask(url + "/stock", "stock"))


if __name__ == "__main__":
    main(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
