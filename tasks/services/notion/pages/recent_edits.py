"""Whether rows are still as they were read, for many writes at the price of one query.

Notion has no conditional writes, so that a row is looked at before it is written. Row by row that doubles the requests.
One query for what was edited lately tells it of all rows, but it must not lag. The writes of this very run say so:
a query that shows all of them, the last one seconds ago, shows what people did until then as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tasks.services.notion.pages.page import Page
from tasks.values.canonical import same

Json = dict[str, Any]

#: Seconds without a query after one that proved nothing.
DOUBTFUL = 10.0

#: Rows of one answer, and most answers to one query.
ROWS = 100
MOST_ANSWERS = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Written:
    """A row as this run wrote it."""

    page: Page
    #: When the write was begun and when it was answered.
    begun: float
    answered: float


class RecentEdits:
    """What people edit while a run writes.

    Parameters:
        ask: gives all rows that were edited at a moment (ISO 8601) or later, also those that the task does not
            sync; `None` where it cannot tell that these are all.
        read: the row that an answer holds.
        clock: seconds that never go back.
        lag: how long queries may not show an edit.
        fresh: for how long a row counts as it was seen, and how long ago the last write that proves a query
            may be; zero asks for each row by itself.
    """

    def __init__(
        self,
        ask: Callable[[str], Awaitable[list[Json] | None]],
        read: Callable[[Json], Awaitable[Page]],
        clock: Callable[[], float],
        lag: timedelta,
        fresh: timedelta,
    ) -> None:
        self._ask = ask
        self._read = read
        self._clock = clock
        self._lag = lag
        self._fresh = fresh.total_seconds()
        #: When the first listing of the run began.
        self._listed: float | None = None
        self._written: dict[str, _Written] = {}
        #: Rows that were seen since, and when; of all others it is known as of `_seen_all`.
        self._seen: dict[str, tuple[float, Json]] = {}
        self._seen_all: float | None = None
        self._doubtful_until = float("-inf")
        self._first = asyncio.Lock()
        self._asking = asyncio.Lock()

    def list_from(self, begun: float) -> None:
        """Rows are listed as of this time."""
        self._listed = begun if self._listed is None else min(begun, self._listed)

    def saw(self, raw: Json, begun: float) -> None:
        """A single row was read, by a request that was begun at this time."""
        self._seen[raw["id"]] = begun, raw

    def wrote(self, page: Page, begun: float) -> None:
        """A row was made or changed by this run, by a request that was begun at this time."""
        self._written[page.id] = _Written(page, begun, self._clock())
        self._seen.pop(page.id, None)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Around each write: the first one of a run goes alone, for it tells what time it is in Notion."""
        await self._first.acquire()
        if self._written:
            self._first.release()
            yield
            return
        try:
            yield
        finally:
            self._first.release()

    async def look(self, page_id: str) -> Json | bool:
        """The row as it is now, if it was edited lately; else whether it is surely as it was listed."""
        if page_id in self._written:
            return False
        found = self._known(page_id)
        if found is None:
            async with self._asking:
                found = self._known(page_id)
                if found is None and self._is_worth_asking():
                    await self._ask_for_all()
                    found = self._known(page_id)
        return False if found is None else found

    def _known(self, page_id: str) -> Json | bool | None:
        now = self._clock()
        seen, raw = self._seen.get(page_id, (None, {}))
        if seen is not None and now - seen < self._fresh:
            return raw
        if self._seen_all is None or now - self._seen_all >= self._fresh:
            return None
        return raw if seen is not None else True

    def _is_worth_asking(self) -> bool:
        now = self._clock()
        lately = sum(now - written.answered < self._fresh for written in self._written.values())
        if self._listed is None or not lately or now < self._doubtful_until:
            return False
        since = self._since()
        answers = 1 + sum(written.page.last_edited >= since for written in self._written.values()) // ROWS
        return answers <= min(lately, MOST_ANSWERS)

    def _since(self) -> datetime:
        """A moment of Notion's clock before which all is known."""
        last = max(self._written.values(), key=lambda written: written.answered)
        if self._seen_all is not None:
            known = self._seen_all - self._fresh
        else:
            known = (self._listed or 0.0) - self._lag.total_seconds()
        passed = timedelta(seconds=max(0.0, last.answered - known))
        return (last.page.last_edited - passed).replace(second=0, microsecond=0)

    async def _ask_for_all(self) -> None:
        begun, since = self._clock(), self._since()
        own = [written for written in self._written.values() if written.page.last_edited >= since]
        rows = await self._ask(since.isoformat())
        found = None if rows is None else {raw["id"]: raw for raw in rows}
        if found is None or not all([await self._shows(found, written, begun) for written in own]):
            log.info("Notion's queries may lag: rows are read one by one before they are written")
            self._doubtful_until = self._clock() + DOUBTFUL
            return
        ours = {written.page.id for written in own}
        self._seen |= {page_id: (begun, raw) for page_id, raw in found.items() if page_id not in ours}
        self._seen_all = begun

    async def _shows(self, found: dict[str, Json], written: _Written, begun: float) -> bool:
        """Whether a query shows what this run wrote before it was begun."""
        if written.answered > begun:
            return True
        raw = found.get(written.page.id)
        if raw is None:
            return False
        shown = (await self._read(raw)).values
        return all(same(value, shown.get(name)) for name, value in written.page.values.items())
