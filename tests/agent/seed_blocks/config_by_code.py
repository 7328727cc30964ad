# SPDX-License-Identifier: MIT
"""Configuration in the program: every field of the document."""
from flowtrace_agent import Config

config = Config(
    package_prefix='shop,src',
    logfile='flowtrace.jsonl',
    stdout=False,
    max_arg_length=1000,
    exclude_patterns=['test', 'debug'],
    async_logging=False,
)
assert config.exclude_patterns == ['test', 'debug'] and config.max_arg_length == 1000
assert Config(max_arg_length=500).max_arg_length == 500
assert Config(async_logging=True).async_logging is True
