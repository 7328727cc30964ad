# SPDX-License-Identifier: MIT
"""Usage mode 3: automatic for some modules, @trace for what is outside of them."""
import shop
from flowtrace_agent import Config, start_tracing, trace

start_tracing(Config(package_prefix='shop'))


@trace
def important_function():
    pass


def other_function():
    pass


shop.process_data(1)
important_function()
other_function()
# trace: ENTER process_data {"data": 1}
# trace: EXIT process_data 2
# trace: ENTER important_function {}
# trace: EXIT important_function null
