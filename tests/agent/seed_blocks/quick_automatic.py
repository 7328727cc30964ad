# SPDX-License-Identifier: MIT
"""Quick start, automatic: configure, start, run, stop."""
import shop
from flowtrace_agent import Config, start_tracing, stop_tracing

config = Config(package_prefix='shop', logfile='flowtrace.jsonl', stdout=False)
start_tracing(config)
assert shop.process_data([1, 2, 3]) == [1, 2, 3, 1, 2, 3]
stop_tracing()
shop.process_data([])
# trace: ENTER process_data {"data": [1, 2, 3]}
# trace: EXIT process_data [1, 2, 3, 1, 2, 3]
