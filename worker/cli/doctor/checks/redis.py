"""Whether a Redis is one that Lockstep can work with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from worker.cli.doctor.checks.sentinels import sentinel_findings
from worker.cli.doctor.facts.redis import RedisFacts
from worker.cli.doctor.finding import About, Finding
from worker.telling.exit_codes import ExitCode

#: The oldest version that Celery works with.
OLDEST = (6, 2)
#: The share of its memory from which on it is told that it is nearly full.
FULL = 0.9
#: Seconds by which its clock may be off: claims, leases and signs of life go by it.
SKEW = 30.0

_REDIS = About("Redis")
_RIGHTS = 'docs/settings.md, "What Redis must allow", has the line for ACL SETUSER'
_INFORM = "Let its user look (ACL SETUSER … +info +config|get), or see there yourself: {}"


def redis_findings(facts: RedisFacts) -> Iterator[Finding]:
    """What is to be said of it."""
    if not facts.address:
        if facts.refusal:
            yield _REDIS.failed(
                "redis", f"{facts.refusal[0].upper()}{facts.refusal[1:]}", "", ExitCode.UNAVAILABLE
            )
        else:
            yield _REDIS.ok("redis", "No REDIS_URL is set: lockstep up starts a Redis of its own.")
        return
    yield from sentinel_findings(facts.sentinels)
    if facts.refusal:
        yield _REDIS.failed(
            "redis",
            f"It does not answer at {facts.address}: {facts.refusal}",
            "Start it, or correct REDIS_URL",
            ExitCode.UNAVAILABLE,
        )
        return
    yield _version(facts)
    yield _writes(facts)
    yield from _memory(facts)
    yield _keeping(facts)
    yield from _clock(facts)
    if not facts.is_local and not facts.has_password:
        yield _REDIS.warning(
            "redis-access",
            f"Whoever reaches {facts.address} may do anything there: no password is asked for.",
            f"Give it a user with a password: {_RIGHTS}",
        )


def _version(facts: RedisFacts) -> Finding:
    told = f"{facts.server} {facts.version}".strip()
    numbers = tuple(int(part) for part in re.findall(r"\d+", facts.version)[:2])
    if facts.server == "Redis" and numbers and numbers < OLDEST:
        return _REDIS.failed(
            "redis",
            f"{told} at {facts.address} is too old.",
            "Install Redis 6.2 or newer, or Valkey",
            ExitCode.UNAVAILABLE,
        )
    return _REDIS.ok("redis", f"{told} answers at {facts.address}.")


def _writes(facts: RedisFacts) -> Finding:
    if facts.role == "slave":
        return _REDIS.failed(
            "redis-writes",
            "It is a replica, which takes no writes.",
            "Let REDIS_URL name the primary",
            ExitCode.UNAVAILABLE,
        )
    if facts.unwritable:
        refused = facts.unwritable.startswith(("NOPERM", "No permission")) or "permission" in facts.unwritable
        mend = f"Give its user the rights: {_RIGHTS}" if refused else "See its log, its disk and its memory"
        return _REDIS.failed(
            "redis-writes", f"It takes no writes: {facts.unwritable}", mend, ExitCode.UNAVAILABLE
        )
    return _REDIS.ok("redis-writes", "It takes writes and scripts.")


def _memory(facts: RedisFacts) -> Iterator[Finding]:
    if not facts.informs:
        yield _REDIS.unknown(
            "redis-eviction",
            "Whether it throws keys away when it is full is not known: this user may not ask it.",
            _INFORM.format("maxmemory-policy has to be noeviction"),
        )
        return
    mend = "Set maxmemory-policy noeviction, in redis.conf or with CONFIG SET"
    if facts.policy == "noeviction":
        yield _REDIS.ok("redis-eviction", "It throws nothing away when it is full (noeviction).")
    elif facts.limit:
        yield _REDIS.failed(
            "redis-eviction",
            f"When it is full it throws keys away ({facts.policy}): locks, turns and messages are among them.",
            mend,
            ExitCode.USAGE,
        )
    else:
        yield _REDIS.warning(
            "redis-eviction",
            f"It has no limit of memory; as soon as it gets one it throws locks and messages away ({facts.policy}).",
            mend,
        )
    if facts.limit and facts.used / facts.limit >= FULL:
        yield _REDIS.warning(
            "redis-memory",
            f"It uses {facts.used / facts.limit:.0%} of its {facts.limit / 2**20:.0f} MiB; "
            "when they are full no run can begin.",
            "Raise maxmemory, or see what else is kept there",
        )


def _keeping(facts: RedisFacts) -> Finding:
    if not facts.informs:
        return _REDIS.unknown(
            "redis-persistence",
            "Whether it keeps anything over a restart is not known: this user may not ask it.",
            _INFORM.format("appendonly should be yes"),
        )
    if facts.keeping_failed:
        return _REDIS.failed(
            "redis-persistence",
            "Its last write to the disk failed.",
            "See its log, and whether its disk is full",
            ExitCode.UNAVAILABLE,
        )
    if facts.appends:
        return _REDIS.ok("redis-persistence", "It keeps what it has over a restart (appendonly).")
    if facts.snapshots is None:
        return _REDIS.unknown(
            "redis-persistence",
            "It has no append-only file; whether it writes snapshots is not known.",
            _INFORM.format("appendonly should be yes"),
        )
    if facts.snapshots:
        return _REDIS.ok(
            "redis-persistence",
            f"It writes snapshots ({facts.snapshots}): a crash costs the messages since the last one, and beat sends "
            "them again.",
        )
    return _REDIS.warning(
        "redis-persistence",
        "It keeps nothing over a restart: messages and turns are gone then, which delays a run of each task once.",
        "Set appendonly yes, in redis.conf or with CONFIG SET",
    )


def _clock(facts: RedisFacts) -> Iterator[Finding]:
    if facts.ahead is None or abs(facts.ahead) < SKEW:
        return
    way = "ahead of" if facts.ahead > 0 else "behind"
    yield _REDIS.warning(
        "clock",
        f"Its clock is {abs(facts.ahead):.0f} s {way} this machine's, and turns go by it.",
        "Let both machines set their clocks by NTP",
    )
