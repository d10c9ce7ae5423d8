"""The generation of a node: another one begins whenever it finds that its database was set back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from secrets import token_hex

from tasks.database.records.marks import Mark, Told
from tasks.database.storages.storage import ArrivalStorage

#: The node id under which the storage keeps it.
_KEPT_AS = "~generation"


@dataclass
class Generation:
    """What a node's database knows of its own past."""

    name: str = ""
    #: Nodes that were forgotten, and the place up to which their marks are known.
    forgotten: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def load(storage: ArrivalStorage) -> Generation:
        """The generation that the database is of; one without a name where it has none."""
        kept = storage.get_after_keys(_KEPT_AS)
        return Generation(kept.get("name", ""), kept.get("forgotten", {}))

    @staticmethod
    def begin(storage: ArrivalStorage) -> Generation:
        """Another one, from here on: marks of the one before are known no more."""
        generation = Generation(token_hex(8))
        generation.save(storage)
        return generation

    def knows(self, mark: Mark | None, told: Told, node_id: str) -> bool:
        """Whether a mark that a peer has heard may be one of those that this node has told it."""
        if mark is not None and node_id in self.forgotten:
            told = replace(told, since=max(told.since, self.forgotten[node_id]))
        return told.knows(mark, self.name)

    def save(self, storage: ArrivalStorage) -> None:
        """Keep it, in the transaction that is open."""
        storage.save_checkpoint(_KEPT_AS, 0, {"name": self.name, "forgotten": self.forgotten})
