"""A world in which notes belong to items by a foreign key that acts: whoever deletes an item deletes its notes.

The storages do what databases do: they refuse a note without its item, and what they take away with an item is an
edit made there. So an engine that leaves it to them loses what nobody has deleted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Set
from typing import Any

from tasks.database import ConflictType, FieldTimestampWins
from tasks.database.records.record import SyncRecord
from tasks.database.storages.storage import Reference
from tests.tasks.database.simulated.nodes import CrashingStorage, Node
from tests.tasks.database.simulated.oracle import Oracle
from tests.tasks.database.simulated.world import FIELDS, KEYS, World

#: What has to have happened beside what the plain world reaches.
REACHABLE = (
    "moved_away",
    "cascaded",
    "emptied",
    "claimed_unseen",
    "stayed",
    "waited_for_its_parent",
    "put_off",
)


class ReferringStorage(CrashingStorage):
    """A storage with a foreign key from notes to items."""

    on_delete = "CASCADE"

    def notes_of(self, key: str) -> list[str]:
        notes = self._records.get("note", {})
        return sorted(name for name, note in notes.items() if note.data.get("item") == key)

    def get_references(self, model_label: str, keys: Collection[str]) -> Iterator[Reference]:
        for key in sorted(keys) if model_label == "item" else ():
            for name in self.notes_of(key):
                yield Reference("note", name, "item", key)

    def upsert_many(self, model_label: str, records: dict[str, SyncRecord]) -> set[str]:
        items = self._records.get("item", {})
        orphans = {
            key
            for key, record in records.items()
            if model_label == "note"
            and record.data.get("item") is not None
            and record.data["item"] not in items
        }
        kept = {key: record for key, record in records.items() if key not in orphans}
        return super().upsert_many(model_label, kept) | orphans

    def delete_many(self, model_label: str, deletes: dict[str, int], received_at: int = 0) -> set[str]:
        refused: set[str] = set()
        for key in deletes if model_label == "item" else ():
            notes = self.notes_of(key)
            if notes and self.on_delete == "NO ACTION":
                refused.add(key)
                continue
            for name in notes:
                if self.on_delete == "CASCADE":
                    self.remove("note", name)
                else:
                    self.edit("note", name, item=None)
        done = {key: stamp for key, stamp in deletes.items() if key not in refused}
        return super().delete_many(model_label, done, received_at) | refused


class ReferringNode(Node):
    storage_class = ReferringStorage


class FamilyOracle(Oracle):
    """Knows which items may be there though they were deleted.

    On real databases they have other names: `parent`, `child`, and the foreign key `link`.
    """

    parent, child, link = "item", "note", "item"

    def __init__(self) -> None:
        super().__init__()
        #: What was written to notes of an item, by item.
        self.claims: dict[str, list[tuple[str, str]]] = defaultdict(list)
        #: Items that somebody wrote notes of without knowing of a deletion, or who deleted without knowing of them.
        self.claimed: set[str] = set()
        self.stayed: set[str] = set()
        #: When a note was last edited by its foreign key, which left it empty.
        self.emptied: dict[str, int] = {}

    def claim(self, item: str, note: str, value: str) -> None:
        self.claims[item].append((note, value))
        if self.deletions.get((self.parent, item)):
            self.claimed.add(item)

    def abandon(self, item: str, shown: Set[str], elsewhere: Set[str] = frozenset()) -> None:
        """Somebody who is shown these values deletes an item; others are shown notes of it with those `elsewhere`.

        What is still there elsewhere was not known here, though a third one may have seen and deleted it already.
        """
        gone = self.seen_gone - elsewhere
        if any(value not in shown and value not in gone for _, value in self.claims[item]):
            self.claimed.add(item)

    def conflict(self, entry: Any) -> None:
        super().conflict(entry)
        conflict = entry.conflict
        deleted = (conflict.model_label, conflict.conflict_type) == (
            self.parent,
            ConflictType.DELETE_VS_MODIFY,
        )
        if deleted and entry.kept is not None:
            self.stayed.add(conflict.key)

    def judge(self, states: dict[str, Any], *, by_time: bool, ledger: bool) -> list[str]:
        faults = super().judge(states, by_time=by_time, ledger=ledger)
        for name, state in states.items():
            faults += [
                f"{name}: {self.child} {key} belongs to {data[self.link]}, which is not there"
                for key, (data, _) in state[self.child].items()
                if data.get(self.link) is not None and data[self.link] not in state[self.parent]
            ]
        return faults

    def _exact(self, state: dict[str, Any], live: dict[tuple[str, str, str], str]) -> list[str]:
        may_stay = tuple(
            f"{self.parent} {key}: edited" for key in self.stayed & self.claimed & state[self.parent].keys()
        )
        may_stay += tuple(
            f"{self.child} {key}: edited"
            for key, stamp in self.emptied.items()
            if stamp > self.deleted.get((self.child, key), -1) and key in state[self.child]
        )
        return [fault for fault in super()._exact(state, live) if not fault.startswith((*may_stay, "-"))]


class FamilyWorld(World):
    """A world of items and their notes."""

    node_class = ReferringNode
    oracle_class = FamilyOracle
    oracle: FamilyOracle

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        if not self.by_time:  # a resolver that insists on what refers to nothing has it held for ever
            self.by_time = True
            for node in self.nodes:
                node.resolver = FieldTimestampWins
                node.start()
        action = self.random.choice(["CASCADE", "CASCADE", "SET NULL", "NO ACTION"])
        for node in self.nodes:
            node.storage.on_delete = action

    def user_acts(self, node: Node, reached: str = "") -> None:
        fuse, node.storage.fuse = node.storage.fuse, -1  # the user's program is another process
        label = self.random.choice(["item", "note", "note"])
        key = self.random.choice(KEYS)
        shown = node.shown(label, key)
        if shown is not None and self.random.random() < 0.3:
            self._remove_item(node, key) if label == "item" else self._remove(node, label, key)
        else:
            self._write(node, label, key)
        node.storage.fuse = fuse
        if reached:
            self.reach[reached] += 1

    def _write(self, node: Node, label: str, key: str, **fields: Any) -> None:
        shown = node.shown(label, key)
        self.values += 1
        names = FIELDS if shown is None else self.random.sample(FIELDS, self.random.choice([1, 2]))
        written = {name: f"v{self.values}{name}" for name in names}
        items = sorted(node.storage._records.get("item", {}))
        if label == "note" and not fields and (shown is None or self.random.random() < 0.4):
            fields = {"item": self.random.choice([*items, *items, None])}
        again = shown is None and (label, key) in self.oracle.deletions
        record = node.storage.edit(label, key, **written, **fields)
        self.oracle.edit(label, key, written, record.newest, shown)
        belongs = record.data.get("item")
        if label == "note" and belongs is not None:
            self.oracle.claim(belongs, key, next(iter(written.values())))
        self.reach["recreated" if again else "created" if shown is None else "edited"] += 1
        self.note(f"{node.name} writes {label} {key} {written} {fields} at {record.newest}")

    def _remove(self, node: Node, label: str, key: str) -> None:
        shown = node.shown(label, key)
        assert shown is not None
        node.storage.remove(label, key)
        self._removed(node, label, key, shown)

    def _removed(self, node: Node, label: str, key: str, shown: dict[str, Any]) -> None:
        stamp = node.storage._tombstones[label][key].stamp
        self.oracle.delete(label, key, stamp, {name: shown[name] for name in FIELDS if name in shown})
        self.reach["deleted"] += 1
        self.note(f"{node.name} deletes {label} {key} at {stamp}")

    def _remove_item(self, node: Node, key: str) -> None:
        """Its notes go with it, or somewhere else before."""
        notes = {name: node.shown("note", name) or {} for name in node.storage.notes_of(key)}
        values = {str(note.get(name)) for note in notes.values() for name in FIELDS}
        others = [name for name in sorted(node.storage._records["item"]) if name != key]
        move = bool(notes) and (self.random.random() < 0.5 or node.storage.on_delete == "NO ACTION")
        if move:
            for name in notes:
                self._write(node, "note", name, item=self.random.choice([*others, None]))
            self.reach["moved_away"] += 1
        self.oracle.abandon(key, values, self._elsewhere(node, key))
        self._remove(node, "item", key)
        if not move:
            for name, note in notes.items():
                if node.storage.on_delete == "CASCADE":
                    self._removed(node, "note", name, note)
                    self.reach["cascaded"] += 1
                else:
                    self.oracle.emptied[name] = node.storage._records["note"][name].newest
                    self.reach["emptied"] += 1
        self.reach["claimed_unseen"] += key in self.oracle.claimed

    def _elsewhere(self, node: Node, key: str) -> set[str]:
        """What the notes of an item hold on other nodes."""
        others = [each.storage for each in self.nodes if each is not node]
        notes = [storage._records["note"][name].data for storage in others for name in storage.notes_of(key)]
        return {str(data[name]) for data in notes for name in FIELDS if name in data}

    def _counted(self, node: Node, result: Any, held: int) -> None:
        super()._counted(node, result, held)
        for entry in result.conflict_log:
            conflict = entry.conflict
            if conflict.model_label == "item" and entry.kept is not None and conflict.local is not None:
                self.reach["stayed"] += 1
        for line in result.errors:
            self.reach["waited_for_its_parent"] += line.startswith("note") and "could not be written" in line
            self.reach["put_off"] += "refers to it and could not be written itself" in line

    def _is_quiet(self, result: Any) -> bool:
        """What is held may wait for ever where its node was set back; `play` looks at it."""
        counts = result.counts()
        return not counts or (self.restores is not None and counts.keys() == {"skipped"})

    def play(self, steps: int) -> list[str]:
        faults = super().play(steps)
        waiting = [node.name for node in self.nodes if self._held(node) and not self._is_orphaned(node)]
        return faults if faults or not waiting else [f"records wait for ever at {', '.join(waiting)}"]

    def _is_orphaned(self, node: Node) -> bool:
        """Whether all that is held there are notes of items that are gone.

        Who made such a note would keep its item alive, if its database had not been set back to before that.
        """
        items = {key for each in self.nodes for key in each.storage._records.get("item", {})}
        for _, kept in node.storage._checkpoints.values():
            for held in kept.get("held", {}).values():
                if held["deletes"] or self.restores is None:
                    return False
                for record in held["records"].values():
                    data = record["data"]
                    lost = self.restores.only_held.intersection(data[name] for name in FIELDS if name in data)
                    if not lost or data.get("item") is None or data["item"] in items:
                        return False
        self.reach["orphaned"] += 1
        return True
