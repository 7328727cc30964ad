# SPDX-License-Identifier: MIT
"""What happens to a program while it is traced from inside: signals, deep recursion, finalizers,
fork, exec, sudden ends, other tools that watch. Programs behave as without us, and the trace says
what is true."""
import collections
import json

import pytest


def counts(events):
    """{(function, event): how many}"""
    return collections.Counter((event.get("function"), event["event"]) for event in events)


def balanced(events, but=()):
    """Every ENTER has its EXIT, each once; `but`: functions that need not end."""
    spans = collections.defaultdict(list)
    for event in events:
        if event["event"] in ("ENTER", "EXIT"):
            spans[event["span"]].append(event)
    for lines in spans.values():
        kinds = [line["event"] for line in lines]
        assert kinds == ["ENTER", "EXIT"] or (kinds == ["ENTER"] and
                                              lines[0]["function"] in but), lines
    return True


def test_signals(agent):
    """A Python signal handler that is traced, hundreds of times in the middle of traced calls."""
    agent.write("signals.py", """
        import os, signal, time

        handled = []

        def handler(number, frame):
            note(number)

        def note(n):
            handled.append(n)

        def work(n):
            return [n, str(n)]

        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        end = time.monotonic() + 0.15
        n = 0
        while time.monotonic() < end:
            assert work(n) == [n, str(n)]
            n += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(n, len(handled))
        """)
    _, out, _ = agent.command("-P", "__main__", "signals.py")
    calls, handled = map(int, out.split())
    events = agent.events()
    seen = counts(events)
    assert balanced(events) and handled > 20
    assert seen["work", "ENTER"] == calls
    assert seen["handler", "EXIT"] == seen["note", "EXIT"] == handled


def test_recursion(agent):
    """To the limit and back, many times: the same RecursionError, at the same depth."""
    source = """
        import sys

        def down(n):
            return down(n + 1)

        deepest = 0

        def measure(n):
            global deepest
            deepest = n
            measure(n + 1)

        try:
            measure(0)
        except RecursionError:
            pass
        for _ in range(20):
            try:
                down(0)
            except RecursionError as error:
                text = str(error)
        print(deepest, text)
        """
    agent.write("deep.py", source)
    plain = agent.python("deep.py")[1].split(None, 1)
    traced = agent.command("-P", "__main__", "deep.py")[1].split(None, 1)
    assert traced[1] == plain[1]
    assert abs(int(traced[0]) - int(plain[0])) <= 12  # what runs the script takes a few frames
    events = agent.events()
    assert balanced(events)
    assert counts(events)["down", "EXCEPTION"] == counts(events)["down", "ENTER"] > 10000


def test_at_the_limit(agent):
    """Every call whose body began is there, and no other: the one that was too deep did not."""
    agent.run("""
        import json
        from flowtrace_agent import Config, start_tracing, stop_tracing

        began = dict.fromkeys(("down", "generate", "by_c", "handler", "leaf", "__getattr__"), 0)

        def down():
            began["down"] += 1
            down()

        def generate():
            began["generate"] += 1
            yield from generate()

        def by_c(x=None):
            began["by_c"] += 1
            return max([1, 2], key=by_c)

        def handler():
            began["handler"] += 1
            try:
                handler()
            except RecursionError:
                leaf()

        def leaf():
            began["leaf"] += 1

        class A:
            def __getattr__(self, name):
                began["__getattr__"] += 1
                return getattr(self, name + "x")

        start_tracing(Config(package_prefix="__main__"))
        for deep in down, lambda: list(generate()), by_c, handler, lambda: A().x:
            for _ in range(2):
                try:
                    deep()
                except RecursionError:
                    pass
        stop_tracing()
        with open("began", "w") as file:
            json.dump(began, file)
        """)
    seen, ended = counts(agent.events()), json.loads((agent.path / "began").read_text())
    assert balanced(agent.events())
    assert {name: seen[name, "ENTER"] for name in ended} == ended


