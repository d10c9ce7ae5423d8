"""One line of the ledger: what stayed and what lost, in words that fit objects of services and records of nodes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from tasks.merge import ID, NAMELESS, Conflict, End, Name
from tasks.sides import Labels
from tasks.values.canonical import dump
from tasks.values.references import untitled


@dataclass(frozen=True, slots=True)
class Version:
    """What one place had in a conflict."""

    #: What people call the place: the label of a side, or the name of a node.
    where: str
    #: The object's id there, or the record's key.
    id: ID
    #: `None` also where an object was deleted.
    value: Any
    #: Last edit; `None` where that is not known.
    edited: datetime | None
    stayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """Two versions of one thing: of two sides the left one's is the first, of two nodes the one that stayed.

    Both stayed where a person has to decide, none where a third value took their place.
    """

    first: Version
    second: Version
    #: The table of a record; empty for an object, which has an id of its own at each side.
    model: str = ""
    #: `None` where it was deleted in one place and edited in the other; the values are those of the whole.
    attribute: str | None
    #: What both had agreed on; `None` also where that is not known.
    base: Any
    #: The rule that decided, by the name that it has there (`tasks.merge.Conflict`, `tasks.database.records.lost`).
    rule: str
    #: Why, in words for a person.
    why: str = ""
    #: What people call the object.
    name: Name = field(default=NAMELESS, compare=False)

    @classmethod
    def of(cls, conflict: Conflict, labels: Labels) -> Self:
        """The entry of a conflict between two sides."""
        third = conflict.winner is None and not conflict.unresolved

        def version(end: End, object_id: ID, value: Any, edited: datetime | None) -> Version:
            stayed = not third and conflict.winner is not end.opposite
            return Version(labels[end], object_id, value, edited, stayed)

        return cls(
            first=version(End.LEFT, conflict.left_id, conflict.left, conflict.left_edited),
            second=version(End.RIGHT, conflict.right_id, conflict.right, conflict.right_edited),
            attribute=conflict.attribute,
            base=conflict.base,
            rule=conflict.rule,
            why=conflict.reason,
            name=conflict.name,
        )

    def at(self, end: End) -> Version:
        """The version of one of two sides."""
        return self.first if end is End.LEFT else self.second

    @property
    def versions(self) -> tuple[Version, Version]:
        """Both."""
        return self.first, self.second

    @property
    def stayed(self) -> tuple[Version, ...]:
        """What stayed: one of them, or both, or none."""
        return tuple(version for version in self.versions if version.stayed)

    @property
    def lost(self) -> tuple[Version, ...]:
        """What did not."""
        return tuple(version for version in self.versions if not version.stayed)

    @property
    def open(self) -> bool:
        """Whether neither was written, so that a person has to decide."""
        return len(self.stayed) == 2

    @property
    def fingerprint(self) -> str:
        """Equal for the same conflict when it is met again; names, and how it ended, are no part of it."""
        return fingerprint_of(
            {
                "left_id": self.model or self.first.id,
                "right_id": self.second.id,
                "attribute": self.attribute,
                "base": self.base,
                "left": self.first.value,
                "right": self.second.value,
                "left_edited": self.first.edited,
                "right_edited": self.second.edited,
            }
        )


def fingerprint_of(parts: Mapping[str, Any]) -> str:
    """The fingerprint of an entry whose parts are named as those of a `tasks.merge.Conflict`."""
    parts = untitled(parts)
    same = {name: parts[name] for name in ("left_id", "right_id", "attribute", "left_edited", "right_edited")}
    values = {"base": parts["base"], "left_value": parts["left"], "right_value": parts["right"]}
    return hashlib.sha256(dump({**same, **{k: dump(v) for k, v in values.items()}}).encode()).hexdigest()
