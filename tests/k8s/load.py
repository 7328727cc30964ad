# SPDX-License-Identifier: MIT
"""Asks servers one after the other until its input ends; each request has an id of its own. Writes a
line of JSON for each: who was asked, the id, from when to when, and the status.

    load.py FILE ADDRESS...
"""
import http.client
import json
import select
import sys
import time

PAUSE = 0.005  # seconds: about a hundred requests a second, which two cores and a tracer can do


def ask(address, name):
    begin = time.time_ns() // 1000
    try:
        server = http.client.HTTPConnection(address, 8000, timeout=20)
        server.request("GET", "/products/tea", headers={"X-Request-ID": name})
        answer = server.getresponse()
        answer.read()
        status = answer.status
        server.close()
    except OSError as error:
        status = repr(error)
    return {"address": address, "id": name, "begin": begin, "end": time.time_ns() // 1000, "status": status}


def main(path, *addresses):
    run, number = "%x" % time.time_ns(), 0
    with open(path, "w") as file:
        while not select.select([sys.stdin], [], [], PAUSE)[0]:
            address = addresses[number % len(addresses)]
            print(json.dumps(ask(address, "%s-%d" % (run, number))), file=file)
            number += 1


main(*sys.argv[1:])
