# SPDX-License-Identifier: MIT
"""The reference: every name of the document, called as it says."""
import inspect

import flowtrace_agent
import shop
from flowtrace_agent import Config, init_decorator_logger, start_tracing, stop_tracing, trace
from flowtrace_agent.filters import should_trace_module
from flowtrace_agent.logger import AsyncLogger, Logger

assert {'Config', 'FlowTraceTracer', 'start_tracing', 'stop_tracing', 'trace',
        'init_decorator_logger', 'Logger'} <= set(flowtrace_agent.__all__)
assert all(hasattr(flowtrace_agent, name) for name in flowtrace_agent.__all__)
assert flowtrace_agent.Logger is Logger and AsyncLogger.__name__ == 'AsyncLogger'
assert flowtrace_agent.__version__.count('.') == 2
for function in (start_tracing, init_decorator_logger):
    assert inspect.signature(function).parameters['config'].default is None
assert str(inspect.signature(stop_tracing)) in ('()', '() -> None')
assert list(inspect.signature(should_trace_module).parameters) == [
    'module', 'package_prefix', 'exclude_patterns']

stop_tracing()  # nothing to stop
start_tracing(Config(package_prefix='shop'))
shop.process_data(1)
stop_tracing()
init_decorator_logger(Config(logfile='app.jsonl'))


@trace
def my_function(arg1, arg2):
    return arg1 + arg2


assert my_function(1, arg2=2) == 3
# trace: ENTER process_data {"data": 1}
# trace: EXIT process_data 2