def test_deeper_than_the_stack(agent):
    """A program that may go deeper than the C stack would allow under a hook gets as deep as it
    does without, and what was not seen is said to be lost."""
    depth = {8: 8000, 9: 8000, 10: 8000, 11: 60000}.get(agent.minor(), 60000)
    agent.write("deep.py", """
        import sys
        sys.setrecursionlimit(10**6)

        def down(n):
            return n if n == 0 else 1 + down(n - 1)

        print(down(%d))
        """ % depth)
    assert agent.python("deep.py")[1].strip() == str(depth)
    assert agent.command("-P", "__main__", "deep.py")[1].strip() == str(depth)
    events = agent.events()
    seen = counts(events)
    assert balanced(events)
    lost = sum(event["count"] for event in events if event["event"] == "LOST")
    assert seen["down", "ENTER"] == depth + 1 or lost


def test_finalizers(agent):
    """__del__ that raises, and calls made while the interpreter shuts down."""
    agent.write("ends.py", """
        import sys, threading, weakref

        class Loud:
            def __init__(self, name):
                self.name = name

            def __del__(self):
                say(self.name)
                raise ValueError(self.name)

        def say(name):
            return name.upper()

        for i in range(100):
            Loud("a%d" % i)
        a, b = Loud("ring"), Loud("ring")
        a.other, b.other = b, a
        del a, b
        import gc
        gc.collect()
        sys.keep = Loud("at the end")
        late = Loud("late")

        def tick():
            while True:
                say("tick")

        threading.Thread(target=tick, daemon=True).start()
        """)
    _, _, errors = agent.command("-P", "__main__", "ends.py")
    assert "Fatal" not in errors and "SystemError" not in errors
    events = agent.events()
    assert balanced(events, but=("tick", "say"))
    assert counts(events)["__del__", "EXCEPTION"] >= 102


@pytest.mark.parametrize("way", ["fork", "fork in C", "multiprocessing"])
def test_fork(agent, way):
    """Parent and child go on in their own right, in one file: no line twice, none torn."""
    children = {
        "fork": "pid = os.fork()",
        "fork in C": "pid = __import__('ctypes').CDLL(None).fork()",
        "multiprocessing": None,
    }[way]
    if children:
        body = """
        def run(me):
            for n in range(5000):
                call(me, n)

        def main():
            run("before")
            pids = []
            for me in ("one", "two"):
                %s
                if not pid:
                    run(me)
                    return
                pids.append(pid)
            run("parent")
            for pid in pids:
                assert os.waitpid(pid, 0)[1] == 0

        """ % children
    else:
        body = """
        def run(me):
            for n in range(5000):
                call(me, n)

        def main():
            import multiprocessing
            context = multiprocessing.get_context("fork")
            run("before")
            children = [context.Process(target=run, args=(me,)) for me in ("one", "two")]
            for child in children:
                child.start()
            run("parent")
            for child in children:
                child.join()
                assert child.exitcode == 0

        """
    agent.write("forks.py", "import os, sys\n\ndef call(me, n):\n    return n\n\n" +
                __import__("textwrap").dedent(body) + "\nmain()\n")
    agent.command("-P", "__main__", "forks.py")
    events = agent.events()
    assert balanced(events, but=("main", "<module>", "run"))
    by = collections.Counter((event["args"].split('"')[3], event["pid"]) for event in events
                             if event["event"] == "ENTER" and event["function"] == "call")
    assert sorted((me, n) for (me, _), n in by.items()) == [
        ("before", 5000), ("one", 5000), ("parent", 5000), ("two", 5000)]
    assert len({pid for _, pid in by}) == 3
    assert len({event["span"] for event in events if event["event"] == "ENTER"}) == sum(
        event["event"] == "ENTER" for event in events)


@pytest.mark.parametrize("end", ["os._exit(3)", "os.kill(os.getpid(), 9)",
                                 "os.execv('/bin/true', ['true'])"])
def test_sudden_end(agent, end):
    """What is older than the flush period is in the file, in whole lines."""
    agent.write("ends.py", """
        import os, time

        def call(n):
            return n

        for n in range(1000):
            call(n)
        time.sleep(0.4)
        call(-1)
        %s
        """ % end)
    agent.command("-P", "__main__", "ends.py", check=None)
    text = (agent.path / "flowtrace.jsonl").read_bytes()
    assert text.endswith(b"}\n")
    assert counts(agent.events())["call", "EXIT"] >= 1000


