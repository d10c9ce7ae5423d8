"""How a service announces itself, so that a table of `lockstep.toml` can name it.

A distribution that brings a service names it among its entry points:

    [project.entry-points."lockstep.services"]
    caldav = "tasks.services.caldav:SERVICE"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from tasks.sides.kinds import Attribute
from tasks.sides.set_up import SetUp
from tasks.sides.side import Side

#: The group of the entry points.
GROUP = "lockstep.services"


@dataclass(frozen=True, slots=True)
class Service:
    """A service that a sync may have at one of its ends."""

    #: As tables of `lockstep.toml` name it: `[sync.caldav]`.
    name: str
    #: What people call it.
    label: str
    #: What its part of a table may say. Its fields' descriptions are shown by `lockstep services`.
    table: type[BaseModel]
    #: Makes a side of a table that was read. Logins that the table does not have come from the settings.
    make: Callable[[Any], Side]
    #: The attributes that its objects always have; none where they depend on the place.
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    #: How it is set up by asking; without it, the options that must be given are asked for one by one.
    set_up: SetUp | None = None
