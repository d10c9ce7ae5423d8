"""What the engine asks of a node's storage."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

from tasks.database.records.record import STAMP_MAX, SyncRecord

#: A place in a node's order of arrival: a stamp, and the key of the last record there.
Place: TypeAlias = "tuple[int, str]"


class Tombstone(NamedTuple):
    """A deletion: when it was made, and when it came to this node."""

    stamp: int
    received_at: int = 0

    @property
    def arrival(self) -> int:
        """The deletion's place in this node's order of arrival."""
        return max(self)


@runtime_checkable
class DatabaseSyncStorage(Protocol):
    """The least that a storage offers. A key is either a record or a tombstone, never both.

    What peers have not received yet is asked for in the order of `SyncRecord.sync_field_last_modified`, so a
    record has to be kept with its `received_at`. Its `arrivals` need not be kept: they are noted elsewhere.
    """

    def get_checkpoint(self, node_id: str) -> int:
        """The checkpoint that was saved last; 0 where there is none."""
        ...

    def get_after_keys(self, node_id: str) -> dict[str, Any]:
        """The JSON values that were saved with it."""
        ...

    def save_checkpoint(self, node_id: str, timestamp: int, after_keys: dict[str, Any] | None = None) -> None:
        """Keep a checkpoint and what belongs to it, instead of what was there."""
        ...

    def get_changed_since(
        self, model_label: str, timestamp: int, limit: int | None = None, after_key: Place | None = None
    ) -> dict[str, SyncRecord]:
        """Records with a `sync_field_last_modified` above `timestamp`, in the order of that and key.

        `limit` is the most that is given; with `after_key` only those with (stamp, key) above it are given.
        """
        ...

    def get_deletes_since(self, model_label: str, timestamp: int) -> dict[str, int]:
        """The stamps of all tombstones above `timestamp`, by key."""
        ...

    def get_records(self, model_label: str, keys: Collection[str]) -> dict[str, SyncRecord]:
        """The records of these keys that are there."""
        ...

    def upsert_many(self, model_label: str, records: dict[str, SyncRecord]) -> set[str]:
        """Write records whole, in place of tombstones too; return the keys of those that cannot be written."""
        ...

    def delete_many(self, model_label: str, deletes: dict[str, int]) -> Any:
        """Delete records and keep tombstones with these stamps, also where there was no record."""
        ...


@runtime_checkable
class ArrivalStorage(DatabaseSyncStorage, Protocol):
    """A storage that also knows when tombstones and single fields came.

    Others are wrapped (see `tasks.database.storages.plain`).

    It may also have `transaction()`, `keep_conflicts(entries)`, which is called in the transaction that resolved
    them, `refusals`, a mapping of (model, key) to why a record could not be written last, and be a
    `ReferringStorage`.
    """

    def horizon(self, now: int) -> int:
        """Give all that is visible a place; return a stamp above these places that is at least `now`.

        Everything that has come up to the returned stamp is visible, and nothing gets a place at or below it
        any more, except what the open transaction itself writes with it as `received_at`.
        """
        ...

    def get_tombstones(self, model_label: str, keys: Collection[str]) -> dict[str, Tombstone]:
        """The tombstones of these keys that are there."""
        ...

    def get_deletes_page(
        self, model_label: str, timestamp: int, limit: int | None = None, after_key: Place | None = None
    ) -> dict[str, Tombstone]:
        """As `get_changed_since`, for tombstones, in the order of arrival and key."""
        ...

    def delete_many(self, model_label: str, deletes: dict[str, int], received_at: int = 0) -> set[str]:
        """As above; `received_at` is when they came here. Return the keys of records that cannot be deleted."""
        ...

    def upsert_without(
        self, model_label: str, records: dict[str, SyncRecord], parents: Collection[str]
    ) -> set[str]:
        """As `upsert_many`, with the foreign keys to these models left empty for now.

        A field that is left empty is kept without its timestamp, so that the `upsert_many` that follows, or a
        later one, is newer.
        """
        ...

    def get_clock_bound(self) -> int:
        """The stamp above which the node's clock has given none out."""
        ...

    def save_clock_bound(self, bound: int) -> None:
        """Keep a clock's bound; it only ever grows, also when a transaction is undone."""
        ...

    def get_nodes(self) -> Mapping[str, int]:
        """All node ids that have a checkpoint, with it."""
        ...

    def forget_node(self, node_id: str) -> None:
        """Drop a node's checkpoint and what belongs to it."""
        ...

    def purge_tombstones(self, arrival: int) -> int:
        """Drop the tombstones that came at or before this stamp; return how many."""
        ...

    def get_purged(self) -> int:
        """The largest stamp up to which tombstones may have been dropped."""
        ...

    def get_keys(self, model_label: str) -> Iterable[str]:
        """The keys of all records."""
        ...

    def count(self, model_label: str, most: int | None = None) -> int:
        """How many records there are; no more than `most` are counted."""
        ...


@runtime_checkable
class RestampableStorage(Protocol):
    """What a storage offers beside `ArrivalStorage` so that stamps of a clock that was ahead can be taken back.

    It also keeps what it told of its order of arrival, so that it is noticed when the whole was set back.
    """

    def get_last_place(self) -> int:
        """The last stamp that `horizon` returned; 0 before."""
        ...

    def get_stamps_above(self, model_label: str, stamp: int) -> Iterator[tuple[str, dict[str, int]]]:
        """Keys of records and tombstones with a stamp above this one, each with all its stamps by field.

        A tombstone's is under `WHOLE`. What was given may be written again before the next is asked for.
        """
        ...

    def get_newest_up_to(self, stamp: int) -> int:
        """The largest stamp of all records and tombstones that have none above this one; 0: there are none."""
        ...

    def restamp(self, model_label: str, stamps: Mapping[str, Mapping[str, int]]) -> None:
        """Give these fields of these keys other stamps, a tombstone's under `WHOLE`.

        They come to the end of the node's order of arrival.
        """
        ...

    def get_restamped(self) -> dict[int, int]:
        """When stamps were taken back, and above which, as `save_restamped` was told."""
        ...

    def save_restamped(self, at: int, above: int) -> None:
        """Keep that stamps `above` this one were taken back `at` this place."""
        ...

    def purge_tombstones(self, arrival: int, stamp_max: int = STAMP_MAX) -> int:
        """As in `ArrivalStorage`, without those that have a larger stamp: their deletions may still be taken back."""
        ...

    def lower_clock_bound(self, bound: int) -> None:
        """Set the clock's bound back, where it is higher."""
        ...


class Reference(NamedTuple):
    """A living record that a foreign key leads from, and the one that it leads to."""

    model: str
    key: str
    parent_model: str
    parent_key: str


@runtime_checkable
class ReferringStorage(Protocol):
    """What a storage with foreign keys offers beside `ArrivalStorage`."""

    def get_references(self, model_label: str, keys: Collection[str]) -> Iterable[Reference]:
        """All living records, of any synced model, that refer to these."""
        ...
