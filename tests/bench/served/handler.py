# SPDX-License-Identifier: MIT
"""What is traced: one call a request."""


def greet(name):
    return "Hello, " + name
