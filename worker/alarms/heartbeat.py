"""The ping of the whole: beat sends it while scheduler and workers live, so that somebody outside misses both."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import redis

from config import Settings, shards
from worker.alarms.pings import PINGER, Ping
from worker.redis_client import connect, impatient
from worker.signs import Board, Signs
from worker.telling.numbers import some

#: Seconds between two pings of all beats together.
EVERY = 55.0
#: Held by whoever pinged last.
KEY = "lockstep:alarms:ping"


#: Seconds that each further Redis has for an answer.
PATIENCE = 3.0


def heartbeat(
    address: str, send: Callable[[Ping], None] = PINGER.send, *, settings: Settings | None = None
) -> Callable[[redis.Redis], None]:
    """What beat calls with each look: it pings at most once a minute, whoever of several does it.

    Where `settings` name several Redis servers, scheduler and workers must live at each.
    """
    further = [] if settings is None else shards.all_of(settings)[1:]

    def beat(client: redis.Redis) -> None:
        try:
            if client.set(KEY, 1, nx=True, px=round(EVERY * 1000)):
                send(_ping(address, [Board(client).read(), *map(_read, further)]))
        except redis.RedisError as error:
            send(Ping(address, "/fail", f"Redis does not answer: {type(error).__name__}"))

    return beat


def _read(settings: Settings) -> Signs:
    with connect(settings) as patient, impatient(patient, PATIENCE) as client:
        return Board(client).read()


def _ping(address: str, found: Sequence[Signs]) -> Ping:
    for number, signs in enumerate(found):
        where = f" at shard {number}" if len(found) > 1 else ""
        if not signs.living_schedulers:
            return Ping(address, "/fail", f"no scheduler gives signs of life{where}")
        if not signs.working:
            return Ping(address, "/fail", f"no worker takes messages{where}")
    schedulers = sum(len(signs.living_schedulers) for signs in found)
    workers = sum(len(signs.ready_workers) for signs in found)
    return Ping(address, "", f"{some(schedulers, 'scheduler')}, {some(workers, 'worker')}")
