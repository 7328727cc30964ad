# SPDX-License-Identifier: MIT
"""Watches itself by functions that are traced: watches.py FILE

Each of them says where it was called, as the interpreter's own frames have it. The file: a list of
[what told, the function below], in the order of the calls of said().
"""
import gc
import json
import sys

told = []


def said(what):
    """The frame below is that of who watches; below that one, who is watched."""
    frame = sys._getframe(2)
    while frame and frame.f_globals is not globals():
        frame = frame.f_back
    told.append([what, frame.f_code.co_name if frame else None])


def profiles(frame, event, arg):
    said("profile " + event)


def traces(frame, event, arg):
    said("trace " + event)
    return traces


def monitors(*args):
    said("monitoring")


def work(n):
    return n


def counts(n):
    try:
        for i in range(n):
            yield work(i)
    except KeyError:
        yield work(n)
    finally:
        work(-n)


class Endless:
    def __iter__(self):
        return self

    def __next__(self):
        return work(1)

    def throw(self, *error):
        return work(2)


def waits():
    yield from Endless()


def waits_more():
    yield from waits()


def watched():
    """Suspended, thrown into, closed, dropped."""
    list(counts(2))
    generator = counts(2)
    next(generator)
    generator.throw(KeyError(1))
    list(generator)
    generator = waits_more()
    next(generator)
    generator.throw(KeyError(2))
    next(generator)
    for make in (waits_more, lambda: counts(3)):
        generator = make()
        next(generator)
        generator.close()
        generator = make()
        next(generator)
        del generator


def monitored():
    """By callbacks of sys.monitoring."""
    watching, events = sys.monitoring, sys.monitoring.events
    names = ("PY_START", "PY_RESUME", "PY_RETURN", "PY_YIELD", "PY_THROW", "PY_UNWIND", "RAISE")
    watching.use_tool_id(4, "watches")
    for name in names:
        watching.register_callback(4, getattr(events, name), monitors)
    watching.set_events(4, sum(getattr(events, name) for name in names))
    watched()
    watching.set_events(4, 0)


def main(file):
    gc.disable()
    watched()
    sys.setprofile(profiles)
    watched()
    sys.setprofile(None)
    sys.settrace(traces)
    watched()
    sys.settrace(None)
    monitored()
    watched()
    with open(file, "w", encoding="ascii") as output:
        json.dump(told, output)


if __name__ == "__main__":
    main(sys.argv[1])
