"""What outlives a run: the columns and people as they were seen last, latest writes, and the contents of pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.services.notion.pages.body import PAGE_BODY, Bodies
from tasks.services.notion.pages.latest_rows import LatestRows
from tasks.services.notion.source.along import Along
from tasks.services.notion.source.known_columns import KnownColumns
from tasks.services.notion.source.people import People


class Memory:
    """What a later run knows of this one.

    Parameters:
        column_ids: ids of properties that a person gave, by the names in the mapping.
    """

    def __init__(self, column_ids: Mapping[str, str]) -> None:
        self.columns = KnownColumns(column_ids)
        self.along = Along()
        self.people = People()
        self.latest = LatestRows()
        self.bodies = Bodies()

    def to_json(self, *, with_bodies: bool) -> dict[str, Any]:
        """What a new process is to know; the contents of pages only where they are synced."""
        bodies = {"bodies": self.bodies.to_json()} if with_bodies else {}
        people = {"people": self.people.to_json()} if self.people.asked else {}
        along = {"along": self.along.to_json()}
        return {**self.columns.to_json(), "latest": self.latest.to_json(), **people, **bodies, **along}

    def from_json(self, document: Any, synced: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what `to_json` gave, or nothing, and the contents that rows had when they were synced last."""
        if document is not None:
            self.columns.from_json(document)
            self.latest.from_json(document.get("latest"))
            self.along.from_json(document.get("along"))
            self.people.from_json(document.get("people"))
        bodies = (document or {}).get("bodies", {})
        self.bodies.from_json(bodies, lambda page_id: synced.get(page_id, {}).get(PAGE_BODY))
