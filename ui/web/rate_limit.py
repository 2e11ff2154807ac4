"""How often one may ask: what a request costs, and a bucket for each access token or address, in memory or in a Redis.

Belongs here: counting, by throttled-py, and whether the Redis can be used. Not here: who asks, refusing (``gatekeeper.py``).
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Iterator

from pydantic import SecretStr
from throttled import RateLimiterType
from throttled.asyncio import MemoryStore, RateLimitResult, RedisStore, Throttled, per_min
from throttled.exceptions import StoreUnavailableError

from rag_pipeline.doctor import Finding
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings

STATIC_PATHS = ("/ui/", "/assets/", "/static/", "/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt")
"""Files of the page itself: they cost nothing to give."""
_PAGE_PATHS = (
    "/gradio_api/run/",
    "/gradio_api/queue/data",
    "/gradio_api/startup-events",
    "/documents/list/parts",
    "/pipeline/now",
)
REQUEST_COST = 20
"""An open page asks twice every three seconds whether something is new, which costs next to nothing as long as nothing is: a twentieth."""
_MOST_NAMES = 10_000
"""Addresses of strangers, in memory: the one that has been silent for longest is forgotten."""
REDIS_SECONDS = 0.5
"""A request waits this long for a Redis that does not answer, for a connection and for the answer each."""
_CONNECTIONS = 20
AWAY_SECONDS = 5.0
"""Then it is left alone for so long."""

log = logging.getLogger(__name__)


def cost_of(path: str) -> int:
    """What a request counts for: :data:`REQUEST_COST`, 1 for the small ones of an open page, nothing for its files."""
    if path.startswith(STATIC_PATHS):
        return 0
    return 1 if path.startswith(_PAGE_PATHS) else REQUEST_COST


class RateLimit:
    """So many requests a minute for each name, as many at once.

    A Redis that does not answer keeps nobody waiting and shuts nobody out: requests are counted here until it does.

    Args:
        per_minute: 0: no limit.
        url: the Redis in which several processes count together; None: each for itself.

    Raises:
        RagError: the address is none of a Redis, or the package that speaks to one is not installed.
    """

    def __init__(self, per_minute: int, url: SecretStr | None = None) -> None:
        self._per_minute = per_minute
        if per_minute:
            self._here = _buckets(per_minute, MemoryStore(options={"MAX_SIZE": _MOST_NAMES}))
            self._together = _buckets(per_minute, _redis_store(url.get_secret_value())) if url else None
        self._is_away, self._try_at = False, 0.0

    async def wait_seconds(self, name: str, cost: int = REQUEST_COST) -> int:
        """0 when one more request is fine (and it is counted), otherwise for how many whole seconds to wait for it."""
        if not self._per_minute or not cost:
            return 0
        counted = await self._counted(name, cost)
        return max(1, math.ceil(counted.state.retry_after)) if counted.limited else 0

    async def counts_together(self) -> bool:
        """Whether the Redis can be used; a request of nobody's is counted there."""
        await self.wait_seconds("rag doctor")
        return not self._is_away

    async def _counted(self, name: str, cost: int) -> RateLimitResult:
        if self._together is None or time.monotonic() < self._try_at:
            return await self._here.limit(name, cost)
        if self._is_away:  # this request finds out whether it still is; those that come meanwhile do not wait for it
            self._try_at = time.monotonic() + AWAY_SECONDS
        try:
            counted = await self._together.limit(name, cost)
        except StoreUnavailableError as error:
            self._try_at = time.monotonic() + AWAY_SECONDS
            self._say(True, f"The Redis of RAG_RATE_LIMIT_URL cannot be used ({error.__cause__}): each process counts requests for itself.")
            return await self._here.limit(name, cost)
        self._try_at = 0.0
        self._say(False, "The Redis of RAG_RATE_LIMIT_URL answers again: requests are counted together.")
        return counted

    def _say(self, is_away: bool, words: str) -> None:
        if is_away != self._is_away:
            log.warning(words)
        self._is_away = is_away


def _buckets(per_minute: int, store: MemoryStore | RedisStore) -> Throttled:
    """A bucket that fills all the time, kept as one number: the moment at which it will be full."""
    return Throttled(using=RateLimiterType.GCRA.value, quota=per_min(per_minute * REQUEST_COST), store=store, key_prefix="rag:requests")


def _redis_store(url: str) -> RedisStore:
    try:
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError:
        raise RagError("RAG_RATE_LIMIT_URL needs one more package: pip install -c constraints.txt -e '.[redis]'") from None
    try:
        if not url.startswith(("redis://", "rediss://")):
            raise ValueError(url)
        # Tried once more at once: a Redis that was started again has closed the connections that are kept here.
        patience = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS, "retry": Retry(NoBackoff(), 1)}
        kept = {"timeout": REDIS_SECONDS, "max_connections": _CONNECTIONS, **patience}
        pool = {"CONNECTION_POOL_CLASS": "redis.asyncio.BlockingConnectionPool", "CONNECTION_POOL_KWARGS": kept}
        store = RedisStore(url, pool)
        store._backend.get_client()
    except ValueError:  # its words may hold the password
        raise RagError("RAG_RATE_LIMIT_URL must name a Redis: redis://user:password@host:6379/1 (rediss:// with TLS).") from None
    return store


def examine_limit(settings: Settings) -> Iterator[Finding]:
    """Whether requests are counted together, where they are to be. For threads without an event loop."""
    if settings.rate_limit_url:
        together = asyncio.run(RateLimit(settings.requests_per_minute, settings.rate_limit_url).counts_together())
        if together:
            yield Finding("limit of requests", "ok", "counted together in Redis")
        else:
            remedy = "Start it, or change RAG_RATE_LIMIT_URL."
            yield Finding("limit of requests", "problem", "Redis cannot be used: each process of the app counts for itself", remedy)
