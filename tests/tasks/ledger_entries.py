"""Entries of the ledger, as two sides make them."""

from __future__ import annotations

from typing import Any

from tasks.journal.ledger import LedgerEntry
from tasks.merge import Conflict, End
from tasks.sides import Labels

SIDES = Labels("Notion", "the other side")


def entry(*, winner: End | None = End.LEFT, rule: str = "newer", **changes: Any) -> LedgerEntry:
    """An entry of an attribute that both sides edited."""
    fields: dict[str, Any] = {
        "left_id": "p1", "right_id": "t1", "attribute": "Title", "base": "a", "left": "b", "right": "c",
        "left_edited": None, "right_edited": None, "reason": "why",
    }  # fmt: skip
    return LedgerEntry.of(Conflict(**{**fields, **changes}, winner=winner, rule=rule), SIDES)
