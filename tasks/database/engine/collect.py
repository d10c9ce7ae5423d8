"""What a peer does not have yet, a page at a time, in this node's own order of arrival."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tasks.database.records.graph import DependencyGraph
from tasks.database.records.manifest import ModelPayload
from tasks.database.records.record import SyncRecord
from tasks.database.storages.storage import ArrivalStorage, Place, Tombstone
from tasks.database.storages.unsent import Unsent, is_plain_key, refusal
from tasks.database.storages.view import Cursor, PeerView, deletions_of

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

    def payload(self, label: str) -> ModelPayload:
        """What it holds of a model."""
        found = self.payloads.get(label)
        if found is None:
            found = self.payloads[label] = ModelPayload(label)
        return found


@dataclass
class Collector:
    """Reads pages: all records, parents first, and only behind them deletions, children first.

    So a record that has left its parent is there before the parent goes, in whatever pages they travel.

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
        room, most = _Room(self.limit, self.bytes_limit), self.limit_for(view)
        order = self.graph.sync_order()
        for label in order:
            left_out, before = (leave_out or {}).get(label, ()), view.unsent.get(label, ())
            for place, key, record in self._records(label, start, horizon):
                news = view.unknown_fields(label, record)
                if not news or key in left_out:
                    pass
                elif (unsent := refusal(record, news, most, plain=self.plain)) is not None:
                    page.unsent.setdefault(label, {})[key] = unsent
                elif key in before:  # it is sent whole, from a place of its own
                    page.mended.setdefault(label, set()).add(key)
                elif room.take(len(key) + 6 + len(record.encode())):
                    page.payload(label).records[key] = record
                    if len(news) < len(record.data):
                        page.fresh.setdefault(label, {})[key] = news
                else:
                    page.has_more = True
                    return page
                page.cursor.places[label] = place
            page.cursor.places[label] = (horizon, LAST_KEY)
        for label in reversed(order):
            left_out, before = (leave_out or {}).get(label, ()), view.unsent.get(label, ())
            for place, key, tombstone in self._deletions(label, start, horizon):
                if not view.knows_tombstone(label, key, tombstone) and key not in left_out:
                    if key in before:
                        page.mended.setdefault(label, set()).add(key)
                    if not self.plain or is_plain_key(key):
                        if not room.take(len(key) + 24):
                            page.has_more = True
                            return page
                        page.payload(label).deletes[key] = tombstone.stamp
                page.cursor.places[deletions_of(label)] = place
            page.cursor.places[deletions_of(label)] = (horizon, LAST_KEY)
        page.cursor = Cursor(max(horizon, start.floor))
        page.has_more = bool(page.mended)
        return page

    @property
    def _most(self) -> int:
        return CHUNK if self.limit is None else min(CHUNK, self.limit + 1)

    def _records(self, label: str, start: Cursor, horizon: int) -> Iterator[tuple[Place, str, SyncRecord]]:
        place, chunk = start.places.get(label), min(FIRST_CHUNK, self._most)
        while True:
            found = self.storage.get_changed_since(label, start.floor, limit=chunk, after_key=place)
            for key, record in found.items():
                place = (record.sync_field_last_modified, key)
                if place[0] > horizon:
                    return
                yield place, key, record
            if len(found) < chunk:
                return
            chunk = _next_chunk(found, self._most)

    def _deletions(self, label: str, start: Cursor, horizon: int) -> Iterator[tuple[Place, str, Tombstone]]:
        place, chunk = start.places.get(deletions_of(label)), self._most
        while True:
            found = self.storage.get_deletes_page(label, start.floor, limit=chunk, after_key=place)
            for key, tombstone in found.items():
                place = (tombstone.arrival, key)
                if place[0] > horizon:
                    return
                yield place, key, tombstone
            if len(found) < chunk:
                return


@dataclass
class _Room:
    """What a page can still take."""

    limit: int | None
    bytes_limit: int | None
    count: int = 0
    size: int = 0

    def take(self, weight: int) -> bool:
        """Whether there was room for something of so many bytes."""
        if (self.limit is not None and self.count >= self.limit) or (
            self.bytes_limit is not None and self.count and self.size + weight > self.bytes_limit
        ):
            return False
        self.count, self.size = self.count + 1, self.size + weight
        return True


def _next_chunk(records: Mapping[str, SyncRecord], most: int) -> int:
    """As many as are not too much to hold at once, if they are like these."""
    sizes = [_size(each) if each.text is None else len(each.text) for each in records.values()]
    size = sum(sizes) // max(1, len(sizes))
    return max(1, min(most, CHUNK_BYTES // (size + 1)))


def _size(record: SyncRecord) -> int:
    return sum(len(value) for value in record.data.values() if isinstance(value, str))
