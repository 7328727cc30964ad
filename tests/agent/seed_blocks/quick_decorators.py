# SPDX-License-Identifier: MIT
"""Quick start, by decorators: functions and coroutines."""
import asyncio

from flowtrace_agent import Config, init_decorator_logger, trace

init_decorator_logger(Config(logfile='flowtrace.jsonl'))


class client:
    """Stands for one of HTTP."""

    @staticmethod
    async def get(url):
        """What the URL holds."""
        return {'url': url}


@trace
def calculate(x, y):
    return x + y


@trace
async def fetch_data(url):
    return await client.get(url)


assert calculate(5, 3) == 8
assert asyncio.run(fetch_data('http://a')) == {'url': 'http://a'}
# trace: ENTER calculate {"x": 5, "y": 3}
# trace: EXIT calculate 8
# trace: ENTER fetch_data {"url": "http://a"}
# trace: EXIT fetch_data {"url": "http://a"}
