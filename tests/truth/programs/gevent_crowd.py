# SPDX-License-Identifier: MIT
"""Greenlets that switch inside calls, are killed, time out, wait for each other; generators in
them; a pool of threads beside them."""
import gevent
import gevent.event
import gevent.pool
import gevent.queue


def leaf(n):
    """A switch within a call."""
    gevent.sleep(0.001 * (n % 3))
    return n


def task(n):
    """Two switches."""
    return leaf(n) + leaf(1)


def fails(n):
    """Ends by an exception after a switch."""
    gevent.sleep(0.001)
    raise ValueError("task %d" % n)


def numbers(n):
    """A generator with a switch between its items."""
    for i in range(n):
        yield leaf(i)


def total(n):
    """Uses it; drops one half-way."""
    for i in numbers(5):
        if i == 2:
            break
    return sum(numbers(n))


def late():
    """Timed out."""
    try:
        with gevent.Timeout(0.002):
            gevent.sleep(5)
    except gevent.Timeout:
        return "late"


def killed():
    """Killed while it waits, and tidies up."""
    try:
        gevent.sleep(5)
    finally:
        leaf(0)


def producer(queue):
    """Puts, then ends the others."""
    for i in range(6):
        queue.put(leaf(i))
    queue.put(StopIteration)


def consumer(queue):
    """Takes until the end."""
    return [leaf(i) for i in queue]


def main():
    """All of it."""
    gevent.get_hub().print_exception = lambda *args: None
    crowd = [gevent.spawn(task, i) for i in range(8)]
    bad = gevent.spawn(fails, 9)
    gevent.joinall(crowd + [bad])
    assert [g.value for g in crowd] == [i + 1 for i in range(8)] and not bad.successful()
    assert gevent.pool.Pool(3).map(total, range(4)) == [0, 0, 1, 3]
    assert late() == "late"
    victim = gevent.spawn(killed)
    gevent.sleep(0.002)
    victim.kill()
    queue = gevent.queue.Queue(2)
    eater = gevent.spawn(consumer, queue)
    gevent.spawn(producer, queue)
    assert eater.get() == list(range(6))
    ready = gevent.event.Event()
    waiters = [gevent.spawn(ready.wait) for _ in range(3)]
    gevent.spawn_later(0.001, ready.set)
    gevent.joinall(waiters)
    assert gevent.get_hub().threadpool.apply(sum, ([1, 2],)) == 3


main()
