"""What a page keeps under a column, and how a cell is asked for that others are worked out of."""

from __future__ import annotations

from typing import Any, Protocol

from sandbox.notion.columns.columns import Column, Columns
from sandbox.notion.columns.values import empty_value
from sandbox.notion.requests.call import Call
from sandbox.notion.state.stored import Stored


class ShowCell(Protocol):
    """How a cell of another column or page is shown: formulas and rollups show cells, and are some themselves."""

    def __call__(
        self, call: Call, columns: Columns, column: Column, page: Stored, *, whole: bool = False
    ) -> dict[str, Any]:
        """The type and value of the cell."""
        ...


def related(call: Call, column: Column, page: Stored) -> list[str]:
    """The related pages; none for a caller with whom their data source is not shared."""
    hidden = call.store.hides(column.config.get("data_source_id"))
    return [] if hidden else list(kept(column, page))


def kept(column: Column, page: Stored) -> Any:
    """The value in the form in which it is kept."""
    values = page.doc["values"]
    if column.id in values:
        return values[column.id]
    return None if column.type == "status" else empty_value(column)
