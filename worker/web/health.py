"""`GET /healthz`: whether the process reaches what it needs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import redis
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from worker.errors import StoreError
from worker.redis_client import impatient
from worker.web.groups import RouteGroup
from worker.web.resources import Resources

#: Seconds that Redis and the database have for their answers.
PATIENCE = 3.0
#: Seconds that an answer is given again, so that nobody can wear out the database from outside.
KEPT = 1.0

log = logging.getLogger(__name__)


def health(resources: Resources) -> RouteGroup:
    """The route, open to anybody: it tells `ok` or `unreachable` and no reason, which is in the log."""
    client = impatient(resources.redis, PATIENCE)
    asking = asyncio.Lock()
    known: tuple[float, dict[str, str]] = (-KEPT, {})

    def ask_redis() -> None:
        client.ping()

    def ask_database() -> None:
        with resources.store.read() as connection:
            connection.execute(text("SELECT 1"))

    async def healthz(_: Request) -> JSONResponse:
        nonlocal known
        async with asking:
            if time.monotonic() - known[0] >= KEPT:
                states = await asyncio.gather(_state("Redis", ask_redis), _state("database", ask_database))
                known = (time.monotonic(), dict(zip(("redis", "database"), states, strict=True)))
        well = set(known[1].values()) == {"ok"}
        return JSONResponse({"status": "ok" if well else "unwell", **known[1]}, 200 if well else 503)

    return RouteGroup("/healthz", [Route("/healthz", healthz, methods=["GET"])], max_body=0)


async def _state(what: str, ask: Callable[[], None]) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.to_thread(ask)
    except (redis.RedisError, StoreError, TimeoutError) as error:
        log.warning("The %s cannot be reached: %s", what, error or "no answer in time")
        return "unreachable"
    return "ok"
