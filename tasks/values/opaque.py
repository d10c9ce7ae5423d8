"""A value that is there, but cannot be read."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Opaque:
    """Stands for a value that is not known or not shown in full: it is neither carried across nor written over."""

    #: What it is, for people.
    type: str
    #: Whether a value of this attribute should be readable, so that a person is told of this one.
    odd: bool = field(default=False, compare=False)
