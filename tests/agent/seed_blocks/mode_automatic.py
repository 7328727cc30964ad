# SPDX-License-Identifier: MIT
"""Usage mode 1: several prefixes, and nobody calls stop_tracing()."""
import shop
from flowtrace_agent import Config, start_tracing

config = Config(package_prefix='shop,src')
start_tracing(config)
shop.process_data('ab')
# trace: ENTER process_data {"data": "ab"}
# trace: EXIT process_data "abab"
