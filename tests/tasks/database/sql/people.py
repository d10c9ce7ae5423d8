"""People who edit real databases with clocks of their own, and an oracle that remembers what they wrote."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

from tasks.database.sql import SQLAlchemyStorage
from tests.tasks.database.simulated.oracle import Oracle

Node = Any  # the class of the conftest

KEYS = (1, 2, 3, 4)
FIELDS = ("name", "mail")


def skew(node: Node, ms: int) -> None:
    """Let the triggers' wall clock be so far off from now on."""
    if node.url.startswith("sqlite"):
        for trigger in node.run("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"):
            moved = re.sub(
                r"julianday\('now'[^)]*\)", f"julianday('now', '{ms / 1000} seconds')", trigger["sql"]
            )
            node.run(f"DROP TRIGGER {trigger['name']}")
            node.run(moved.replace(":", "\\:"))
    else:
        [found] = node.run("SELECT pg_get_functiondef('lockstep_capture'::regproc) AS source")
        moved = re.sub(
            r"\(?clock_timestamp\(\)( \+ interval '-?\d+ ms'\))?",
            f"(clock_timestamp() + interval '{ms} ms')",
            found["source"],
        )
        node.run(moved.replace(":", "\\:"))


class People:
    """All users of all nodes. What they do follows from `chance` alone, but for the stamps."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.oracle = Oracle()
        self.reach: Counter[str] = Counter()
        self.values = 0
        #: All nodes, where an oracle has to know what others are shown.
        self.nodes: list[Node] = []

    def act(self, node: Node, storage: SQLAlchemyStorage) -> None:
        """Somebody makes, edits or deletes a record."""
        key = self.chance.choice(KEYS)
        found = node.run("SELECT name, mail FROM person WHERE id = :key", key=key)
        shown = dict(found[0]) if found else None
        if shown is not None and self.chance.random() < 0.25:
            node.run("DELETE FROM person WHERE id = :key", key=key)
            stamp = storage.get_tombstones("person", [str(key)])[str(key)].stamp
            self.oracle.delete("person", str(key), stamp, shown)
            self.reach["deleted"] += 1
            return
        names = self.chance.sample(FIELDS, self.chance.choice([1, 1, 2])) if shown is not None else FIELDS
        self.values += 1
        fields = {name: f"v{self.values}{name}" for name in names}
        if shown is None:
            node.run("INSERT INTO person (id, name, mail) VALUES (:id, :name, :mail)", id=key, **fields)
            again = ("person", str(key)) in self.oracle.deleted
            self.reach["recreated" if again else "created"] += 1
        else:
            changes = ", ".join(f"{name} = :{name}" for name in fields)
            node.run(f"UPDATE person SET {changes} WHERE id = :id", id=key, **fields)
            self.reach["edited"] += 1
        record = storage.get_records("person", [str(key)])[str(key)]
        for name, value in fields.items():
            self.oracle.edit("person", str(key), {name: value}, record.timestamps[name], shown)

    def judge(self, storages: dict[str, SQLAlchemyStorage]) -> list[str]:
        """Everything that is wrong, now that the nodes have come to rest."""
        for storage in storages.values():
            for entry in storage.conflicts:
                self.oracle.conflict(entry)
                self.reach[str(entry.conflict.conflict_type)] += 1
        return self.oracle.judge(self.states(storages), by_time=True, ledger=True)

    def states(self, storages: dict[str, SQLAlchemyStorage]) -> dict[str, Any]:
        """What there is on each node."""
        found: dict[str, Any] = {}
        for name, storage in storages.items():
            records = storage.get_records("person", list(storage.get_keys("person")))
            found[name] = {"person": {key: (r.data, r.timestamps) for key, r in sorted(records.items())}}
        return found
