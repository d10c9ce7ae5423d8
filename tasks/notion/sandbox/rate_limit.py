"""How many requests a token may send: so many per second on average, a few at once, and 429 beyond."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.notion.sandbox.clock import Clock
from tasks.notion.sandbox.errors import ApiError


class RateLimit(BaseModel):
    """The limit of every token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Requests per second on average.
    per_second: float = Field(3.0, gt=0)
    #: Requests at once after a pause.
    burst: int = Field(10, ge=1)
    #: By which time: the real one, or the workspace's, which tests can set.
    clock: Literal["real", "workspace"] = "real"


@dataclass
class _Bucket:
    saved: float
    at: float


class RateLimiter:
    """Counts the requests of each token against a limit; without a limit it lets everything through."""

    def __init__(self, clock: Clock, limit: RateLimit | None = None) -> None:
        self._clock = clock
        self._lock = Lock()
        self._limit = limit
        self._buckets: dict[str, _Bucket] = {}

    @property
    def limit(self) -> RateLimit | None:
        """The limit of every token; None for none."""
        return self._limit

    @limit.setter
    def limit(self, limit: RateLimit | None) -> None:
        with self._lock:
            self._limit = limit
            self._buckets.clear()

    def take(self, token: str) -> None:
        """Count a request; `ApiError` 429, with the seconds to wait, for one too many."""
        with self._lock:
            limit = self._limit
            if limit is None:
                return
            now = time.monotonic() if limit.clock == "real" else self._clock.now() / 1000
            bucket = self._buckets.setdefault(token, _Bucket(float(limit.burst), now))
            passed = max(0.0, now - bucket.at)
            bucket.saved = min(bucket.saved + passed * limit.per_second, limit.burst)
            bucket.at = now
            if bucket.saved < 1:
                wait = math.ceil((1 - bucket.saved) / limit.per_second)
                message = "You have been rate limited. Please try again in a few minutes."
                reason = {"rate_limit_reason": "connection_limit"}
                raise ApiError(429, "rate_limited", message, reason, retry_after=wait)
            bucket.saved -= 1
