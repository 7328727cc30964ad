# SPDX-License-Identifier: MIT
"""The API: what its documentation shows, and the tracer as an object."""
import json
import re
import shutil
from pathlib import Path

import pytest

ONE_PER_RELEASE = True

BLOCKS = Path(__file__).parent / "seed_blocks"


def said(event):
    """One event in one line, as the blocks write it: kind, function, value."""
    if event["event"] == "EXCEPTION":
        value = "%(type)s: %(message)s" % event["exception"]
    else:
        value = event["args" if event["event"] == "ENTER" else "result"]
    return "%s %s %s" % (event["event"], event["function"], value)


@pytest.mark.parametrize("block", sorted(p.stem for p in BLOCKS.glob("*.py") if p.stem != "shop"))
def test_what_the_documentation_shows(agent, block):
    """Each block runs, and its trace is what the comments at its end say."""
    shutil.copy(BLOCKS / "shop.py", agent.path)
    _, out, err = agent.run(BLOCKS / (block + ".py"))
    assert (out, err) == ("", "")
    expected = re.findall(r"^# trace: (.*)$", (BLOCKS / (block + ".py")).read_text(), re.M)
    if expected:
        assert [said(event) for event in agent.events()] == expected


def test_fields_and_their_order(agent):
    """As the documentation of the events has them, then ours."""
    agent.run("""
        from flowtrace_agent import Config, start_tracing
        start_tracing(Config(package_prefix="__main__"))
        def fine(data): return data * 2
        def wrong(): raise ValueError("Invalid input")
        fine([1, 2, 3])
        try: wrong()
        except ValueError: pass
        """)
    enter, exited, _, exception, _ = agent.events()
    assert list(enter)[:6] == ["timestamp", "event", "thread", "module", "function", "args"]
    assert list(exited)[:8] == ["timestamp", "event", "thread", "module", "function", "result",
                                "durationMicros", "durationMillis"]
    assert list(exception)[:6] == ["timestamp", "event", "thread", "module", "function",
                                   "exception"]
    assert exception["exception"] == {"type": "ValueError", "message": "Invalid input"}
    for event in (enter, exited, exception):
        assert list(event)[-8:] == ["class", "method", "file", "line", "pid", "tid", "span",
                                    "parent"]
        assert event["thread"] == "MainThread" and event["module"] == "__main__"
        assert 10**15 < event["timestamp"] < 10**16
    assert json.loads(enter["args"]) == {"data": [1, 2, 3]}
    assert json.loads(exited["result"]) == [1, 2, 3, 1, 2, 3]
    assert exited["durationMillis"] == exited["durationMicros"] // 1000


def test_started_again_with_another_file(agent):
    """As often as wanted; each file is whole when stop_tracing() returns."""
    agent.run("""
        from flowtrace_agent import Config, FlowTraceTracer, start_tracing, stop_tracing
        def f(n): return n
        for n in range(5):
            start_tracing(Config(package_prefix="__main__", logfile="%d.jsonl" % (n % 2)))
            f(n)
            if n == 3:
                start_tracing()  # goes on as it is
                f(33)
            stop_tracing()
            stop_tracing()
            with open("%d.jsonl" % (n % 2)) as file:
                assert '"result": "%d"' % n in file.read()
            f(100)
        """)
    for name, expected in (("0.jsonl", ["0", "2", "4"]), ("1.jsonl", ["1", "3", "33"])):
        assert [e["result"] for e in agent.events(name) if e["event"] == "EXIT"] == expected


def test_tracer_object(agent):
    """One tracer is active at a time; its logger writes into the same file."""
    agent.run("""
        from flowtrace_agent import Config, FlowTraceTracer, start_tracing, stop_tracing
        def f(n): return n
        one = FlowTraceTracer(Config(package_prefix="__main__", logfile="one.jsonl"))
        two = FlowTraceTracer(Config(package_prefix="__main__", logfile="two.jsonl"))
        assert not one.active and one.config.logfile == "one.jsonl"
        one.stop()
        one.start(); one.start()
        assert one.active
        f(1)
        two.start()
        assert two.active and not one.active
        f(2)
        one.stop()
        assert two.active
        two.logger.log({"event": "MARK"})
        two.stop()
        assert not two.active
        f(3)
        one.start(); f(4)
        stop_tracing()
        assert not one.active
        assert FlowTraceTracer().config == Config()
        """)
    results = [e["result"] for e in agent.events("one.jsonl") if e["event"] == "EXIT"]
    assert results == ["1", "4"]
    assert sorted(e["event"] for e in agent.events("two.jsonl")) == ["ENTER", "EXIT", "MARK"]


