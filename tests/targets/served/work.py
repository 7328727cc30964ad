# SPDX-License-Identifier: MIT
"""What is called for a request, and between requests."""
import queue
import re
import threading

entered, released = queue.Queue(), threading.Event()  # of requests that wait


def step(n, what):
    return what


def idle(what):
    """For no request."""
    return what


def number(path):
    """The client's number of the request."""
    return int(re.search(r"/(\d+)", path).group(1))


class Failed(Exception):
    """Nobody handles it."""
