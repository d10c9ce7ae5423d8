"""Whether all is well: `/healthz` of the whole installation, `/readyz` of this process, `/livez` just that it answers.

A web process that is restarted, or gets no more requests, because the scheduler is away makes things worse: so what
asks `/healthz` should call a person, and what restarts or routes asks the other two.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import redis
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tasks.clock import boot_seconds
from worker.broker.queue import queue_of
from worker.errors import BrokerUnavailableError, StoreError
from worker.redis_client import impatient
from worker.signs import SCHEDULER, WORKER, Board, Signs
from worker.signs.record import GRACE
from worker.signs.silence import LOOK, TELL_AFTER, Silence
from worker.standing.divided import needed
from worker.telling.outages import Outage
from worker.web.groups import RouteGroup
from worker.web.resources import Resources

#: Seconds that Redis and the database have for their answers.
PATIENCE = 3.0
#: Seconds that an answer is given again, so that nobody can wear out the database from outside.
KEPT = 1.0
#: Written to see whether Redis takes writes; a replica and a server without room or rights do not.
KEY = "lockstep:health"
#: What lets `/healthz` answer with 200.
WELL = frozenset({"ok", "starting", "not needed"})

log = logging.getLogger(__name__)


def health(resources: Resources, *, grace: float = GRACE, tell_after: float = TELL_AFTER) -> RouteGroup:
    """The routes, open to anybody: they tell what is missing and no reason, which is in the log.

    Scheduler and workers are not missed for `grace` seconds from the start of this process on;
    that they are silent is logged after `tell_after` seconds.
    """
    clients = [impatient(client, PATIENCE) for client in resources.clients]
    asking = asyncio.Lock()
    known: tuple[float, dict[str, str]] = (-KEPT, {})
    began = boot_seconds()

    def writing_to(client: redis.Redis) -> Callable[[], None]:
        def write() -> None:
            client.set(KEY, 1, ex=60)

        return write

    own = {
        "redis": Probe("Redis", writing_to(clients[0])),
        "database": Probe("The database", resources.store.prove_writable),
    }
    # That of other tasks takes nothing from this process.
    probes = own | {
        of_shard("redis", number): Probe(f"The Redis of shard {number}", writing_to(client))
        for number, client in enumerate(clients[1:], 1)
    }

    if resources.settings.broker_url is not None:
        # What this process is told waits in Redis while that is away.
        probes["rabbitmq"] = Probe("RabbitMQ", queue_of(resources.settings, clients[0]).depths)

    async def look() -> dict[str, str]:
        nonlocal known
        async with asking:
            if boot_seconds() - known[0] >= KEPT:
                states = await asyncio.gather(*(probe.state() for probe in probes.values()))
                found = dict(zip(probes, states, strict=True))
                there = [attendance(number, found) for number in range(len(clients))]
                for one in await asyncio.gather(*there):
                    found |= one
                known = (boot_seconds(), found)
        return known[1]

    async def attendance(number: int, found: Mapping[str, str]) -> dict[str, str]:
        names = [of_shard(name, number) for name in ("scheduler", "workers")]
        if number not in needed(resources.tasks, len(clients)):
            return dict.fromkeys(names, "not needed")
        if found[of_shard("redis", number)] != "ok":
            return dict.fromkeys(names, "unknown")
        try:
            async with asyncio.timeout(PATIENCE):
                signs = await asyncio.to_thread(Board(clients[number]).read)
        except (redis.RedisError, TimeoutError):
            return dict.fromkeys(names, "unknown")
        told = attending(signs, starting=boot_seconds() - began < grace)
        return {of_shard(name, number): state for name, state in told.items()}

    async def healthz(_: Request) -> JSONResponse:
        return _answer(await look())

    async def readyz(_: Request) -> JSONResponse:
        found = await look()
        return _answer({name: found[name] for name in own})

    async def livez(_: Request) -> JSONResponse:
        return _answer({})

    @asynccontextmanager
    async def watching() -> AsyncIterator[None]:
        silences = {
            number: [
                Silence(
                    client, kind, tell_after=tell_after, where=f" of shard {number}" if clients[1:] else ""
                )
                for kind in (SCHEDULER, WORKER)
            ]
            for number, client in enumerate(clients)
        }
        task = asyncio.create_task(_watch(silences, lambda: needed(resources.tasks, len(clients))))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    routes = [
        Route(path, answer, methods=["GET"])
        for path, answer in (("/healthz", healthz), ("/readyz", readyz), ("/livez", livez))
    ]
    return RouteGroup("/healthz", routes, max_body=0, background=watching)


def attending(signs: Signs, *, starting: bool) -> dict[str, str]:
    """Whether scheduler and workers are there: `ok`, `missing`, or `starting` while they may still come.

    Args:
        signs: of all processes.
        starting: whether this process has just been started, and the others may be about to.
    """
    there = {"scheduler": bool(signs.living_schedulers), "workers": signs.working}
    found = {}
    for name, last in (("scheduler", signs.schedulers[:1]), ("workers", signs.workers[:1])):
        expected = starting or any(sign.ended and sign.ago < GRACE for sign in last)
        found[name] = "ok" if there[name] else "starting" if expected else "missing"
    return found


def _answer(found: Mapping[str, str]) -> JSONResponse:
    well = set(found.values()) <= WELL
    return JSONResponse({"status": "ok" if well else "unwell", **found}, 200 if well else 503)


def of_shard(name: str, number: int) -> str:
    """How something is called that each of several Redis servers has; that of the first one has its plain name."""
    return f"{name}_{number}" if number else name


async def _watch(silences: Mapping[int, list[Silence]], served: Callable[[], set[int]]) -> None:
    """Tell in the log that scheduler or workers are silent; `Silence` says when and how often."""
    while True:
        for silence in [one for number in served() for one in silences[number]]:
            try:
                await asyncio.to_thread(silence.look)
            except redis.RedisError as error:
                log.debug("Who is there cannot be seen: %s", error)  # the probe tells of it
            except Exception:
                log.exception("Who is there cannot be seen.")
        await asyncio.sleep(LOOK)


class Probe:
    """Tries one service; one that does not answer is not asked again until the last question has ended."""

    def __init__(self, what: str, write: Callable[[], object]) -> None:
        self._write = write
        self._outage = Outage(f"{what} takes no writes")
        self._question: asyncio.Future[object] | None = None

    async def state(self) -> str:
        """`ok` or `unreachable`."""
        if self._question is None or self._question.done():
            self._question = asyncio.ensure_future(asyncio.to_thread(self._write))
            self._question.add_done_callback(_look_at)
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.shield(self._question)
        except (redis.RedisError, BrokerUnavailableError, StoreError, TimeoutError) as error:
            self._outage.failed("/healthz", error if str(error) else TimeoutError("no answer in time"))
            return "unreachable"
        self._outage.over()
        return "ok"


def _look_at(question: asyncio.Future[object]) -> None:
    """Take note of an answer that came too late, which asyncio would report as an error that nobody saw."""
    if not question.cancelled():
        question.exception()
