# SPDX-License-Identifier: MIT
"""Django 3.2 and later: one line at the top of MIDDLEWARE; settings from the environment."""
from typing import Any, Optional

from flowtrace_agent import _core
from flowtrace_agent.frameworks._begin import (
    begin,
    is_coroutine_function,
    mark_as_coroutine_function,
)

GONE = 499  # the client did not wait for an answer


class FlowTraceMiddleware:
    """The requests and responses of a project are in the trace, and its calls.

    A view finds request.flowtrace_request_id, the client X-Request-ID. A response is over when the
    server closes it, a streamed one when its body ends.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        begin(None)
        self.get_response = get_response
        self._async = is_coroutine_function(get_response)
        if self._async:
            mark_as_coroutine_function(self)

    def __call__(self, request: Any) -> Any:
        seen = _begin(request)
        if seen is None:
            return self.get_response(request)
        if self._async:
            return self._answer(seen, request)
        try:
            response = seen.call(self.get_response, request)
        except BaseException:
            seen.end()
            raise
        return _answered(seen, response)

    async def _answer(self, seen: _core.Request, request: Any) -> Any:
        try:
            response = await seen.drive(self.get_response(request))
        except Exception:
            seen.end()
            raise
        except BaseException:
            seen.status = GONE
            seen.end()
            raise
        return _answered(seen, response)


def _begin(request: Any) -> Optional[_core.Request]:
    """None: a wrapper around Django handles it already."""
    found = request.META.get("flowtrace.request")
    if found is None:
        found = getattr(request, "scope", {}).get("flowtrace.request")
    outer, meta = found, request.META
    if outer is None:
        found = _core.Request(
            meta.get("HTTP_X_REQUEST_ID"),
            request.method,
            request.path,
            meta.get("REMOTE_ADDR"),
            meta.get("HTTP_USER_AGENT"),
        )
    request.flowtrace_request_id = found.id
    return found if outer is None else None


def _answered(seen: _core.Request, response: Any) -> Any:
    seen.status = response.status_code
    if not response.has_header("X-Request-ID"):
        response["X-Request-ID"] = seen.id
    response._resource_closers.append(seen.end)
    # A file is left to a server that sends files itself.
    if response.streaming and getattr(response, "file_to_stream", None) is None:
        content = response.streaming_content
        if getattr(response, "is_async", False):
            response.streaming_content = _parts(seen, content)
        else:
            response.streaming_content = seen.iterate(content)
    return response


async def _parts(seen: _core.Request, content: Any) -> Any:
    """The parts of an asynchronous body."""
    parts = content.__aiter__()
    try:
        while True:
            try:
                part = await seen.drive(parts.__anext__())
            except StopAsyncIteration:
                return
            yield part
    finally:
        seen.end()
