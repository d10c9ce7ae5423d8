"""Properties that writes take along though nobody syncs them: found by id, also when renamed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tasks.services.notion.columns.column import Column
from tasks.services.notion.source.schema import Schema


class Along:
    """Such properties, by the names under which they were named first."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def to_json(self) -> Any:
        """What a new process is to know."""
        return dict(self._ids)

    def from_json(self, document: Any) -> None:
        """Take over what `to_json` gave."""
        self._ids = dict(document or {})

    def named(self, schema: Schema, columns: Mapping[str, Column]) -> dict[str, Column]:
        """The columns, also by the names that these had before."""
        by_id = {column.id: column for column in schema.columns.values()}
        renamed = {name: by_id[one] for name, one in self._ids.items() if one in by_id}
        return renamed | dict(columns)

    def find(
        self, schema: Schema, columns: Mapping[str, Column], attributes: Collection[str]
    ) -> dict[str, Column]:
        """Those that are taken along from now on; what is not there is left out."""
        named = self.named(schema, columns)
        found = {name: named[name] for name in attributes if name in named}
        self._ids = {name: column.id for name, column in found.items()}
        return found
