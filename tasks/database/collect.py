"""What a peer does not have yet, a page at a time, in this node's own order of arrival."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tasks.database.graph import DependencyGraph
from tasks.database.manifest import ModelPayload
from tasks.database.record import SyncRecord
from tasks.database.storage import ArrivalStorage, Place, Tombstone
from tasks.database.unsent import Unsent, is_plain_key, refusal
from tasks.database.view import Cursor, PeerView

#: Records that are read at once, about how many bytes of them, and how many first, when their size is not known.
CHUNK, CHUNK_BYTES, FIRST_CHUNK = 1000, 32_000_000, 20

#: Comes after every key.
LAST_KEY = "\U0010ffff"


@dataclass
class Page:
    """A part of what a peer does not have, and where it ends."""

    payloads: dict[str, ModelPayload] = field(default_factory=dict)
    fresh: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    #: What the peer has when it has taken this page.
    cursor: Cursor = field(default_factory=Cursor)
    has_more: bool = False
    #: As `SyncManifest.restamped`.
    restamped: dict[int, int] = field(default_factory=dict)
    #: What would be in it, and cannot be sent.
    unsent: dict[str, dict[str, Unsent]] = field(default_factory=dict)
    #: What could not be sent before, and can be now, or is deleted.
    mended: dict[str, set[str]] = field(default_factory=dict)

    @property
    def met_nothing(self) -> bool:
        """Whether there is nothing to send, and nothing to be noted of what is not."""
        return not (self or self.unsent or self.mended)

    def __bool__(self) -> bool:
        return any(payload.records or payload.deletes for payload in self.payloads.values())


@dataclass
class Collector:
    """Reads pages. Models come in the graph's order, so that what a record points to comes before it.

    Args:
        storage: where to read.
        graph: the models.
        limit: the most records and deletions of a page.
        bytes_limit: the most bytes of a page; a single larger record is a page of its own.
        record_limit: the most bytes of a record that is sent at all.
        plain: whether keys and texts that not every database can keep are not sent.
    """

    storage: ArrivalStorage
    graph: DependencyGraph
    limit: int | None
    bytes_limit: int | None
    record_limit: int | None = None
    plain: bool = False

    def unsendable(self, record: SyncRecord, fields: Iterable[str], view: PeerView) -> Unsent | None:
        """Why a record cannot be sent to the peer; None: it can."""
        return refusal(record, fields, self.limit_for(view), plain=self.plain)

    def limit_for(self, view: PeerView) -> int | None:
        """The most bytes of a record that the peer is sent."""
        return min((most for most in (self.record_limit, view.takes) if most is not None), default=None)

    def page(
        self,
        start: Cursor,
        horizon: int,
        view: PeerView,
        *,
        leave_out: Mapping[str, Collection[str]] | None = None,
    ) -> Page:
        """The next page after `start`, of what has come up to `horizon`.

        What the peer made itself is left out, and the keys of `leave_out`, which it is told of anyway.
        """
        page = Page(cursor=Cursor(start.floor, dict(start.places)))
        count = size = 0
        for label in self.graph.sync_order():
            payload = ModelPayload(label)
            left_out = (leave_out or {}).get(label, ())
            for place, key, found in self._changes(label, start, horizon):
                weight = 0
                news: list[str] | None = None
                if isinstance(found, SyncRecord):
                    news = view.unknown_fields(label, found)
                    wanted = bool(news) and key not in left_out
                else:
                    wanted = not view.knows_tombstone(label, key, found) and key not in left_out
                wanted = wanted and self._can_go(page, label, key, found, news or (), view)
                if wanted:
                    if self.bytes_limit is not None:
                        weight = _weight(key, found)
                    full = (self.limit is not None and count >= self.limit) or (
                        self.bytes_limit is not None and count and size + weight > self.bytes_limit
                    )
                    if full:
                        page.has_more = True
                        break
                    count, size = count + 1, size + weight
                    if isinstance(found, SyncRecord):
                        payload.records[key] = found
                        if news is not None and len(news) < len(found.data):
                            page.fresh.setdefault(label, {})[key] = news
                    else:
                        payload.deletes[key] = found.stamp
                page.cursor.places[label] = place
            if payload.records or payload.deletes:
                page.payloads[label] = payload
            if page.has_more:
                return page
            page.cursor.places[label] = (horizon, LAST_KEY)
        page.cursor = Cursor(max(horizon, start.floor))
        page.has_more = bool(page.mended)
        return page

    def _can_go(
        self,
        page: Page,
        label: str,
        key: str,
        found: SyncRecord | Tombstone,
        news: Iterable[str],
        view: PeerView,
    ) -> bool:
        """Whether it can be sent now. What could not be before is sent whole, from a place of its own."""
        before = key in view.unsent.get(label, ())
        if isinstance(found, Tombstone):
            if before:
                page.mended.setdefault(label, set()).add(key)
            return not self.plain or is_plain_key(key)
        unsent = self.unsendable(found, news, view)
        if unsent is not None:
            page.unsent.setdefault(label, {})[key] = unsent
        elif before:
            page.mended.setdefault(label, set()).add(key)
        return unsent is None and not before

    def _changes(
        self, label: str, start: Cursor, horizon: int
    ) -> Iterator[tuple[Place, str, SyncRecord | Tombstone]]:
        place = start.places.get(label)
        most = CHUNK if self.limit is None else min(CHUNK, self.limit + 1)
        chunk = min(FIRST_CHUNK, most)
        while True:
            records = self.storage.get_changed_since(label, start.floor, limit=chunk, after_key=place)
            deletes = self.storage.get_deletes_page(label, start.floor, limit=chunk, after_key=place)
            if not deletes:
                for key, record in records.items():
                    place = (record.sync_field_last_modified, key)
                    if place[0] > horizon:
                        return
                    yield place, key, record
                if len(records) < chunk:
                    return
                chunk = _next_chunk(records, most)
                continue
            found: list[tuple[Place, str, SyncRecord | Tombstone]] = [
                ((record.sync_field_last_modified, key), key, record) for key, record in records.items()
            ]
            found += [((tombstone.arrival, key), key, tombstone) for key, tombstone in deletes.items()]
            found.sort(key=lambda change: change[0])
            ends = [
                max(change[0] for change in found if isinstance(change[2], kind))
                for kind, part in ((SyncRecord, records), (Tombstone, deletes))
                if len(part) >= chunk
            ]
            # Where only one kind was read to its end, the other kind's changes go as far as they were read.
            for change in found:
                if change[0][0] > horizon:
                    return
                if ends and change[0] > min(ends):
                    break
                place = change[0]
                yield change
            if not ends:
                return
            chunk = _next_chunk(records, most)


def _next_chunk(records: Mapping[str, SyncRecord], most: int) -> int:
    """As many as are not too much to hold at once, if they are like these."""
    size = sum(map(_size, records.values())) // max(1, len(records))
    return max(1, min(most, CHUNK_BYTES // (size + 1)))


def _size(record: SyncRecord) -> int:
    if record.text is not None:
        return len(record.text)
    return sum(len(value) for value in record.data.values() if isinstance(value, str))


def _weight(key: str, found: SyncRecord | Tombstone) -> int:
    if isinstance(found, Tombstone):
        return len(key) + 24
    try:
        return len(key) + 6 + len(found.encode())
    except (TypeError, ValueError):  # it will not be sent, and here is not the place to say so
        return len(key) + 6 + len(json.dumps(found.to_dict(), default=str))
