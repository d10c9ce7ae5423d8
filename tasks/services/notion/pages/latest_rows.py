"""What a task wrote to Notion or read of single rows a moment ago, and a listing that lags may not show yet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tasks.services.notion.pages.page import Page
from tasks.values.canonical import dump


@dataclass(frozen=True)
class _Seen:
    """A row as Notion showed it by itself."""

    #: Seconds since 1970.
    at: float
    #: ISO 8601, `None` where the write put it into the trash.
    edited: str | None = None
    values: str = ""


@dataclass
class LatestRows:
    """Rows as they were shown by themselves, for as long as queries may show them as they were before."""

    _seen: dict[str, _Seen] = field(default_factory=dict)

    def note(self, page: Page, now: float) -> None:
        """Remember the answer to a write, or a row that was read by itself."""
        self._seen[page.id] = _Seen(now, page.last_edited.isoformat(), _digest(page))

    def note_trashed(self, page_id: str, now: float) -> None:
        """Remember that a row was put into the trash."""
        self._seen[page_id] = _Seen(now)

    def forget(self, before: float) -> None:
        """Forget what every listing shows by now."""
        self._seen = {page_id: one for page_id, one in self._seen.items() if one.at >= before}

    def may_be_newer_than(self, listed: Page) -> bool:
        """Whether a listed row may be older than it was seen since."""
        seen = self._seen.get(listed.id)
        if seen is None or seen.edited is None:
            return seen is not None
        return listed.last_edited <= datetime.fromisoformat(seen.edited) and _digest(listed) != seen.values

    def to_json(self) -> Any:
        """What the next run is to know, in this process or another."""
        return {page_id: [one.at, one.edited, one.values] for page_id, one in self._seen.items()}

    def from_json(self, document: Any) -> None:
        """Take over what `to_json` gave, where it is newer than what is known here."""
        for page_id, found in (document or {}).items():
            one = _Seen(*found)
            if page_id not in self._seen or self._seen[page_id].at < one.at:
                self._seen[page_id] = one


def _digest(page: Page) -> str:
    return hashlib.sha256(dump(dict(page.values)).encode()).hexdigest()[:16]