def test_again_and_again(agent):
    """Started, stopped and started with other files; nothing of one run is in another."""
    agent.run("""
        from flowtrace_agent import Config, start_tracing, stop_tracing

        def call(n):
            return n

        def opened():
            start_tracing(Config(package_prefix="__main__", logfile="open.jsonl"))
            return call(-1)

        for i in range(20):
            start_tracing(Config(package_prefix="__main__", logfile="run%d.jsonl" % i))
            for n in range(i):
                call(n)
            stop_tracing()
            call(100)
        opened()
        stop_tracing()
        """)
    for i in range(20):
        events = agent.events("run%d.jsonl" % i)
        assert balanced(events)
        assert counts(events)["call", "EXIT"] == i
    assert set(counts(agent.events("open.jsonl"))) == {("call", "ENTER"), ("call", "EXIT")}


def test_running_threads(agent):
    """Threads that ran before, also ones that threading does not know, are traced."""
    agent.run("""
        import _thread, threading, time
        from flowtrace_agent import Config, start_tracing, stop_tracing

        def call(me):
            return me

        def loop(me):
            while not done:
                call(me)
                time.sleep(0.001)
            ended.append(me)

        done, ended = False, []
        thread = threading.Thread(target=loop, args=("known",), name="known")
        thread.start()
        _thread.start_new_thread(loop, ("raw",))
        time.sleep(0.1)
        start_tracing(Config(package_prefix="__main__"))
        _thread.start_new_thread(loop, ("raw later",))
        time.sleep(0.3)
        stop_tracing()
        done = True
        while len(ended) < 3:
            time.sleep(0.01)
        """)
    who = {(event["args"], event["thread"].split("-")[0]) for event in agent.events()
           if event["event"] == "ENTER" and event["function"] == "call"}
    assert who == {('{"me": "known"}', "known"), ('{"me": "raw"}', "Thread"),
                   ('{"me": "raw later"}', "Thread")}


def test_a_pause(agent):
    """What was recorded is in the file 100 ms later: a server may end by a signal after its last
    request. Not so for one call in ten, for the machine may be busy."""
    _, out, _ = agent.run("""
        import time
        from flowtrace_agent import Config, start_tracing

        def call(n):
            return n

        start_tracing(Config(package_prefix="__main__", logfile="t.jsonl"))
        late = 0
        file = open("t.jsonl")  # once: to open it is to ask for it
        for n in range(30):
            time.sleep(n / 1000)  # the writer may be anywhere
            call(n)
            time.sleep(0.1)
            late += '{\\\\"n\\\\": %d}' % n not in file.read()
        print(late)
        """)
    assert int(out) <= 3, out


def test_overflow(agent):
    """`drop` never waits: what does not fit is counted, and recorded + lost is everything."""
    agent.run("""
        import sys
        from flowtrace_agent import Config, start_tracing, stop_tracing

        def call(text):
            return text

        text = "x" * 900
        start_tracing(Config(package_prefix="__main__", overflow="drop"))
        for n in range(30000):
            call(text)
        stop_tracing()
        """)
    events = agent.events()
    assert balanced([event for event in events if not event.get("lost")], but=("call",))
    seen = counts(events)
    lost = sum(event["count"] for event in events if event["event"] == "LOST")
    assert {event["reason"] for event in events if event["event"] == "LOST"} == {"ring_full"}
    assert lost and seen["call", "ENTER"] + seen["call", "EXIT"] + lost == 60000


def test_slow_disk_blocks(agent):
    """`block`, the default, waits for the writer: nothing is lost."""
    agent.run("""
        from flowtrace_agent import Config, start_tracing, stop_tracing

        def call(text):
            return text

        text = "x" * 900
        start_tracing(Config(package_prefix="__main__"))
        for n in range(30000):
            call(text)
        stop_tracing()
        """)
    seen = counts(agent.events())
    assert seen["call", "ENTER"] == seen["call", "EXIT"] == 30000


