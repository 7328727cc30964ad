# SPDX-License-Identifier: MIT
"""What the handlers do."""


class Failed(Exception):
    """Nobody handles it."""


def helper(n):
    return n


def answer(n, request_id):
    return "%d %s" % (helper(n), request_id)


def fail(n):
    raise Failed(helper(n))


def parts(n):
    for i in range(3):
        yield b"%d.%d\n" % (helper(n), i)


async def aparts(n):
    for i in range(3):
        yield b"%d.%d\n" % (helper(n), i)
