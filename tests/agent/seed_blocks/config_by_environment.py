# SPDX-License-Identifier: MIT
"""Configuration by variables: those of the document, as a shell would set them."""
import os

from flowtrace_agent import Config

os.environ.update(
    FLOWTRACE_PACKAGE_PREFIX='shop,src', FLOWTRACE_LOGFILE='flowtrace.jsonl',
    FLOWTRACE_STDOUT='false', FLOWTRACE_MAX_ARG_LENGTH='1000', FLOWTRACE_EXCLUDE='test,debug',
    FLOWTRACE_ASYNC='false',
)
config = Config.from_env()
assert config.package_prefix == 'shop,src'
assert config.exclude_patterns == ['test', 'debug']
assert (config.stdout, config.async_logging, config.max_arg_length) == (False, False, 1000)
