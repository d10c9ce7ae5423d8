"""What goes wrong with the next requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.faults import FaultQueue


@dataclass(frozen=True)
class Fault:
    """What befalls requests that match.

    A status without a body is told in the usual words; without a status, the answer is the request's own.
    """

    #: HTTP method; empty for every one.
    method: str = ""
    #: A pattern that is found in the path.
    path: str = ""
    #: So many matching requests are let through first, and so many are hit.
    skip: int = 0
    times: int = 1
    #: Which share of them is hit, at random.
    share: float = 1.0
    seed: int = 0
    status: int = 0
    message: str = "Server Error"
    headers: Mapping[str, str] = field(default_factory=dict)
    #: What the answer holds instead.
    body: Any = None
    #: Whether the request is carried out all the same.
    applied: bool = False
    #: Whether the connection is closed without an answer.
    drop: bool = False
    #: Whether the answer breaks off in the middle.
    cut: bool = False
    #: What somebody does as soon as the request is carried out, such as between two pages.
    then: Callable[[], object] | None = None

    @property
    def refuses(self) -> bool:
        """Whether the request gets another answer than its own."""
        return self.drop or self.status != 0 or self.body is not None

    def matches(self, method: str, path: str) -> bool:
        """Whether it is about such a request."""
        return self.method in ("", method) and re.search(self.path, path) is not None


def primary_limit(reset: int, **where: Any) -> Fault:
    """The hour's requests are used up, until a time in seconds."""
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
    return Fault(status=403, message="API rate limit exceeded for user ID 1.", headers=headers, **where)


def secondary_limit(retry_after: int | None = None, **where: Any) -> Fault:
    """Too much at once."""
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    return Fault(status=403, message=message, headers=headers, **where)


class Faults(FaultQueue[Fault]):
    """The faults that wait; the first one that matches a request hits it."""

    @property
    def waiting(self) -> int:
        """How many faults have not hit as often as they are to."""
        with self._lock:
            return len(self._waiting)
