"""Deletions between two full listings: a search of the trash hints at them, and each row is looked at by itself.

A search may lag or leave rows out, and it finds rows that nobody linked: from what it does not show nothing follows.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.errors import ItemError
from tasks.services.notion.api.client import Json, NotionClient
from tasks.services.notion.api.queries import PAGE_SIZE
from tasks.services.notion.pages.page import data_source_of, is_trashed
from tasks.services.notion.rows.watermark import SETTLED

#: Most rows that one run looks at; the next run looks at the others.
MOST_LOOKS = 50

#: What lies in the trash, the latest first.
_SEARCH: Mapping[str, Any] = {
    "filter": {"property": "object", "value": "page", "in_trash": True},
    "sort": {"timestamp": "last_edited_time", "direction": "descending"},
    "page_size": PAGE_SIZE,
}

#: Rows by id: the stamp of their last edit, and the time in seconds.
Told = Mapping[str, tuple[str, float]]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trashed:
    """Linked rows of a data source that lie in the trash."""

    #: Those that are told now.
    new: frozenset[str]
    #: All that were told and are still found, by id: the stamp of their last edit, and when they were told first.
    told: Told


async def look_in_trash(
    client: NotionClient,
    source: str,
    linked: Container[str],
    told: Told,
    look: Callable[[str], Awaitable[Json | None]],
) -> Trashed:
    """The linked rows that Notion itself, asked for each of them, shows in the trash.

    Args:
        client: for the search.
        source: id of the data source.
        linked: ids of the rows that are synced; no others are looked at.
        told: what the last look told.
        look: gives a row as it is now, `None` where it is not shown to this token.
    """
    answer = await client.hint("search", _SEARCH, subject="Notion's trash")
    if answer is None:
        return Trashed(frozenset(), told)
    now = time.time()
    found = {raw["id"]: raw["last_edited_time"] for raw in _rows_in(answer, source)}
    known = {row_id: (stamp, at) for row_id, (stamp, at) in told.items() if found.get(row_id) == stamp}
    # One that was restored and thrown away again in the same minute has the same stamp.
    settled = {row_id for row_id, (_, at) in known.items() if now - at >= SETTLED}
    doubtful = [row_id for row_id in found if row_id not in settled and row_id in linked]
    new: set[str] = set()
    for row_id in doubtful[:MOST_LOOKS]:
        try:
            raw = await look(row_id)
        except ItemError as error:
            log.info("a search finds page %s in the trash, but Notion does not show it: %s", row_id, error)
            continue
        if raw is not None and _lies_in_trash(raw, source):
            new.add(row_id)
    return Trashed(frozenset(new), {row_id: (found[row_id], now) for row_id in new} | known)


def _rows_in(answer: Json, source: str) -> list[Json]:
    """Those results of a search that are rows of the data source in the trash."""
    found = answer.get("results")
    return [raw for raw in found if _lies_in_trash(raw, source)] if isinstance(found, list) else []


def _lies_in_trash(raw: Any, source: str) -> bool:
    if not isinstance(raw, dict) or raw.get("object") != "page" or not is_trashed(raw):
        return False
    if not all(isinstance(raw.get(key), str) for key in ("id", "last_edited_time")):
        return False
    try:
        return data_source_of(raw) == source
    except ItemError:
        return False
