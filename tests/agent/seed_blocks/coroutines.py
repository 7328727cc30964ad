# SPDX-License-Identifier: MIT
"""Async: gather() of decorated coroutines, with a session that stands for one of HTTP."""
import asyncio

from flowtrace_agent import init_decorator_logger, trace

init_decorator_logger()


class Session:
    """An asynchronous context, as HTTP clients have it."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exception):
        await asyncio.sleep(0)

    async def get(self, url):
        """What the URL holds."""
        await asyncio.sleep(0.02 if url.endswith('1') else 0.2)
        return url[-1]


@trace
async def fetch_data(url):
    async with Session() as session:
        return await session.get(url)


@trace
async def main():
    results = await asyncio.gather(fetch_data('api1'), fetch_data('api2'))
    return results


assert asyncio.run(main()) == ['1', '2']
# trace: ENTER main {}
# trace: ENTER fetch_data {"url": "api1"}
# trace: ENTER fetch_data {"url": "api2"}
# trace: EXIT fetch_data "1"
# trace: EXIT fetch_data "2"
# trace: EXIT main ["1", "2"]