def test_full_disk(agent):
    """A trace that cannot be written does not hold the program up, and stop_tracing says why."""
    agent.run("""
        import time
        from flowtrace_agent import Config, start_tracing, stop_tracing

        def call(text):
            return text

        start_tracing(Config(package_prefix="__main__", logfile="/dev/full"))
        began = time.monotonic()
        for n in range(20000):
            call("x" * 900)
        assert time.monotonic() - began < 5
        try:
            stop_tracing()
        except OSError as error:
            assert "No space left" in str(error) and "/dev/full" in str(error), error
            assert error.errno == 28, error
        else:
            raise AssertionError("no error")
        start_tracing(Config(package_prefix="__main__", logfile="good.jsonl"))
        call("good")
        stop_tracing()
        """)
    assert len(agent.events("good.jsonl")) == 2


def test_beside_others(agent):
    """A profiler and a tracer that are there see what they saw, and are there afterwards."""
    agent.run("""
        import sys
        from flowtrace_agent import Config, start_tracing, stop_tracing

        profiled, traced = [], []

        def profile(frame, event, arg):
            if frame.f_code.co_name == "call":
                profiled.append(event)

        def trace(frame, event, arg):
            if frame.f_code.co_name == "call":
                traced.append(event)
            return trace

        def call(n):
            return n

        sys.setprofile(profile)
        sys.settrace(trace)
        start_tracing(Config(package_prefix="__main__"))
        for n in range(10):
            call(n)
        stop_tracing()
        assert sys.getprofile() is profile and sys.gettrace() is trace
        call(10)
        sys.settrace(None)
        sys.setprofile(None)
        assert profiled == ["call", "return"] * 11, profiled
        assert traced == ["call", "line", "return"] * 11, traced
        """)
    assert counts(agent.events())["call", "EXIT"] == 10


def test_beside_monitoring(agent):
    """Other tools of sys.monitoring keep their numbers, events and what they switched off."""
    if agent.minor() < 12:
        pytest.skip("3.12 brought sys.monitoring")
    agent.run("""
        import sys
        from flowtrace_agent import Config, start_tracing, stop_tracing
        mon = sys.monitoring
        seen = []

        def call(n):
            return n

        for tool in range(6):
            mon.use_tool_id(tool, "tool%d" % tool)
        try:
            start_tracing(Config(package_prefix="__main__"))
        except RuntimeError as error:
            assert "in use" in str(error)
        else:
            raise AssertionError("no number was free")
        for tool in (0, 1, 2, 4, 5):
            mon.free_tool_id(tool)
        mon.register_callback(3, mon.events.PY_START, lambda code, offset: seen.append(code))
        mon.set_local_events(3, call.__code__, mon.events.PY_START)
        start_tracing(Config(package_prefix="__main__"))
        assert [mon.get_tool(i) for i in range(6)].count("flowtrace") == 1
        call(1)
        stop_tracing()
        call(2)
        assert [mon.get_tool(i) for i in range(6)] == [None, None, None, "tool3", None, None]
        assert seen == [call.__code__] * 2
        """)
    assert counts(agent.events())["call", "EXIT"] == 1


def test_sub_interpreters_refuse(agent):
    """A sub-interpreter gets an ImportError that says so; the main one goes on."""
    module = "_interpreters" if agent.minor() >= 13 else "_xxsubinterpreters"
    _, out, _ = agent.run("""
        import sys
        import %s as s
        from flowtrace_agent import Config, start_tracing, stop_tracing
        i = s.create()
        start_tracing(Config(package_prefix="__main__"))

        def call():
            return 1

        call()
        text = '''
        import sys
        sys.path[:] = %%r
        try:
            import flowtrace_agent
        except ImportError as error:
            print("refused:", error)
        def call():
            return 2
        call()
        ''' %% sys.path
        s.run_string(i, __import__("textwrap").dedent(text))
        call()
        stop_tracing()
        s.destroy(i)
        """ % module)
    # From 3.12 on the interpreter says it itself.
    assert "refused: " in out and "interpreters" in out, out
    assert counts(agent.events())["call", "EXIT"] == 2
