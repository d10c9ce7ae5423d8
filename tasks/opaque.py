"""A value that is there, but cannot be read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Opaque:
    """Stands for a value that is not known or not shown in full: it is neither carried across nor written over."""

    #: What it is, for people.
    type: str
