# SPDX-License-Identifier: MIT
"""Thread safety: ten threads, each a call under its own name."""
import json
import threading

from flowtrace_agent import Config, init_decorator_logger, stop_tracing, trace

init_decorator_logger(Config(logfile='threads.jsonl'))


@trace
def worker(n):
    return n * 2


threads = [threading.Thread(target=worker, args=(i,), name='worker-%d' % i) for i in range(10)]
for t in threads:
    t.start()
for t in threads:
    t.join()
init_decorator_logger(Config(logfile='flowtrace.jsonl'))
stop_tracing()
with open('threads.jsonl') as f:
    events = [json.loads(line) for line in f]
assert sorted(e['thread'] for e in events if e['event'] == 'EXIT') == [t.name for t in threads]
assert all(e['result'] == str(int(e['thread'][7:]) * 2) for e in events if e['event'] == 'EXIT')
