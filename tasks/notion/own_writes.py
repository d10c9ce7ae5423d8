"""What this process wrote a moment ago, and a listing that lags may not show yet."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.notion.page import Page
from tasks.values import same


@dataclass
class OwnWrites:
    """Rows as Notion answered a write, for as long as queries may show them as they were before."""

    #: By row: what it was then, `None` for one that was put into the trash, and when, in monotonic seconds.
    _written: dict[str, tuple[Page | None, float]] = field(default_factory=dict)

    def note(self, page_id: str, page: Page | None, now: float) -> None:
        """Remember the answer to a write."""
        self._written.pop(page_id, None)
        self._written[page_id] = page, now

    def forget(self, before: float) -> None:
        """Forget what every listing shows by now."""
        for page_id in [page_id for page_id, (_, at) in self._written.items() if at < before]:
            del self._written[page_id]

    def may_be_newer_than(self, listed: Page) -> bool:
        """Whether a listed row may be older than what was written to it."""
        if listed.id not in self._written:
            return False
        page, _ = self._written[listed.id]
        if page is None:
            return True
        if listed.last_edited > page.last_edited:
            return False
        return not same(dict(listed.values), dict(page.values))
