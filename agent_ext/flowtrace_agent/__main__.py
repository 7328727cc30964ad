# SPDX-License-Identifier: MIT
"""python -m flowtrace_agent, and the command flowtrace-python."""
from flowtrace_agent._command import main

if __name__ == "__main__":
    main()
