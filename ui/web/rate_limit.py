"""How often one may ask: a token bucket for each access token or address, and what a request costs.

Belongs here: counting. Not here: who asks, refusing (``gatekeeper.py``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

STATIC_PATHS = ("/ui/", "/assets/", "/static/", "/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt")
"""Files of the page itself: they cost nothing to give."""
_PAGE_PATHS = ("/gradio_api/run/", "/gradio_api/heartbeat/", "/gradio_api/queue/data", "/gradio_api/startup-events")
_PAGE_COST = 1 / 20
"""An open page asks twice every three seconds whether something is new, which costs next to nothing as long as nothing is."""


def cost_of(path: str) -> float:
    """What a request counts for: 1, less for the small ones of an open page, nothing for its files."""
    if path.startswith(STATIC_PATHS):
        return 0.0
    return _PAGE_COST if path.startswith(_PAGE_PATHS) else 1.0


@dataclass
class _Bucket:
    left: float
    at: float


class RateLimit:
    """A token bucket for each name: so many requests a minute, as many at once. 0: no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def wait_seconds(self, name: str, cost: float = 1.0) -> int:
        """0 when one more request is fine (and it is counted), otherwise for how many whole seconds to wait for it."""
        if not self._per_minute or not cost:
            return 0
        now = self._clock()
        bucket = self._buckets.setdefault(name, _Bucket(self._per_minute, now))
        bucket.left = min(self._per_minute, bucket.left + (now - bucket.at) * self._per_minute / 60)
        bucket.at = now
        if bucket.left < cost:
            return math.ceil((cost - bucket.left) * 60 / self._per_minute)
        bucket.left -= cost
        self._forget_idle(now)
        return 0

    def _forget_idle(self, now: float) -> None:
        if len(self._buckets) > 10_000:  # addresses of strangers; a bucket that is full again says nothing
            self._buckets = {name: bucket for name, bucket in self._buckets.items() if now - bucket.at < 60}
