# SPDX-License-Identifier: MIT
"""Configuration by a dictionary, and back."""
from flowtrace_agent import Config

config_dict = {'package_prefix': 'shop', 'logfile': 'flowtrace.jsonl', 'stdout': True}
config = Config.from_dict(config_dict)
assert {**config.to_dict(), **config_dict} == config.to_dict()
assert config.stdout is True
