# SPDX-License-Identifier: MIT
"""Logger and AsyncLogger: whole lines, appended."""
import asyncio
import contextlib
import io
import json
import os
import stat
import threading
import time

from flowtrace_agent import Config, Logger
from flowtrace_agent.logger import AsyncLogger
from support import events, raises


def check_lines():
    """UTF-8 as it is, in the order of the keys, appended."""
    for text in ("tea", "\u00fc\u4e16\U0001f600"):
        logger = Logger(Config(logfile="log.jsonl"))
        logger.log({"event": "X", "b": text, "a": [1, None, True]})
        logger.close()
    with open("log.jsonl", "rb") as file:
        lines = file.read().decode("utf-8").split("\n")
    assert lines == ['{"event": "X", "b": "tea", "a": [1, null, true]}',
                     '{"event": "X", "b": "\u00fc\u4e16\U0001f600", "a": [1, null, true]}', ""]


def check_every_line_is_there_at_once():
    """Nothing waits for close."""
    logger = Logger(Config(logfile="log.jsonl"))
    logger.log({"n": 1})
    assert events("log.jsonl") == [{"n": 1}]
    logger.close()
    logger.close()
    logger.log({"n": 2})
    assert events("log.jsonl") == [{"n": 1}]


def check_folders_and_mode():
    """Folders are made; the file is its owner's."""
    with Logger(Config(logfile="a/b/log.jsonl")) as logger:
        logger.log({})
    assert stat.S_IMODE(os.stat("a/b/log.jsonl").st_mode) == 0o600


def check_cannot_be_opened():
    """An OSError that names the file."""
    os.mkdir("folder")
    raises(OSError, Logger, Config(logfile="folder"), says="folder")


def check_what_json_cannot_hold():
    """An ERROR line in its place."""
    circle = []
    circle.append(circle)
    deep = []
    for _ in range(100000):
        deep = [deep]
    with Logger(Config(logfile="log.jsonl")) as logger:
        before = time.time_ns() // 1000
        for value in (object(), circle, {1, 2}, float("nan"), {(1,): 2}, deep, b"x"):
            logger.log({"event": "X", "value": value})
        after = time.time_ns() // 1000
    found = events("log.jsonl")
    assert len(found) == 7
    for event in found:
        assert list(event) == ["event", "message", "timestamp"], event
        assert event["event"] == "ERROR" and event["message"]
        assert before <= event["timestamp"] <= after


def check_lone_surrogates():
    """Escaped, so that the line is UTF-8."""
    with Logger(Config(logfile="log.jsonl")) as logger:
        logger.log({"text": "a\udc80b"})
    with open("log.jsonl", "rb") as file:
        assert file.read() == b'{"text": "a\\udc80b"}\n'
    assert events("log.jsonl") == [{"text": "a\udc80b"}]


def check_standard_output():
    """Too, or only."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        with Logger(Config(logfile="log.jsonl", stdout=True)) as logger:
            logger.log({"n": 1})
        with Logger(Config(logfile="-")) as logger:
            logger.log({"n": 2})
    assert out.getvalue() == '{"n": 1}\n{"n": 2}\n'
    assert events("log.jsonl") == [{"n": 1}] and not os.path.exists("-")
    out = io.TextIOWrapper(io.BytesIO(), "ascii")
    with contextlib.redirect_stdout(out), Logger(Config(logfile="-")) as logger:
        logger.log({"text": "\u00fc"})
    assert json.loads(out.buffer.getvalue().decode()) == {"text": "\u00fc"}


def check_threads():
    """Lines stay whole."""
    with Logger(Config(logfile="log.jsonl")) as logger:
        def work(name):
            for n in range(200):
                logger.log({"thread": name, "n": n, "text": "x" * 500})
        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = events("log.jsonl")
    for name in range(4):
        assert [e["n"] for e in found if e["thread"] == name] == list(range(200))


def check_default_config():
    """The environment's."""
    os.environ["FLOWTRACE_LOGFILE"] = "from_env.jsonl"
    try:
        Logger().close()
    finally:
        del os.environ["FLOWTRACE_LOGFILE"]
    assert os.path.exists("from_env.jsonl")


def check_async_logger():
    """In order, as the events were when log() was called."""
    async def main():
        async with AsyncLogger(Config(logfile="log.jsonl")) as logger:
            event = {"n": 0}
            tasks = []
            for n in range(50):
                event["n"] = n
                tasks.append(asyncio.ensure_future(logger.log(dict(event))))
            await asyncio.gather(*tasks)
            await logger.log({"n": object()})
    asyncio.run(main())
    found = events("log.jsonl")
    assert [event.get("n") for event in found] == [*range(50), None]
    assert found[-1]["event"] == "ERROR"


def check_async_logger_does_not_block_the_loop():
    """A file that nobody reads holds up its thread, not the loop."""
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)

    async def main():
        logger = AsyncLogger(Config(logfile="pipe"))
        waiting = asyncio.ensure_future(logger.log({"text": "x" * 300000}))
        for _ in range(20):
            await asyncio.sleep(0.005)
        assert not waiting.done()
        size = 0
        while not waiting.done() or size < 300012:
            with contextlib.suppress(BlockingIOError):
                size += len(os.read(reader, 65536))
            await asyncio.sleep(0)
        await logger.close()
    asyncio.run(asyncio.wait_for(main(), 30))
    os.close(reader)
