# SPDX-License-Identifier: MIT
"""Children that are forked by threads while other threads are traced: all write to one log."""
import collections
import json

PROGRAM = """
import collections, json, multiprocessing, os, threading, time
from flowtrace_agent import Config, start_tracing, stop_tracing

def call(who, n):
    return n

def numbers(n):
    for i in range(n):
        yield i

def loop(me):
    n = 0
    while not done:
        call(me, n)
        n += 1
        if n % 50 == 0:
            sum(numbers(3))
            time.sleep(0.002)
    made[me] = n

def child(me):
    next(kept)  # the parent's generator goes on here
    thread = threading.Thread(target=lambda: [call(me + "t", i) for i in range(50)])
    thread.start()
    for i in range(50):
        call(me, i)
    thread.join()

def forks(me):
    for turn in range(4):
        name = "%s.%d" % (me, turn)
        pid = os.fork()
        if not pid:
            child(name)
            if turn % 2:
                open("log").read()
            else:
                stop_tracing()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        made[name] = made[name + "t"] = 50

done, made, kept = False, {}, numbers(10 ** 6)
start_tracing(Config(package_prefix="__main__", logfile="log"))
next(kept)
loops = [threading.Thread(target=loop, args=("loop%d" % n,)) for n in range(3)]
forkers = [threading.Thread(target=forks, args=("fork%d" % n,)) for n in range(2)]
for thread in loops + forkers:
    thread.start()
for thread in forkers:
    thread.join()
context = multiprocessing.get_context("fork")
children = [context.Process(target=child, args=("process%d" % n,)) for n in range(2)]
for process in children:
    process.start()
for n, process in enumerate(children):
    process.join()
    assert process.exitcode == 0
    made["process%d" % n] = made["process%dt" % n] = 50
done = True
for thread in loops:
    thread.join()
stop_tracing()
with open("made", "w") as file:
    json.dump(made, file)
"""


def test_forks_among_threads(agent):
    """No line is lost, there twice or torn, whoever forks and however the child ends."""
    agent.write("forks.py", PROGRAM)
    agent.python("-W", "ignore", "forks.py")
    events = agent.events("log")
    assert not [event for event in events if event["event"] == "LOST"]
    seen = collections.Counter(json.loads(event["args"])["who"] for event in events
                               if event["event"] == "ENTER" and event["function"] == "call")
    assert seen == json.loads((agent.path / "made").read_text())
    spans = collections.defaultdict(list)
    for event in events:
        spans[event["span"]].append((event["event"], event["function"]))
    assert [lines for lines in spans.values() if len(lines) != 2] == [[("ENTER", "numbers")]]
