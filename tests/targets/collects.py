# SPDX-License-Identifier: MIT
"""Collects garbage when it is asked to, and tells what gc.callbacks were told: for each collection
its generation, how many objects, and the function that asked for it, null where none did."""
import gc
import json
import os
import sys
import threading

seen = []
asking = threading.local()
other = {"__name__": "other", "gc": gc}
exec("def collect(generation): gc.collect(generation)", other)


def told(phase, info):
    if phase == "stop":
        seen.append([info["generation"], info["collected"] + info["uncollectable"],
                     getattr(asking, "name", None), threading.get_ident() != main])


class Node:
    def __init__(self):
        self.me = self


class Finalized(Node):
    def __del__(self):
        called()
        gc.collect()  # does nothing: one is under way


def called():
    return 1


def make(n):
    for _ in range(n):
        Node()


def itself():
    asking.name = "itself"
    make(20)
    gc.collect()


def below():
    """In code that nobody asked for."""
    asking.name = "below"
    make(10)
    other["collect"](1)


def failing():
    raise ValueError("left")


def after_failure():
    asking.name = "after_failure"
    try:
        failing()
    except ValueError:
        other["collect"](0)


def generator():
    asking.name = "generator"
    gc.collect(0)
    yield 1
    asking.name = "generator"
    gc.collect(1)


def drives():
    for _ in generator():
        asking.name = "drives"
        gc.collect(0)


def finalizes():
    asking.name = "finalizes"
    Finalized()
    gc.collect()


def asked():
    for function in itself, below, after_failure, drives, finalizes:
        function()
    asking.name = None


def work():
    gc.disable()
    asked()
    other_thread = threading.Thread(target=asked, name="other")
    other_thread.start()
    other_thread.join()
    gc.enable()
    make(5000)
    gc.disable()


main = threading.get_ident()
print("ready", flush=True)
many = sys.stdin.readline().strip()
gc.callbacks.append(told)
if many:
    for _ in range(int(many)):
        gc.collect(0)
else:
    work()
gc.callbacks.remove(told)
print(json.dumps(seen), flush=True)
os._exit(0)
