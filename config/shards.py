"""Tasks divided by their names among several Redis servers: whose a task is, and the settings with that server alone.

Server 0 is that of `REDIS_URL`, which also holds what all share; 1 and up are those of `LOCKSTEP_REDIS_SHARDS`. Without
these there is one server, and everything here gives the settings as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Protocol, TypeVar

from pydantic import SecretStr

from config.checks import addresses
from config.settings import Settings, SettingsError


class Named(Protocol):
    """A task."""

    @property
    def name(self) -> str:
        """Its name."""
        ...


T = TypeVar("T", bound=Named)


def count(settings: Settings) -> int:
    """How many Redis servers the tasks are divided among."""
    return 1 + len(_further(settings))


def shard_of(name: str, servers: int) -> int:
    """The number of the server to which a task belongs, alike in every process and version.

    Each server draws a number for the name, and the highest one wins (rendezvous hashing): a server that is added at
    the end takes its share of the tasks over, and all others stay where they are.
    """
    return max(range(servers), key=lambda server: sha256(f"{server}/{name}".encode()).digest())


def of_shard(settings: Settings, number: int) -> Settings:
    """The settings of an installation that has this server alone."""
    if count(settings) == 1:
        return settings
    url = settings.redis_url if number == 0 else SecretStr(_further(settings)[number - 1])
    return settings.model_copy(update={"redis_url": url, "redis_shards": None, "shard": None})


def of_task(settings: Settings, name: str) -> Settings:
    """The settings with the server of this task alone."""
    return of_shard(settings, shard_of(name, count(settings)))


def all_of(settings: Settings) -> list[Settings]:
    """The settings with each of the servers alone."""
    return [of_shard(settings, number) for number in range(count(settings))]


def number_of(settings: Settings) -> int | None:
    """The server that this process serves, as beat and workers do; `None` where there is only one.

    Raises:
        SettingsError: it is not said.
    """
    servers = count(settings)
    if servers > 1 and settings.shard is None:
        raise SettingsError(
            f"LOCKSTEP_SHARD is not set: tasks are divided among {servers} Redis servers, and each beat and worker "
            f"serves one of them. Set it to 0 for that of REDIS_URL, or to 1 to {servers - 1} for those of "
            "LOCKSTEP_REDIS_SHARDS in their order; `lockstep up` starts a beat and a worker for each"
        )
    return settings.shard if servers > 1 else None


def served(settings: Settings) -> Settings:
    """The settings with the server alone that this process serves.

    Raises:
        SettingsError: it is not said which.
    """
    return of_shard(settings, number_of(settings) or 0)


def own(settings: Settings, tasks: Iterable[T]) -> list[T]:
    """The tasks that belong to the server that this process serves.

    Raises:
        SettingsError: it is not said which.
    """
    number, servers = number_of(settings), count(settings)
    return [task for task in tasks if number is None or shard_of(task.name, servers) == number]


def _further(settings: Settings) -> list[str]:
    return [] if settings.redis_shards is None else addresses(settings.redis_shards.get_secret_value())
