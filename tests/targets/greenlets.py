# SPDX-License-Identifier: MIT
"""Greenlets that switch in the midst of calls: greenlets.py SEED SECONDS THREADS [MOST].

Every call has a number of its own and gets its caller's, so that the trace can be compared with
its own arguments; what it returns or raises is that number. SIGUSR1 ends it early; what was killed
on purpose is printed then. greenlet is loaded late, below calls that are open.
"""
import itertools
import json
import random
import signal
import sys
import threading
import time

numbers = itertools.count(1)
killed = []
thrown = []
told_to_end = []


def away(_=None):
    """To the hub, which goes on with some other one."""
    return greenlet.getcurrent().parent.switch()


def plain(me, parent, who, depth, rnd):
    """Calls others, and is left and gone on with between."""
    if rnd.random() < .4:
        away()
    for _ in range(rnd.choice((0, 1, 1, 2)) if depth else 0):
        any_call(me, who, depth - 1, rnd)
    if rnd.random() < .3:
        away()
    return me


def raises(me, parent, who, depth, rnd):
    """Left by an exception of its own."""
    if depth:
        any_call(me, who, depth - 1, rnd)
    if rnd.random() < .7:
        away()
    raise ValueError("number %d" % me)


def raises_again(me, parent, who, depth, rnd):
    """Left by one that it handled for a while, others ran meanwhile."""
    try:
        raise ValueError("number %d" % me)
    except ValueError:
        away()
        if depth:
            any_call(me, who, depth - 1, rnd)
        raise
    finally:
        if rnd.random() < .5 and who not in killed:
            away()


def handles(me, parent, who, depth, rnd):
    """An exception is seen in it, and away it goes before it returns."""
    try:
        raise KeyError(me)
    except KeyError:
        away()
    away()
    return me


def yields(me, parent, who, depth, rnd):
    """A generator that switches between and inside of its steps."""
    for step in range(3):
        if rnd.random() < .5:
            away()
        if depth and not step:
            any_call(me, who, depth - 1, rnd)
        yield step


def key(me, parent, who):
    """Called from C code."""
    away()
    return me


def any_call(me, who, depth, rnd):
    """One of them, not traced: the caller's number goes on."""
    kind = rnd.choice((plain, plain, raises, raises_again, handles, yields, key))
    number = next(numbers)
    if kind is key:
        max(((number, me, who),), key=lambda args: key(*args))
        return
    try:
        made = kind(number, me, who, depth, rnd)
        if kind is yields:
            for _ in made:
                if rnd.random() < .3:
                    away()
    except ValueError as error:
        if str(error) != "number %d" % number:
            raise


def root(me, parent, who, rnd):
    """The first call of a greenlet."""
    for _ in range(2):
        any_call(me, who, 3, rnd)
    if rnd.random() < .2:
        raise ValueError("number %d" % me)
    return me


def generator_root(me, parent, who, rnd):
    """A greenlet may run a generator: no function of Python is below it."""
    any_call(me, who, 1, rnd)
    yield me


def begin(rnd):
    """A greenlet, and what it is switched to with first."""
    who = next(numbers)
    if rnd.random() < .1:
        return who, greenlet.greenlet(generator_root(next(numbers), 0, who, rnd).send), [None]
    return who, greenlet.greenlet(root), [next(numbers), 0, who, rnd]


def end_early(who, one, rnd):
    """It is killed by the last reference to it, or thrown into."""
    if rnd.random() < .5:
        killed.append(who)
        return
    thrown.append(who)
    try:
        one.throw(LookupError("thrown"))
    except (LookupError, ValueError):
        pass
    if not one.dead:
        killed.append(who)


def hub(me, parent, rnd, most, deadline):
    """Goes on with any of them, as long as there is time."""
    running, begun, goes_on = [], 0, True
    while running or goes_on:
        goes_on = time.monotonic() < deadline and begun < most and not told_to_end
        if len(running) < 12 and goes_on:
            running.append(begin(rnd))
            begun += 1
        if not running:
            break
        at = rnd.randrange(len(running))
        who, one, args = running[at]
        running[at] = who, one, ()
        if not args and rnd.random() < .01:
            end_early(who, one, rnd)
            del running[at], one
            continue
        try:
            one.switch(*args)
        except ValueError:
            pass
        if one.dead:
            del running[at]
        del one
    return me


def load(me, parent):
    """The module, with two calls of ours open."""
    global greenlet
    import greenlet
    return me


def thread(me, parent, seed, most, deadline):
    """A thread with a hub of its own."""
    number = next(numbers)
    if seed % 2:
        load(number, me)
    else:
        while "greenlet" not in globals():
            time.sleep(.01)
    hub(next(numbers), me, random.Random(seed), most, deadline)
    return me


def main(seed, seconds, threads, most=1 << 30):
    """All threads."""
    deadline = time.monotonic() + seconds
    signal.signal(signal.SIGUSR1, lambda *_: told_to_end.append(True))
    them = [threading.Thread(target=thread, args=(next(numbers), 0, 2 * seed + i + 1, most,
                                                  deadline))
            for i in range(threads)]
    for one in them:
        one.start()
    for one in them:
        one.join()
    print(json.dumps({"killed": killed, "thrown": thrown}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), *map(int, sys.argv[3:]))
