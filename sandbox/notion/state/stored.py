"""An object of the workspace, as the store keeps it in a row."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

COLUMNS = "seq, id, kind, parent, position, created, edited, created_by, edited_by, in_trash, indexed, doc"
#: The parent of what lies at the top of the workspace.
WORKSPACE = "workspace"


@dataclass
class Stored:
    """One page, database, data source, block, comment or user. Times are milliseconds in UTC."""

    id: str
    kind: str
    parent: str
    created: int
    edited: int
    created_by: str
    edited_by: str
    doc: dict[str, Any] = field(default_factory=dict)
    in_trash: bool = False
    #: Whether the search index knows the object.
    indexed: bool = True
    position: float = 0.0
    seq: int = 0


@dataclass(frozen=True)
class Change:
    """What one transaction did to an object; None for one that is not there."""

    before: Stored | None
    after: Stored | None


@dataclass(frozen=True)
class Past:
    """Objects as they once were, by id; None for one that was not there. `mark` differs for each past."""

    objects: dict[str, Stored | None]
    mark: int


def to_row(obj: Stored) -> tuple[Any, ...]:
    """What of an object may change, as the columns keep it."""
    return (
        obj.position,
        obj.created,
        obj.edited,
        obj.created_by,
        obj.edited_by,
        int(obj.in_trash),
        int(obj.indexed),
        json.dumps(obj.doc, ensure_ascii=False, separators=(",", ":")),
    )


def from_row(row: tuple[Any, ...]) -> Stored:
    """The object of a row of `COLUMNS`."""
    seq, object_id, kind, parent, position, created, edited, created_by, edited_by, trash, indexed, doc = row
    return Stored(
        id=object_id,
        kind=kind,
        parent=parent,
        created=created,
        edited=edited,
        created_by=created_by,
        edited_by=edited_by,
        doc=json.loads(doc),
        in_trash=bool(trash),
        indexed=bool(indexed),
        position=position,
        seq=seq,
    )
