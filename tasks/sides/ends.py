"""The two ends of a sync, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

#: The id of an object on its side.
ID: TypeAlias = str


class End(StrEnum):
    """One of the two ends of a sync; where all else is equal, the left one has its way."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def opposite(self) -> End:
        """The end across."""
        return End.RIGHT if self is End.LEFT else End.LEFT


@dataclass(frozen=True, slots=True)
class Labels:
    """What people call the two sides, inside a sentence."""

    left: str = "the left side"
    right: str = "the right side"

    def __getitem__(self, end: End) -> str:
        return self.left if end is End.LEFT else self.right


UNLABELLED = Labels()
