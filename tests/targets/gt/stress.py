# SPDX-License-Identifier: MIT
"""Eight threads at full rate. Every value can be checked from the trace alone.

Each value says which thread and which call it belongs to, again and again: a byte that comes
from another thread's buffer shows.
"""
import sys
import threading

THREADS = 8
CALLS = 800
LONG = 3000


def pattern(thread, seq, length):
    """Text of that length that repeats the thread and the call."""
    unit = "<%d:%05d>" % (thread, seq)
    return (unit * (length // len(unit) + 1))[:length]


def structure(thread, seq):
    """A nested value of lists, dicts and tuples."""
    mark = "%d-%d" % (thread, seq)
    return {"t": thread, "s": [seq] * 6, "in": {"m": mark, "deep": [[mark, thread], {"k": seq}]},
            "bytes": mark.encode() * 8, "pair": (thread, seq), "f": thread + seq / 1e6}


def text_call(thread, seq, text):
    """A text that fits, of a length that changes from call to call."""
    return text


def long_call(thread, seq, text):
    """A text over every limit."""
    return text


def nested_call(thread, seq, value, *rest, key=None):
    """All kinds of parameter; the result is as nested as the arguments."""
    return [value, rest, key]


def failing_call(thread, seq):
    """Every exception has its own message."""
    raise ValueError("failure %d:%d" % (thread, seq))


def deep_call(thread, seq, n):
    """A little recursion in between."""
    return (thread, seq, n) if n == 0 else deep_call(thread, seq, n - 1)


def work(thread, start):
    """One thread's calls."""
    start.wait()
    for seq in range(CALLS):
        text_call(thread, seq, pattern(thread, seq, 20 + seq % 900))
        nested_call(thread, seq, structure(thread, seq), thread, seq, key=pattern(thread, seq, 60))
        if seq % 4 == 0:
            long_call(thread, seq, pattern(thread, seq, LONG))
            deep_call(thread, seq, 5)
        if seq % 8 == 0:
            try:
                failing_call(thread, seq)
            except ValueError:
                pass


def main():
    """Starts them all at once; switches between them as often as can be."""
    sys.setswitchinterval(1e-5)
    start = threading.Event()
    threads = [threading.Thread(target=work, args=(n, start), name="stress-%d" % n)
               for n in range(THREADS)]
    for thread in threads:
        thread.start()
    start.set()
    for thread in threads:
        thread.join()
