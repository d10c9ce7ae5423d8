"""What a Redis server tells of itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import redis

from config import Settings
from worker.cli.doctor.facts.sentinels import SentinelFacts, sentinel_facts
from worker.errors import ServerStartError
from worker.machine.redis_server import find_server
from worker.machine.state_directory import reachable_redis
from worker.redis_client import address, hosts, impatient
from worker.telling.failures import CommandError
from worker.web.health import KEY
from worker.web.hosts import is_here

#: Seconds that Redis has for an answer.
PATIENCE = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisFacts:
    """What is known of it; `None` and empty words where it did not say so."""

    #: Where it is; empty where there is none yet, since no `REDIS_URL` is set and no `lockstep up` runs.
    address: str = ""
    #: Why it does not answer, is not known, or could not be started by `lockstep up`.
    refusal: str = ""
    #: Redis or Valkey.
    server: str = "Redis"
    version: str = ""
    role: str = ""
    #: Why it does not do what Lockstep needs of it.
    unwritable: str = ""
    #: Whether it may be asked for all that follows (`INFO`).
    informs: bool = False
    policy: str = ""
    #: Bytes in use, and that it may use; 0: as many as there are.
    used: int = 0
    limit: int = 0
    #: Whether it keeps a file to which each write is added.
    appends: bool = False
    #: When it writes snapshots (`save`), empty where it never does; `None`: it must not be asked.
    snapshots: str | None = None
    #: Whether the last write of either failed.
    keeping_failed: bool = False
    #: Seconds by which its clock is ahead of this machine's.
    ahead: float | None = None
    #: Whether it can only be reached from this machine; and whether a password is asked for.
    is_local: bool = True
    has_password: bool = True
    #: What those say who watch it; `None` where nobody does.
    sentinels: SentinelFacts | None = None


def redis_facts(settings: Settings) -> RedisFacts:
    """What can be known of the Redis of these settings. Of all keys only that of `/healthz` is written."""
    try:
        patient = reachable_redis(settings)
    except CommandError as error:
        return RedisFacts(refusal=str(error))
    if patient is None:
        return _own()
    with patient, impatient(patient, PATIENCE) as client:
        where = address(client)
        options = client.connection_pool.connection_kwargs
        known: dict[str, Any] = {
            "address": where,
            "is_local": all(map(is_here, hosts(client))),
            "has_password": bool(options.get("password")),
            "sentinels": sentinel_facts(client),
        }
        try:
            client.ping()
            return RedisFacts(**known, **_told(client))
        except redis.RedisError as error:
            return RedisFacts(**known, refusal=str(error))


def _own() -> RedisFacts:
    try:
        find_server()
    except ServerStartError as error:
        return RedisFacts(refusal=str(error))
    return RedisFacts()


def _told(client: redis.Redis) -> dict[str, Any]:
    hello = _named(_allowed(client, "HELLO"))
    info = _allowed(client, "INFO") or {}
    before = time.time()
    said = _allowed(client, "TIME")
    between = (before + time.time()) / 2
    appends = bool(info.get("aof_enabled"))
    saves = None if appends else _allowed(client, "CONFIG GET", "save")
    valkey = "valkey" in (hello.get("server"), info.get("server_name"))
    return {
        "server": "Valkey" if valkey else "Redis",
        "version": str(
            (valkey and info.get("valkey_version")) or hello.get("version") or info.get("redis_version", "")
        ),
        "role": {"replica": "slave"}.get(
            str(hello.get("role")), str(hello.get("role") or info.get("role", ""))
        ),
        "unwritable": _unwritable(client),
        "informs": bool(info),
        "policy": str(info.get("maxmemory_policy", "")),
        "used": int(info.get("used_memory", 0)),
        "limit": int(info.get("maxmemory", 0)),
        "appends": appends,
        "snapshots": None if saves is None else str(saves.get("save", "")),
        "keeping_failed": "err" in (info.get("aof_last_write_status"), info.get("rdb_last_bgsave_status")),
        "ahead": None if said is None else int(said[0]) + int(said[1]) / 1_000_000 - between,
    }


def _allowed(client: redis.Redis, *command: str) -> Any:
    """The answer to a command; `None` where this user may not give it, or it was taken away."""
    try:
        return client.execute_command(*command)  # type: ignore[no-untyped-call]  # so it is there
    except redis.ResponseError:
        return None


def _named(answer: Any) -> dict[str, Any]:
    """What `HELLO` tells, by name; it is a flat list in the older one of both protocols."""
    if isinstance(answer, list):
        return dict(zip(answer[::2], answer[1::2], strict=False))
    return answer or {}


def _unwritable(client: redis.Redis) -> str:
    """Why it takes no writes and no scripts, as every run needs them."""
    try:
        client.set(KEY, 1, ex=60)
        client.eval("return 1", 0)
    except redis.ResponseError as error:
        return str(error)
    return ""
