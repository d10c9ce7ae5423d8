"""What a peer deleted while something that lives here refers to it: it stays, on all nodes.

Whoever deletes a record decides on what referred to it there: that goes with it, or points elsewhere from then on. A
record that still refers to it was made or edited by somebody who did not know, and nobody has deleted that one. So the
deletion loses against it, whatever the stamps: the record gets a newer life, which reaches all nodes, and the ledger
names it. What a foreign key would do here (`CASCADE`, `SET NULL`) therefore never happens to records that are synced.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from tasks.database.records.graph import in_order
from tasks.database.records.record import SyncRecord
from tasks.database.storages.storage import ArrivalStorage, Reference, ReferringStorage

#: A model and a key.
Name = tuple[str, str]


class References:
    """Which records refer to those that are about to be deleted.

    Args:
        storage: where to look; one without foreign keys has none.
        doomed: the keys of what is to be deleted, by model.
    """

    def __init__(self, storage: ArrivalStorage, doomed: Mapping[str, Collection[str]]) -> None:
        self._doomed = {(label, key) for label, keys in doomed.items() for key in keys}
        self._parents: dict[Name, list[Name]] = {}
        if isinstance(storage, ReferringStorage):
            for label, keys in doomed.items():
                if keys:
                    self._add(storage.get_references(label, keys))

    def _add(self, references: Iterable[Reference]) -> None:
        for child, key, parent, parent_key in references:
            if (child, key) != (parent, parent_key):
                self._parents.setdefault((child, key), []).append((parent, parent_key))

    def kept(
        self, unwritten: Mapping[str, Collection[str]] | None = None
    ) -> tuple[dict[Name, Name], dict[Name, Name]]:
        """What cannot go, each with a record that stays and refers to it; then what nothing can be said of yet.

        That is what only such records refer to as are `unwritten`: they may refer to something else by now.
        """
        roots = sorted(name for name in self._parents if name not in self._doomed)
        may_change = [name for name in roots if name[1] in (unwritten or {}).get(name[0], ())]
        stays = self._reached(sorted({*roots}.difference(may_change)))
        undecided = self._reached(may_change)
        return stays, {name: child for name, child in undecided.items() if name not in stays}

    def _reached(self, roots: Iterable[Name]) -> dict[Name, Name]:
        found: dict[Name, Name] = {}
        waiting = deque(roots)
        while waiting:
            name = waiting.popleft()
            for parent in self._parents.get(name, ()):
                if parent in self._doomed and parent not in found:
                    found[parent] = name
                    waiting.append(parent)
        return found

    def children_first(self, label: str, keys: Iterable[str]) -> list[str]:
        """These keys of a model, each before those that it refers to."""
        names = in_order([(label, key) for key in keys], self._parents)
        return [key for _, key in names]


def renewed(record: SyncRecord, stamp: int, identity: str) -> SyncRecord:
    """The record with a life that is as new as the stamp.

    One field is enough: the one that holds the key, which nobody can have edited.
    """
    names = [identity] if str(record.data.get(identity)) == record.key else _of_the_key(record)
    return replace(
        record,
        data=dict(record.data),
        timestamps={**record.timestamps, **dict.fromkeys(names, stamp)},
        arrivals=dict(record.arrivals),
    )


def _of_the_key(record: SyncRecord) -> list[str]:
    return [name for name, value in record.data.items() if str(value) == record.key][:1] or list(record.data)
