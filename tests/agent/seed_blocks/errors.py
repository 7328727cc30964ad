# SPDX-License-Identifier: MIT
"""Error handling: an exception that leaves a traced function."""
from flowtrace_agent import init_decorator_logger, trace

init_decorator_logger()


@trace
def risky_operation():
    raise ValueError("Something went wrong")


try:
    risky_operation()
except ValueError:
    pass
# trace: ENTER risky_operation {}
# trace: EXCEPTION risky_operation ValueError: Something went wrong
# trace: EXIT risky_operation {"exception": "ValueError: Something went wrong"}