def test_decorators_outlive_automatic_tracing(agent):
    """With their own file, and what they wrote is there when stop_tracing() returns."""
    agent.run("""
        import json
        from flowtrace_agent import (Config, init_decorator_logger, start_tracing, stop_tracing,
                                     trace)
        @trace
        def f(n): return n
        def g(n): return n
        def results(name):
            with open(name) as file:
                return [e["result"] for e in map(json.loads, file) if e["event"] == "EXIT"]
        init_decorator_logger(Config(logfile="d.jsonl"))
        f(1); g(10)
        start_tracing(Config(package_prefix="__main__", logfile="a.jsonl"))
        f(2); g(20)
        init_decorator_logger(Config(logfile="e.jsonl"))  # once automatic tracing is over
        f(3); g(30)
        stop_tracing()
        assert results("d.jsonl") == ["1"]
        assert results("a.jsonl") == ["2", "20", "3", "30"], results("a.jsonl")
        f(4); g(40)
        start_tracing(Config(package_prefix="__main__", logfile="e.jsonl"))
        f(5); g(50)
        stop_tracing()
        assert results("e.jsonl") == ["4", "5", "50"]
        f(6); g(60)
        """)
    assert [e["result"] for e in agent.events("e.jsonl") if e["event"] == "EXIT"] == [
        "4", "5", "50", "6"]


def test_a_start_that_fails_changes_nothing(agent):
    """The error names the file; what was on stays on."""
    agent.run("""
        import os
        from flowtrace_agent import Config, init_decorator_logger, start_tracing, trace
        def f(n): return n
        os.mkdir("folder")
        def fails(function, config):
            try: function(config)
            except OSError as why: assert "folder" in str(why), why
            else: raise AssertionError(config)
        fails(start_tracing, Config(logfile="folder"))
        start_tracing(Config(package_prefix="__main__"))
        f(1)
        fails(start_tracing, Config(logfile="folder"))
        fails(start_tracing, Config(logfile="flowtrace.jsonl/folder/x"))
        f(2)
        """)
    assert [e["args"] for e in agent.events() if e["event"] == "ENTER"
            and e["function"] == "f"] == ['{"n": 1}', '{"n": 2}']


def test_file_is_where_it_was_named(agent):
    """Folders are made, the mode is the owner's, and chdir() does not move it."""
    agent.run("""
        import os
        from flowtrace_agent import Config, init_decorator_logger, start_tracing, stop_tracing
        def f(): pass
        os.umask(0)
        init_decorator_logger(Config(logfile="d/d.jsonl"))
        start_tracing(Config(package_prefix="__main__", logfile="a/b/c.jsonl"))
        os.chdir("/")
        f()
        stop_tracing()
        """)
    assert len(agent.events("a/b/c.jsonl")) == 2 and agent.events("d/d.jsonl") == []
    assert (agent.path / "a/b/c.jsonl").stat().st_mode & 0o777 == 0o600


def test_standard_output(agent):
    """Too, or only; nothing else is printed."""
    source = """
        from flowtrace_agent import Config, start_tracing
        start_tracing(Config(package_prefix="__main__"))
        def f(): pass
        f()
        """
    _, out, err = agent.run(source, env={"FLOWTRACE_STDOUT": "true"})
    assert out.encode() == (agent.path / "flowtrace.jsonl").read_bytes() and err == ""
    (agent.path / "flowtrace.jsonl").unlink()
    _, out, err = agent.run(source, env={"FLOWTRACE_STDOUT": "true", "FLOWTRACE_LOGFILE": "-"})
    assert out.count("\n") == 2 and err == ""
    assert not (agent.path / "-").exists()


def test_the_agent_is_not_in_its_trace(agent):
    """Whatever the prefix."""
    agent.run("""
        from flowtrace_agent import *
        start_tracing(Config(package_prefix="flowtrace_agent,__main__"))
        trace(len)
        Config()
        Logger(Config(logfile="log.jsonl")).log({})
        stop_tracing()
        """)
    assert agent.events() == []


def test_children_of_multiprocessing(agent):
    """They end without atexit; their calls are in the trace all the same."""
    _, out, _ = agent.run("""
        import multiprocessing
        from flowtrace_agent import Config, start_tracing
        def work(n): return n * 2
        if __name__ == "__main__":
            start_tracing(Config(package_prefix="__main__"))
            fork = multiprocessing.get_context("fork")
            children = [fork.Process(target=work, args=(n,)) for n in range(3)]
            for child in children: child.start()
            for child in children: child.join()
            try:
                fork.Lock()
            except OSError:  # a root without /dev/shm
                print(6)
            else:
                with fork.Pool(2) as pool:
                    assert pool.map(work, range(3, 9)) == [6, 8, 10, 12, 14, 16]
                    pool.close()
                    pool.join()
                print(18)
        """)
    done = [e for e in agent.events() if e["event"] == "EXIT" and e["function"] == "work"]
    assert sorted(int(e["result"]) for e in done) == list(range(0, int(out), 2))
    assert len({e["pid"] for e in done}) >= 3


def test_wrong_settings_are_refused_at_the_start_too(agent):
    """A Config may be changed after it was made."""
    agent.run("""
        from flowtrace_agent import Config, start_tracing, FlowTraceTracer
        config = Config()
        config.max_depth = 99
        try: start_tracing(config)
        except ValueError as why: assert "max_depth" in str(why)
        else: raise AssertionError
        long = Config(redact=["x" * 1000])
        try: start_tracing(long)
        except ValueError as why: assert "\\n" not in str(why), why
        else: raise AssertionError
        """)
