# SPDX-License-Identifier: MIT
"""Usage mode 2: @trace alone; the first call comes before anything is initialised."""
from flowtrace_agent import init_decorator_logger, trace


@trace
def critical_function(data):
    return process(data)


def process(data):
    """Not decorated: not traced."""
    return len(data)


assert critical_function('early') == 5
init_decorator_logger()
assert critical_function('tea') == 3
# trace: ENTER critical_function {"data": "tea"}
# trace: EXIT critical_function 3
