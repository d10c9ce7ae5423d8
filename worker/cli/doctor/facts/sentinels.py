"""What sentinels tell of the Redis that they watch."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from worker.redis_sentinel import PrimaryPool


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelFacts:
    """What those of `REDIS_URL` say; there are others that it does not name."""

    #: What they call the primary and its replicas.
    service: str
    #: How many were asked, and why some of them said nothing of it, each with its place.
    asked: int
    silent: tuple[str, ...] = ()
    #: The places at which the primary is by their words: one, unless they disagree.
    primaries: tuple[str, ...] = ()
    #: How many sentinels there are by the word of each that answered, and replicas that are up.
    sentinels: int = 0
    replicas: int = 0


def sentinel_facts(client: redis.Redis) -> SentinelFacts | None:
    """What each sentinel of this client says; `None` where it has none."""
    pool = client.connection_pool
    if not isinstance(pool, PrimaryPool):
        return None
    silent, primaries, known = [], [], []
    for asked in pool.sentinel_manager.sentinels:
        options = asked.connection_pool.connection_kwargs
        where = f"{options['host']}:{options['port']}"
        try:
            state = asked.sentinel_masters().get(pool.service_name)
            if state is None:
                silent.append(f"{where} (it knows no {pool.service_name})")
                continue
            replicas = pool.sentinel_manager.filter_replicas(asked.sentinel_slaves(pool.service_name))
        except redis.RedisError as error:
            silent.append(f"{where} ({error})")
            continue
        primaries.append(f"{state['ip']}:{state['port']}")
        known.append((1 + int(state["num-other-sentinels"]), len(replicas)))
    return SentinelFacts(
        service=pool.service_name,
        asked=len(pool.at.sentinels),
        silent=tuple(silent),
        primaries=tuple(sorted(set(primaries))),
        sentinels=min((count for count, _ in known), default=0),
        replicas=min((count for _, count in known), default=0),
    )
