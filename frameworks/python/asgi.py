# SPDX-License-Identifier: MIT
"""Any ASGI application: app = FlowTraceMiddleware(app)"""
from typing import Any, Optional

from flowtrace_agent import _core
from flowtrace_agent.config import Config
from flowtrace_agent.frameworks._begin import begin, reduced


class FlowTraceMiddleware(_core.ASGI):
    """Its HTTP requests and responses are in the trace; calls that are made for one have its id.

    The application finds the id as scope["state"]["flowtrace_request_id"], the client as
    X-Request-ID.
    """

    def __init__(self, app: Any, config: Optional[Config] = None) -> None:
        super().__init__(app)
        self._flowtrace_config = config
        begin(config)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return reduced(self, self._flowtrace_config)
