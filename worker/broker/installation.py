"""One installation per database of a Redis: two would take each other's messages and throw them away."""

from __future__ import annotations

import redis

from config import SettingsError

#: Holds the number of the installation that a Redis serves.
KEY = "lockstep:installation"
#: Holds which of an installation's servers it is, where tasks are divided among several.
SHARD = "lockstep:shard"


def claim(client: redis.Redis, installation: int, shard: int | None = None) -> None:
    """Be the installation that this Redis serves, if it serves none yet; and let it be this one of several servers.

    Raises:
        SettingsError: it serves another one, or is another one of them.
        redis.RedisError: it does not answer.
    """
    client.set(KEY, str(installation), nx=True)
    check(client, installation)
    if shard is None:
        return
    client.set(SHARD, str(shard), nx=True)
    found = client.get(SHARD)
    if found is not None and found != str(shard):
        raise SettingsError(
            f"the Redis of shard {shard} is that of shard {found!s} as well, and their beats would take each other's "
            "entries out of the schedule. Name a server of its own, or a number of its own as in "
            "redis://host:6379/1; if the order of LOCKSTEP_REDIS_SHARDS was changed on purpose, delete the key "
            f"{SHARD} there"
        )


def check(client: redis.Redis, installation: int) -> None:
    """See that this Redis does not serve another installation, without being the one that it serves.

    Raises:
        SettingsError: it does.
        redis.RedisError: it does not answer.
    """
    found = client.get(KEY)
    if found is not None and found != str(installation):
        raise SettingsError(
            "REDIS_URL is the Redis of another installation, which works on another database than that of "
            "DATABASE_URL; each would take the other's messages. Give this one a number of its own, as in "
            f"redis://host:6379/1, or delete the key {KEY} there if the other one is gone"
        )


def take_over(client: redis.Redis, installation: int) -> None:
    """Be it whatever was before: the Redis is this installation's own."""
    client.set(KEY, str(installation))
