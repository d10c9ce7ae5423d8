"""How many requests a token, or all of them together, may send; 429 and the seconds to wait for one too many."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from threading import Lock
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.notion.requests.errors import ApiError
from sandbox.notion.state.clock import Clock


class Window(BaseModel):
    """So many requests in each stretch of so many seconds, at any pace; stretches follow one another."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests: int = Field(ge=1)
    seconds: float = Field(60.0, ge=0.001, le=1e6)


class RateLimit(BaseModel):
    """What is granted; each limit that is given holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Requests of a token per second on average; None for no such limit.
    per_second: float | None = Field(3.0, ge=0.001)
    #: Requests of a token at once after a pause, as far as `per_second` is concerned.
    burst: int = Field(10, ge=1)
    #: Requests of a token in each window.
    token_window: Window | None = None
    #: Requests of all tokens together in each window.
    workspace_window: Window | None = None
    #: By which time: the real one, or the workspace's, which tests can set.
    clock: Literal["real", "workspace"] = "real"

    @model_validator(mode="after")
    def _limits_something(self) -> RateLimit:
        if self.per_second is None and self.token_window is None and self.workspace_window is None:
            raise ValueError("nothing is limited; give per_second, token_window or workspace_window")
        return self


class _Gauge(Protocol):
    def wait(self, now: float) -> float:
        """Seconds until a request is granted; 0 for at once."""

    def spend(self) -> None:
        """Count a request, right after `wait` was 0."""


@dataclass
class _Bucket:
    """Fills at `rate` per second up to `burst`; each request takes one out."""

    rate: float
    burst: int
    saved: float
    at: float

    def wait(self, now: float) -> float:
        self.saved = min(self.saved + max(0.0, now - self.at) * self.rate, self.burst)
        self.at = now
        return max(0.0, (1 - self.saved) / self.rate)

    def spend(self) -> None:
        self.saved -= 1


@dataclass
class _Stretch:
    window: Window
    began: float
    spent: int = 0

    def wait(self, now: float) -> float:
        if not self.began <= now < self.began + self.window.seconds:
            self.began, self.spent = now - now % self.window.seconds, 0
        return 0.0 if self.spent < self.window.requests else self.began + self.window.seconds - now

    def spend(self) -> None:
        self.spent += 1


class RateLimiter:
    """Counts the requests of each token against a limit; without a limit it lets everything through."""

    def __init__(self, clock: Clock, limit: RateLimit | None = None) -> None:
        self._clock = clock
        self._lock = Lock()
        self._limit = limit
        self._gauges: dict[tuple[str, str], _Gauge] = {}

    @property
    def limit(self) -> RateLimit | None:
        """What is granted; None for everything."""
        return self._limit

    @limit.setter
    def limit(self, limit: RateLimit | None) -> None:
        with self._lock:
            self._limit = limit
            self._gauges.clear()

    def take(self, token: str) -> None:
        """Count a request; `ApiError` 429, with the seconds to wait, for one too many, which does not count."""
        with self._lock:
            limit = self._limit
            if limit is None:
                return
            now = time.monotonic() if limit.clock == "real" else self._clock.now() / 1000
            gauges = self._of(token, limit, now)
            wait, reason = max((gauge.wait(now), reason) for reason, gauge in gauges)
            if wait > 0:
                message = "You have been rate limited. Please try again in a few minutes."
                seconds = math.ceil(wait)
                about = {"rate_limit_reason": reason, "retry_after": str(seconds)}
                raise ApiError(429, "rate_limited", message, about, retry_after=seconds)
            for _, gauge in gauges:
                gauge.spend()

    def _of(self, token: str, limit: RateLimit, now: float) -> list[tuple[str, _Gauge]]:
        """What has to grant a request, with the reason that a refusal gives."""
        found: list[tuple[str, _Gauge]] = []
        if limit.per_second is not None:
            bucket = _Bucket(limit.per_second, limit.burst, limit.burst, now)
            found.append(
                ("public_api_request_rate_limit", self._gauges.setdefault((token, "bucket"), bucket))
            )
        if limit.token_window is not None:
            stretch = _Stretch(limit.token_window, -math.inf)
            found.append(
                ("public_api_request_rate_limit", self._gauges.setdefault((token, "window"), stretch))
            )
        if limit.workspace_window is not None:
            stretch = _Stretch(limit.workspace_window, -math.inf)
            found.append(
                ("public_api_space_request_rate_limit", self._gauges.setdefault(("", "workspace"), stretch))
            )
        return found
