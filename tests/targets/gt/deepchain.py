# SPDX-License-Identifier: MIT
"""More untraced frames between two traced calls than the collector walks (128)."""
from gt.chains import catches, over, over_fails, over_swallowed


def main():
    for levels in (127, 128, 129, 300):
        over(levels)
        over_fails(levels)
        over_swallowed(levels)
        catches(levels)
