"""`GET /healthz`: whether the process reaches what it needs, and may write there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import redis
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tasks.clock import boot_seconds
from worker.errors import StoreError
from worker.outages import Outage
from worker.redis_client import impatient
from worker.web.groups import RouteGroup
from worker.web.resources import Resources

#: Seconds that Redis and the database have for their answers.
PATIENCE = 3.0
#: Seconds that an answer is given again, so that nobody can wear out the database from outside.
KEPT = 1.0
#: Written to see whether Redis takes writes; a replica and a server without room or rights do not.
KEY = "lockstep:health"


def health(resources: Resources) -> RouteGroup:
    """The route, open to anybody: it tells `ok` or `unreachable` and no reason, which is in the log."""
    client = impatient(resources.redis, PATIENCE)
    asking = asyncio.Lock()
    known: tuple[float, dict[str, str]] = (-KEPT, {})

    def write_to_redis() -> None:
        client.set(KEY, 1, ex=60)

    probes = {
        "redis": Probe("Redis", write_to_redis),
        "database": Probe("The database", resources.store.prove_writable),
    }

    async def healthz(_: Request) -> JSONResponse:
        nonlocal known
        async with asking:
            if boot_seconds() - known[0] >= KEPT:
                states = await asyncio.gather(*(probe.state() for probe in probes.values()))
                known = (boot_seconds(), dict(zip(probes, states, strict=True)))
        well = set(known[1].values()) == {"ok"}
        return JSONResponse({"status": "ok" if well else "unwell", **known[1]}, 200 if well else 503)

    return RouteGroup("/healthz", [Route("/healthz", healthz, methods=["GET"])], max_body=0)


class Probe:
    """Tries one service; one that does not answer is not asked again until the last question has ended."""

    def __init__(self, what: str, write: Callable[[], None]) -> None:
        self._write = write
        self._outage = Outage(f"{what} takes no writes")
        self._question: asyncio.Future[None] | None = None

    async def state(self) -> str:
        """`ok` or `unreachable`."""
        if self._question is None or self._question.done():
            self._question = asyncio.ensure_future(asyncio.to_thread(self._write))
            self._question.add_done_callback(_look_at)
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.shield(self._question)
        except (redis.RedisError, StoreError, TimeoutError) as error:
            self._outage.failed("/healthz", error if str(error) else TimeoutError("no answer in time"))
            return "unreachable"
        self._outage.over()
        return "ok"


def _look_at(question: asyncio.Future[None]) -> None:
    """Take note of an answer that came too late, which asyncio would report as an error that nobody saw."""
    if not question.cancelled():
        question.exception()
