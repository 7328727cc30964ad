# SPDX-License-Identifier: MIT
"""The program that the snippets trace."""


def process_data(data):
    """Doubles it."""
    return data * 2
