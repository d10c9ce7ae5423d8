"""What a task wrote to Notion a moment ago, and a listing that lags may not show yet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tasks.notion.page import Page
from tasks.values import dump


@dataclass(frozen=True)
class _Written:
    """A row as Notion answered a write."""

    #: Seconds since 1970.
    at: float
    #: ISO 8601, `None` where the write put it into the trash.
    edited: str | None = None
    values: str = ""


@dataclass
class OwnWrites:
    """The latest writes, for as long as queries may show the rows as they were before."""

    _written: dict[str, _Written] = field(default_factory=dict)

    def note(self, page: Page, now: float) -> None:
        """Remember the answer to a write."""
        self._written[page.id] = _Written(now, page.last_edited.isoformat(), _digest(page))

    def note_trashed(self, page_id: str, now: float) -> None:
        """Remember that a row was put into the trash."""
        self._written[page_id] = _Written(now)

    def forget(self, before: float) -> None:
        """Forget what every listing shows by now."""
        self._written = {page_id: one for page_id, one in self._written.items() if one.at >= before}

    def may_be_newer_than(self, listed: Page) -> bool:
        """Whether a listed row may be older than what was written to it."""
        written = self._written.get(listed.id)
        if written is None or written.edited is None:
            return written is not None
        return (
            listed.last_edited <= datetime.fromisoformat(written.edited) and _digest(listed) != written.values
        )

    def to_json(self) -> Any:
        """What the next run is to know, in this process or another."""
        return {page_id: [one.at, one.edited, one.values] for page_id, one in self._written.items()}

    def from_json(self, document: Any) -> None:
        """Take over what `to_json` gave, where it is newer than what is known here."""
        for page_id, found in (document or {}).items():
            one = _Written(*found)
            if page_id not in self._written or self._written[page_id].at < one.at:
                self._written[page_id] = one


def _digest(page: Page) -> str:
    return hashlib.sha256(dump(dict(page.values)).encode()).hexdigest()[:16]
