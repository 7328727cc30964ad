# SPDX-License-Identifier: MIT
"""Many threads and many tasks: nothing lost, torn or mixed up."""
import collections
import re

THREADS, CALLS = 8, 100000
LINE = re.compile(rb'\{"timestamp": \d{16}, "event": "(ENTER|EXIT)", "thread": "crowd-(\d)", '
                  rb'"module": "__main__", "function": "call", (?:"args": "\{\\"n\\": (\d+)\}"|"result": '
                  rb'"(\d+)", "durationMicros": \d+, "durationMillis": \d+), "class": "__main__", '
                  rb'"method": "call", "file": "[^"]+", "line": 4, "pid": \d+, "tid": \d+, "span": '
                  rb'(\d+), "parent": (\d+)\}\n')

CROWD = """
import threading

def call(n):
    return n

def work(start):
    start.wait()
    for n in range(%d):
        call(n)

start = threading.Event()
threads = [threading.Thread(target=work, args=(start,), name="crowd-%%d" %% i) for i in range(%d)]
for thread in threads:
    thread.start()
start.set()
for thread in threads:
    thread.join()
""" % (CALLS, THREADS)


def test_threads(agent):
    """Every line of 8 threads x 100,000 calls is whole, and each thread's are in order."""
    agent.write("crowd.py", CROWD)
    agent.command("-P", "__main__", "crowd.py", timeout=120)
    entered, left = [0] * THREADS, [0] * THREADS
    open_span = [None] * THREADS
    with open(agent.path / "flowtrace.jsonl", "rb") as trace:
        for line in trace:
            found = LINE.fullmatch(line)
            if not found:
                assert b'"call"' not in line and b'"LOST"' not in line, line
                continue
            kind, thread, n, result, span, parent = found.groups()
            i = int(thread)
            if kind == b"ENTER":
                assert int(n) == entered[i] and open_span[i] is None and parent != b"0", line
                entered[i] += 1
                open_span[i] = span
            else:
                assert int(result) == left[i] and open_span[i] == span, line
                left[i] += 1
                open_span[i] = None
    assert entered == left == [CALLS] * THREADS
    (agent.path / "flowtrace.jsonl").unlink()


GATHER = """
import asyncio

async def inner(n):
    await asyncio.sleep(0.001 * (n % 7))
    return n + 1

async def outer(n):
    await asyncio.sleep(0)
    first = await inner(n)
    if n % 10 == 3:
        raise ValueError(n)
    return [first, await inner(n)]

async def main():
    return await asyncio.gather(*(outer(n) for n in range(1000)), return_exceptions=True)

assert len(asyncio.run(main())) == 1000
"""


def test_gather(agent):
    """1,000 tasks at once: every span has its own end, and inner calls hang under their task's."""
    agent.write("gather.py", GATHER)
    agent.command("-P", "__main__", "gather.py")
    calls = {}
    for event in agent.events():
        span = event["span"]
        if event["event"] == "ENTER":
            assert span not in calls
            calls[span] = [event, None]
        elif event["event"] == "EXIT":
            assert calls[span][1] is None
            calls[span][1] = event
    assert all(leave for _, leave in calls.values())
    count = collections.Counter(enter["function"] for enter, _ in calls.values())
    assert count["outer"] == 1000 and count["inner"] == 1900
    for enter, leave in calls.values():
        if enter["function"] not in ("inner", "outer"):
            continue
        n = int(re.search(r"\d+", enter["args"])[0])
        if enter["function"] == "inner":
            assert leave["result"] == str(n + 1)
            assert calls[enter["parent"]][0]["args"] == enter["args"]
        elif n % 10 == 3:
            assert leave["exception"] == {"type": "ValueError", "message": str(n)}
        else:
            assert leave["result"] == "[%d, %d]" % (n + 1, n + 1)
