"""Counts and times of what the app does, for Prometheus.

Belongs here: what is counted. Not here: who may see it (``api/operations.py``). Nothing is sent anywhere: Prometheus comes and asks.
"""

from __future__ import annotations

import time

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
REQUESTS = Counter("rag_http_requests", "Requests by route and status", ("route", "status"), registry=REGISTRY)
SECONDS = Histogram(
    "rag_http_seconds", "Seconds until a response began", ("route",), registry=REGISTRY, buckets=(0.01, 0.05, 0.1, 0.3, 1, 3, 10, 30)
)
_OURS = ("/api/", "/v1/", "/mcp", "/passages/", "/documents/")


class Meter:
    """ASGI middleware: counts requests by the template of their route, so that ids make no series of their own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count the response when it begins."""
        if scope["type"] != "http" or not str(scope["path"]).startswith(_OURS):
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = str(getattr(scope.get("route"), "path", "other"))
                REQUESTS.labels(route, str(message["status"])).inc()
                SECONDS.labels(route).observe(time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, counting)


def exposition() -> tuple[bytes, str]:
    """The text that Prometheus reads, and its media type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
