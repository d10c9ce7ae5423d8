"""Notion's budget over time: a sample a minute, kept in Redis for a day."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
from starlette.responses import Response

from worker import rate_limit
from worker.redis_client import impatient
from worker.web.dashboard.visit import Visit
from worker.web.resources import Resources

log = logging.getLogger(__name__)

#: Seconds between two samples, and how many are kept.
EVERY, KEPT = 60, 24 * 60
#: Seconds that Redis has for an answer.
PATIENCE = 3.0
_SAMPLES, _TURN = "lockstep:budget:samples", "lockstep:budget:turn"
#: Columns of the picture; each is the highest of its samples.
COLUMNS = 96


@dataclass(frozen=True, slots=True)
class Sample:
    """The use of one token's budget at a time: of the minute before."""

    at: datetime
    #: A digest, from which the token cannot be told.
    name: str
    requests: float
    #: Seconds that requests waited.
    waited: float
    share: float


@dataclass(frozen=True, slots=True)
class Column:
    """A part of the day in the picture."""

    x: int
    y: float
    height: float
    tone: str


class Budget:
    """Takes samples and shows them. Any number of web processes take turns."""

    def __init__(self, resources: Resources) -> None:
        self._client = impatient(resources.redis, PATIENCE)

    def sample(self) -> bool:
        """Take a sample, unless another process has taken this minute's; whether it did.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        if not self._client.set(_TURN, 1, nx=True, ex=EVERY - 1):
            return False
        uses = rate_limit.budgets(self._client)
        if uses:
            now = datetime.now(UTC).timestamp()
            rows = [json.dumps([now, use.name, use.requests, use.waited, use.share]) for use in uses]
            pipeline = self._client.pipeline()
            pipeline.rpush(_SAMPLES, *rows)
            pipeline.ltrim(_SAMPLES, -KEPT * len(rows), -1)
            pipeline.execute()
        return True

    def samples(self) -> list[Sample]:
        """All that are kept, the oldest first.

        Raises:
            redis.RedisError: Redis does not answer.
        """
        found = []
        for row in self._client.lrange(_SAMPLES, 0, -1):
            at, name, requests, waited, share = json.loads(row)
            found.append(Sample(datetime.fromtimestamp(at, UTC), name, requests, waited, share))
        return found

    @asynccontextmanager
    async def sampling(self) -> AsyncIterator[None]:
        """Take samples for as long as the block lasts."""
        work = asyncio.create_task(self._keep_sampling())
        try:
            yield
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work

    async def _keep_sampling(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.sample)
            except redis.RedisError as error:
                log.debug("The use of Notion's budget cannot be sampled: %s", error)  # /healthz tells of it
            except Exception:
                log.exception("The use of Notion's budget cannot be sampled.")
            await asyncio.sleep(EVERY / 4)

    async def show(self, visit: Visit) -> Response:
        """Now, and over the day."""
        look = await visit.desk.glance.look()
        samples = await asyncio.to_thread(self.samples)
        now = datetime.now(UTC)
        names = sorted({one.name for one in samples} | {use.name for use in look.status.present.budgets})
        uses = {use.name: use for use in look.status.present.budgets}
        days = []
        for name in names:
            of_name = [one for one in samples if one.name == name]
            picture, highest = columns(of_name, now), max((one.share for one in of_name), default=0.0)
            days.append((name, uses.get(name), picture, highest))
        return visit.show("budget.html", days=days, columns=COLUMNS)


def columns(samples: Sequence[Sample], now: datetime) -> list[Column]:
    """The picture of a day: a column of a hundred is the whole budget, and red is above it."""
    span, highest = KEPT * EVERY / COLUMNS, dict[int, float]()
    for one in samples:
        place = COLUMNS - 1 - int((now - one.at).total_seconds() // span)
        if 0 <= place < COLUMNS:
            highest[place] = max(highest.get(place, 0.0), one.share)
    made = []
    for place, share in sorted(highest.items()):
        height = round(max(1.0, min(share, 1.0) * 100), 1)
        tone = "bad" if share > 1 else "warn" if share > 0.8 else "busy"
        made.append(Column(place, 100 - height, height, tone))
    return made
