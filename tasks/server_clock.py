"""How far the clocks of services are from this machine's, by the `Date` of their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

#: Told of an answer's host, and of how far its clock is ahead.
Hears = Callable[[str, timedelta], None]

_hears: ContextVar[Hears | None] = ContextVar("hears_server_clocks", default=None)


@contextmanager
def hearing(told: Hears) -> Iterator[None]:
    """Be told of the clocks of all who answer meanwhile, in this task and those that it starts."""
    before = _hears.set(told)
    try:
        yield
    finally:
        _hears.reset(before)


async def heed(answer: httpx.Response) -> None:
    """A hook of an httpx client, called with each answer."""
    told = _hears.get()
    if told is None:
        return
    ahead = ahead_by(answer.headers, datetime.now(UTC))
    if ahead is not None:
        told(answer.request.url.host, ahead)


def ahead_by(headers: httpx.Headers, now: datetime) -> timedelta | None:
    """How far the clock of who answered is ahead; `None` where that is not said, or was by a copy that a proxy kept.

    A `Date` has whole seconds, so half a second is added: that is what it means on average.
    """
    if headers.get("age", "0").strip() != "0":
        return None
    try:
        said = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None
    if said.tzinfo is None:
        said = said.replace(tzinfo=UTC)
    return said + timedelta(milliseconds=500) - now
