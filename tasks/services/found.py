"""Finding the services: the entry points of all distributions that are installed, each loaded when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from tasks.errors import TaskDefinitionError
from tasks.nearest import nearest
from tasks.sides import GROUP, Service

#: What the tables of `lockstep.toml` say with a word of their own, so that no service can have it for a name.
RESERVED = frozenset(
    {
        "columns",
        "delete",
        "error",
        "first",
        "leave",
        "map",
        "match",
        "name",
        "new",
        "newer",
        "only",
        "second",
        "window",
    }
)
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
#: Where not even ours are found.
NONE_AT_ALL = "none is announced here, not even by Lockstep; install it anew, as with pip install -e ."


@dataclass(frozen=True, slots=True)
class Found:
    """A name by which a service is announced, not loaded yet."""

    name: str
    #: Who announces it; more than one is one too many.
    points: tuple[EntryPoint, ...]

    @property
    def distributions(self) -> tuple[str, ...]:
        """The distributions that announce it, with their versions."""
        return tuple(_distribution(point) for point in self.points)

    def load(self) -> Service:
        """The service.

        Raises:
            TaskDefinitionError: it cannot be loaded, is no service, or two distributions announce it.
        """
        where = f"service {self.name!r} of {' and '.join(self.distributions)}"
        if len(self.points) > 1:
            raise TaskDefinitionError(f"{where}: two have this name, so that neither is used; remove one")
        if not _NAME.fullmatch(self.name) or self.name in RESERVED:
            raise TaskDefinitionError(
                f"{where}: a service cannot have this name; it has small letters, digits, - and _, and is none of "
                + ", ".join(sorted(RESERVED))
            )
        (point,) = self.points
        try:
            service = point.load()
        except (Exception, SystemExit) as error:
            raise TaskDefinitionError(
                f"{where} cannot be loaded: {type(error).__name__}: {' '.join(str(error).split())}"
            ) from error
        if not isinstance(service, Service):
            raise TaskDefinitionError(f"{where}: {point.value} is no tasks.sides.Service")
        if service.name != self.name:
            raise TaskDefinitionError(f"{where}: {point.value} calls itself {service.name!r}")
        return service


def services() -> dict[str, Found]:
    """All services that are announced, by name."""
    points: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        points.setdefault(point.name, []).append(point)
    return {name: Found(name, tuple(points[name])) for name in sorted(points)}


def service(name: str, among: Mapping[str, Found] | None = None) -> Service:
    """The service of this name.

    Arguments:
        name: As tables of `lockstep.toml` have it.
        among: What `services` gave; by default it is asked.

    Raises:
        TaskDefinitionError: there is none, or it cannot be used.
    """
    found = services() if among is None else among
    if name not in found:
        raise TaskDefinitionError(f"there is no service {name!r}: {nearest(name, found) or NONE_AT_ALL}")
    return found[name].load()


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "an unknown distribution"
