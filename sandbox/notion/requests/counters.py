"""How many requests the API has had: by endpoint, token and status."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from threading import Condition
from typing import Any

from sandbox.notion.state.ids import bot_id

#: The status of a request whose connection was closed without an answer.
DROPPED = 0


@dataclass(frozen=True)
class Counted:
    """What is counted alike."""

    #: Method and route, such as `PATCH /v1/pages/{id}`; `unknown` for what is no endpoint.
    endpoint: str
    #: The user id of the bot that the token belongs to; empty without a token.
    bot: str
    #: The status of the answer; 0 for a connection that was closed without one.
    status: int


class Counters:
    """Counts requests to the API; those of people by the back door are left out."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._counts: Counter[Counted] = Counter()

    def add(self, endpoint: str, token: str, status: int) -> None:
        """Count one request."""
        with self._changed:
            self._counts[Counted(endpoint, bot_id(token) if token else "", status)] += 1
            self._changed.notify_all()

    def reset(self) -> None:
        """Begin with nothing."""
        with self._changed:
            self._counts.clear()

    def counts(self) -> Counter[Counted]:
        """What was counted since the start or the last `reset`."""
        with self._changed:
            return Counter(self._counts)

    def total(
        self, endpoint: str | None = None, *, token: str | None = None, status: int | None = None
    ) -> int:
        """Requests to an endpoint (`POST /v1/pages`), of a token, with a status; all where nothing is given."""
        bot = None if token is None else bot_id(token)
        return sum(
            number
            for what, number in self.counts().items()
            if endpoint in (None, what.endpoint) and bot in (None, what.bot) and status in (None, what.status)
        )

    def by_endpoint(self) -> Counter[str]:
        """Requests to each endpoint."""
        return self._by("endpoint")

    def by_status(self) -> Counter[int]:
        """Requests by the status of their answer."""
        return self._by("status")

    def wait(self, number: int, timeout: float) -> bool:
        """Until so many requests were counted; False when `timeout` seconds pass first."""
        give_up_at = time.monotonic() + timeout
        with self._changed:
            while sum(self._counts.values()) < number:
                if not self._changed.wait(give_up_at - time.monotonic()):
                    return False
        return True

    def _by(self, part: str) -> Counter[Any]:
        found: Counter[Any] = Counter()
        for what, number in self.counts().items():
            found[getattr(what, part)] += number
        return found
