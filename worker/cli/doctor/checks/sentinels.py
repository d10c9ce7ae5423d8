"""Whether sentinels can replace a Redis that is lost."""

from __future__ import annotations

from collections.abc import Iterator

from worker.cli.doctor.facts.sentinels import SentinelFacts
from worker.cli.doctor.finding import About, Finding
from worker.telling.numbers import some

#: With fewer there is no majority left when one of them is lost.
ENOUGH = 3

_REDIS = About("Redis")


def sentinel_findings(facts: SentinelFacts | None) -> Iterator[Finding]:
    """What is to be said of them; nothing where there are none."""
    if facts is None:
        return
    if facts.silent:
        yield _REDIS.warning(
            "redis-sentinels",
            f"{len(facts.silent)} of {facts.asked} sentinels do not say where {facts.service} is: "
            f"{', '.join(facts.silent)}.",
            "Start them, or correct REDIS_URL",
        )
    elif len(facts.primaries) > 1:
        yield _REDIS.warning(
            "redis-sentinels",
            f"The sentinels disagree about where {facts.service} is: {', '.join(facts.primaries)}.",
            "See their logs; a failover may be going on",
        )
    elif facts.sentinels < ENOUGH:
        yield _REDIS.warning(
            "redis-sentinels",
            f"It has {some(facts.sentinels, 'sentinel')}: when one is lost, no majority is left that could replace the "
            "primary.",
            "Run three, on three machines",
        )
    else:
        yield _REDIS.ok(
            "redis-sentinels",
            f"{facts.sentinels} sentinels watch {facts.service}, which is {facts.primaries[0]}.",
        )
    if facts.primaries and not facts.replicas:
        yield _REDIS.warning(
            "redis-replicas",
            "It has no replica that is up and could take its place.",
            "Start one (replicaof)",
        )
