"""What a node knows of what its peer has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tasks.database.records.record import STAMP_MAX, WHOLE, SyncRecord
from tasks.database.storages.storage import Place, Tombstone


def deletions_of(label: str) -> str:
    """The name in a cursor for how far a model's deletions are: they come behind the records of all models."""
    return f"deletions of {label}"


@dataclass
class Cursor:
    """How far a receiver is in the sender's order of arrival: everything up to `floor`, and more in some models."""

    floor: int = 0
    places: dict[str, Place] = field(default_factory=dict)

    def passed(self, label: str, place: Place) -> bool:
        """Whether the receiver has what is at this place."""
        return place[0] <= self.floor or (label in self.places and place <= self.places[label])

    @property
    def lowest(self) -> int:
        """The stamp up to which nothing at all is missing, 0 before anything was received."""
        return min([self.floor, *(stamp for stamp, _ in self.places.values())])

    def or_before(self, other: Cursor) -> Cursor:
        """A cursor up to which both have everything."""
        return Cursor(min(self.floor, other.floor))

    @staticmethod
    def read(floor: Any, places: Mapping[str, Any]) -> Cursor:
        """A cursor of JSON values, of a peer too; what is no place is left out, so more is sent, never less."""
        good: dict[str, Place] = {}
        for label, place in places.items():
            match place:
                case [int(stamp), str(key)] if not isinstance(stamp, bool) and 0 <= stamp <= STAMP_MAX:
                    good[label] = (stamp, key)
        return Cursor(floor if isinstance(floor, int) else 0, good)

    def as_json(self) -> dict[str, list[Any]]:
        """The places as JSON values."""
        return {label: list(place) for label, place in sorted(self.places.items())}


@dataclass
class PeerView:
    """What the peer has of this node's records, and what is new in what it sent.

    Args:
        has: how far the peer is in this node's order of arrival.
        own: the arrival stamps of exchanges with that very peer: it made what came with them.
        sent: records that it was sent in the exchange that is being answered.
        sent_deletes: the same for deletions.
        fresh: fields that it sent and that cannot be known here, as in `SyncManifest.fresh`.
        checkpoint: decides that by the stamps where the peer does not say.
        unsent: fields of records that could not be sent to it, though it has what comes after them.
        takes: the most bytes of one record that it takes; None: any.
    """

    has: Cursor = field(default_factory=Cursor)
    own: frozenset[int] = frozenset()
    sent: Mapping[str, Mapping[str, SyncRecord]] = field(default_factory=dict)
    sent_deletes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    fresh: Mapping[str, Mapping[str, Iterable[str]]] | None = None
    checkpoint: int = 0
    unsent: Mapping[str, Mapping[str, Iterable[str]]] = field(default_factory=dict)
    takes: int | None = None

    def knows_field(self, label: str, record: SyncRecord, name: str) -> bool:
        """Whether the peer has the record's value of this field."""
        if self.unsent and name in self.unsent.get(label, {}).get(record.key, ()):
            return False
        arrival = record.arrival(name)
        if arrival <= self.has.floor or arrival in self.own:
            return True
        sent = self.sent.get(label, {}).get(record.key)
        if sent is not None and sent.timestamps.get(name, 0) == record.timestamps.get(name, 0):
            return True
        return self.has.passed(label, (record.sync_field_last_modified, record.key))

    def unknown_fields(self, label: str, record: SyncRecord) -> list[str]:
        """The fields whose values the peer does not have."""
        if self.unsent and (missing := self.unsent.get(label, {}).get(record.key)):
            plain = replace(self, unsent={})
            return [n for n in record.data if n in missing or not plain.knows_field(label, record, n)]
        floor, own, stamps, arrivals = self.has.floor, self.own, record.timestamps, record.arrivals
        whole = arrivals.get(WHOLE, record.received_at)  # as `whole_arrival`, without a call for each record
        if not own and record.data.keys() <= stamps.keys() and min(stamps.values(), default=0) > floor:
            late = [*record.data]
        elif whole <= floor and max(arrivals.values(), default=0) <= floor:  # only edits made here are new
            late = [n for n in record.data if (at := stamps.get(n, 0)) > floor and at not in own]
        else:
            late = [
                name
                for name in record.data
                if (came := max(stamps.get(name, 0), arrivals.get(name, whole))) > floor and came not in own
            ]
        if not late or (
            label in self.has.places and self.has.passed(label, (record.sync_field_last_modified, record.key))
        ):
            return []
        sent = self.sent.get(label, {}).get(record.key) if self.sent else None
        if sent is None:
            return late
        return [name for name in late if sent.timestamps.get(name, 0) != stamps.get(name, 0)]

    def knows_record(self, label: str, record: SyncRecord) -> bool:
        """Whether the peer has the whole record as it is."""
        return not self.unknown_fields(label, record)

    def knows_tombstone(self, label: str, key: str, tombstone: Tombstone) -> bool:
        """Whether the peer has been told of the deletion, or told of it."""
        arrival = tombstone.arrival
        return (
            arrival <= self.has.floor
            or self.sent_deletes.get(label, {}).get(key) == tombstone.stamp
            or tombstone.received_at in self.own
            or self.has.passed(deletions_of(label), (arrival, key))
        )

    def sent_new(self, label: str, key: str, name: str, stamp: int) -> bool:
        """Whether a field that the peer sent cannot have been known here before."""
        if self.fresh is None:
            return stamp > self.checkpoint
        names = self.fresh.get(label, {}).get(key)
        return names is None or name in names
