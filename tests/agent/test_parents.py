# SPDX-License-Identifier: MIT
"""A call's parent is the nearest call of the traced module among the frames below it, also where
the interpreter told nothing of what runs: each call of here() returns who that is."""
import json

OTHERS = """
    def call(function, *args):
        return function(*args)

    def waits(iterator):
        yield from iterator

    class Hands:
        '''An iterator that has throw() and close() of its own.'''

        def __init__(self, function):
            self.function = function

        def __iter__(self):
            return self

        def __next__(self):
            return self.function()

        def throw(self, *what):
            return self.function()

        def close(self):
            self.function()
    """

PROGRAM = """
    import functools, signal, sys
    import others

    def here():
        frame = sys._getframe(1)
        while frame and frame.f_globals is not globals():
            frame = frame.f_back
        return frame and frame.f_code.co_name

    elsewhere = functools.partial(others.call, here)

    def catches():
        for _ in range(5):
            try:
                yield elsewhere()
            except (KeyError, KeyboardInterrupt):
                here()
                elsewhere()

    def waits(iterator):
        here()
        yield from iterator
        elsewhere()

    def closes():
        try:
            yield
        finally:
            elsewhere()

    def through(*, deep):
        generator = catches()
        for make in deep:
            generator = make(generator)
        next(generator)
        generator.throw(KeyError())
        elsewhere()
        next(generator)
        generator.throw(KeyError())
        list(generator)
        elsewhere()

    def interrupted(generator):
        next(generator)
        try:
            _testcapi.raise_SIGINT_then_send_None(generator)
        except KeyboardInterrupt:
            elsewhere()
        for _ in generator:
            elsewhere()

    def main():
        for deep in [waits], [others.waits], [waits, others.waits], [others.waits, waits, waits]:
            through(deep=deep)
        for hands in others.Hands(here), others.Hands(elsewhere):
            for make in waits, others.waits:
                generator = make(hands)
                next(generator)
                generator.throw(KeyError())
                elsewhere()
                generator.close()
        for make in waits, others.waits:
            generator = make(closes())
            next(generator)
            generator.close()
            elsewhere()
        if _testcapi:
            interrupted(catches())
            interrupted(waits(catches()))
            interrupted(others.waits(catches()))
        elsewhere()

    try:
        import _testcapi
    except ImportError:
        _testcapi = None
    main()
    """


def test_parents(agent):
    """Thrown into, closed and interrupted, through generators that are traced or not."""
    agent.write("others.py", OTHERS)
    agent.command("-P", "__main__", agent.write("program.py", PROGRAM))
    events = agent.events()
    names = {event["span"]: event["function"] for event in events if event["event"] == "ENTER"}
    names[0] = None
    ends = {event["span"]: event for event in events if event["event"] == "EXIT"}
    calls = [event for event in events
             if event["event"] == "ENTER" and event["function"] == "here"]
    wrong = [(names[call["parent"]], ends[call["span"]]["result"]) for call in calls
             if names[call["parent"]] != json.loads(ends[call["span"]]["result"])]
    assert not wrong, "%d of %d; parent and truth: %s" % (len(wrong), len(calls), wrong)
    assert len(calls) > 80 and set(ends) == set(names) - {0}
