"""What is asked of a data source to list its rows, and what its answers hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks.errors import SideError
from tasks.services.notion.api.client import Json

#: Rows per answer; Notion gives no more.
PAGE_SIZE = 100


@dataclass
class Walk:
    """One query from its first answer to its last."""

    rows: int = 0
    #: Creation of the newest row that was seen.
    newest: str | None = None
    #: Why Notion ended it before the last row; `None` when it did not.
    cut: str | None = None
    #: Notion refused a cursor that it gave itself.
    lost_cursor: bool = False

    def see(self, row: Json) -> None:
        """Note when a row was made."""
        made: Any = row.get("created_time")
        if _is_moment(made):
            self.newest = made if self.newest is None else max(self.newest, made, key=datetime.fromisoformat)


def query(filter: Json | None) -> Json:
    """The body of a query for rows, oldest first.

    Creation never changes, so that no edit moves a row across the listing.
    """
    body: Json = {"page_size": PAGE_SIZE, "sorts": [{"timestamp": "created_time", "direction": "ascending"}]}
    return body if filter is None else body | {"filter": filter}


def since(**stamps: str | None) -> list[Json]:
    """The conditions that rows have these stamps, or later ones; ISO 8601."""
    return [
        {"timestamp": stamp, stamp: {"on_or_after": moment}} for stamp, moment in stamps.items() if moment
    ]


def rows_in(answer: Json, subject: str) -> tuple[list[Json], bool]:
    """The rows in an answer, and whether it holds others that nothing can be said of.

    Raises:
        SideError: it is no list of rows.
    """
    found = answer.get("results")
    if not isinstance(found, list):
        raise SideError(f"{subject}: Notion's answer to a query is no list of rows")
    odd = [row for row in found if not isinstance(row, dict) or not isinstance(row.get("id"), str)]
    return [row for row in found if row not in odd and row.get("object") == "page"], bool(odd)


def cut_short(answer: Json) -> str | None:
    """Why Notion ended a listing with this answer, before its last row; `None` where it did not."""
    status = answer.get("request_status") or {}
    if status.get("type", "complete") == "complete":
        return None
    return status.get("incomplete_reason") or "no reason given"


def _is_moment(text: Any) -> bool:
    try:
        return datetime.fromisoformat(text).utcoffset() is not None
    except (TypeError, ValueError):
        return False
