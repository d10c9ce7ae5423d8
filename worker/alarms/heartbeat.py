"""The ping of the whole: beat sends it while scheduler and workers live, so that somebody outside misses both."""

from __future__ import annotations

from collections.abc import Callable

import redis

from worker.alarms.pings import PINGER, Ping
from worker.signs import Board, Signs

#: Seconds between two pings of all beats together.
EVERY = 55.0
#: Held by whoever pinged last.
KEY = "lockstep:alarms:ping"


def heartbeat(address: str, send: Callable[[Ping], None] = PINGER.send) -> Callable[[redis.Redis], None]:
    """What beat calls with each look: it pings at most once a minute, whoever of several does it."""

    def beat(client: redis.Redis) -> None:
        try:
            if client.set(KEY, 1, nx=True, px=round(EVERY * 1000)):
                send(_ping(address, Board(client).read()))
        except redis.RedisError as error:
            send(Ping(address, "/fail", f"Redis does not answer: {type(error).__name__}"))

    return beat


def _ping(address: str, signs: Signs) -> Ping:
    if not signs.living_schedulers:
        return Ping(address, "/fail", "no scheduler gives signs of life")
    if not signs.working:
        return Ping(address, "/fail", "no worker takes messages")
    return Ping(address, "", f"{len(signs.living_schedulers)} schedulers, {len(signs.ready_workers)} workers")
