"""Faults that a test puts in the way of the next requests."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.faults import FaultQueue
from sandbox.google_tasks.errors import ApiError

#: What is said with a status where the fault names no reason.
_ANSWERS = {
    401: ("authError", "Request had invalid authentication credentials."),
    403: ("rateLimitExceeded", "Rate Limit Exceeded"),
    409: ("conflict", "The operation was aborted."),
    412: ("conditionNotMet", "Precondition Failed"),
    429: ("rateLimitExceeded", "Resource has been exhausted (e.g. check quota)."),
    500: ("backendError", "Internal error encountered."),
    502: ("badGateway", "Bad Gateway"),
    503: ("backendError", "The service is currently unavailable."),
    504: ("backendError", "Deadline expired before operation could complete."),
}
_QUOTAS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"})


@dataclass(frozen=True)
class Fault:
    """What befalls requests that match."""

    #: HTTP method, or empty for every one.
    method: str = ""
    #: The path, with `*` for any part of it; by default that of every request to the API.
    path: str = "/tasks/*"
    #: So many matching requests are let through first, and so many are hit.
    skip: int = 0
    times: int = 1
    #: Which share of the matching requests is hit, at random.
    share: float = 1.0
    seed: int = 0
    #: Status of the answer; 0 for the answer that the request would have had.
    status: int = 0
    #: The reason that the answer gives, such as `userRateLimitExceeded`.
    reason: str = ""
    #: Seconds in the Retry-After header.
    retry_after: int | None = None
    #: Whether the request is applied all the same: the answer alone is lost or wrong.
    applied: bool = False
    #: Whether the connection is closed without an answer.
    drop: bool = False
    #: Whether the answer is cut off in the middle.
    cut: bool = False
    #: Whether a listing forgets to say that there are further pages.
    last_page: bool = False
    #: Whether the answer is a page of HTML, as proxies send it.
    html: bool = False
    #: What somebody does once the request is carried out, such as between two pages of a listing.
    then: Callable[[], object] | None = None

    def error(self) -> ApiError:
        """The refusal to answer with."""
        reason, message = _ANSWERS.get(self.status, ("backendError", "Backend Error"))
        reason = self.reason or reason
        return ApiError(self.status, reason, message, domain="usageLimits" if reason in _QUOTAS else "global")

    def matches(self, method: str, path: str) -> bool:
        """Whether it is about such a request."""
        return self.method in ("", method) and fnmatch.fnmatchcase(path, self.path)


class Faults(FaultQueue[Fault]):
    """The faults that wait; the first one that matches a request hits it."""

    @property
    def waiting(self) -> int:
        """How many faults have not hit as often as they are to."""
        with self._lock:
            return len(self._waiting)
