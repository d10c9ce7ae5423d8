"""Rows that cannot travel: texts that are none, and values that are too large for one node or the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tasks.database import SyncManifest
from tests.tasks.database.simulated.nodes import MODELS, Node

if TYPE_CHECKING:
    from tests.tasks.database.simulated.world import World

#: A byte that is no UTF-8, as a storage gives it.
NO_TEXT = "\udcff"
#: What makes a value too large for nodes with the smaller limit.
LARGE = "#" * 400
#: Bytes of a record, as JSON, that nodes take.
SMALL, ENOUGH = 420, 10_000

#: What has to have happened.
REACHABLE = (
    "cannot_be_sent",
    "no_text",
    "too_large",
    "told_of_by_the_peer",
    "limit_raised",
    "mended_at_last",
    "edited_while_unsendable",
)


class BadRows:
    """Spoils what users of a world write, in some of the worlds."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.on = world.random.random() < 0.35

    def limit(self) -> dict[str, int]:
        """How large a node's records may be."""
        return {"record_bytes_max": self.world.random.choice([SMALL, ENOUGH]) if self.on else ENOUGH}

    def spoil(self, fields: dict[str, str | None], shown: dict[str, Any] | None) -> None:
        """Let a user write something that cannot travel."""
        if not self.on:
            return
        if shown and any(NO_TEXT in value for value in shown.values() if value is not None):
            self.world.reach["edited_while_unsendable"] += 1
        for name, value in fields.items():
            if value is None:
                continue
            kind = self.world.random.choices(["", NO_TEXT, LARGE], [10, 1, 1])[0]
            fields[name] = value + kind
            self.world.reach["no_text"] += kind == NO_TEXT
            self.world.reach["too_large"] += kind == LARGE

    def raise_limit(self, node: Node) -> None:
        """Somebody gives a node a larger limit, and starts it again."""
        if node.batch["record_bytes_max"] < ENOUGH:
            node.batch["record_bytes_max"] = ENOUGH
            self.world.restart(node)
            self.world.reach["limit_raised"] += 1

    def check(self, manifest: SyncManifest, receiver: Node, *, knows_limit: bool) -> None:
        """Nothing that cannot travel does."""
        for payload in manifest.payloads:
            for key, record in payload.records.items():
                assert NO_TEXT not in "".join(map(str, [key, *record.data.values()])), (
                    "text that is none travels"
                )
                size = len(key) + len(json.dumps(record.to_dict()))
                most = receiver.batch["record_bytes_max"]
                assert not knows_limit or size <= most, "a record travels that is too large for its receiver"

    def count(self, errors: list[str]) -> None:
        """What is told of it."""
        for line in errors:
            self.world.reach["cannot_be_sent"] += "cannot be sent" in line
            self.world.reach["told_of_by_the_peer"] += "is not sent by node" in line

    def mend(self) -> None:
        """Users put right what is still wrong, wherever they see it."""
        world = self.world
        for node in world.nodes:
            self.raise_limit(node)
            for label in MODELS:
                for key in sorted(node.storage._records.get(label, {})):
                    shown = node.shown(label, key) or {}
                    fields = {
                        n: value.replace(NO_TEXT, "!")
                        for n, value in shown.items()
                        if value is not None and NO_TEXT in value
                    }
                    if fields:
                        record = node.storage.edit(label, key, **fields)
                        world.oracle.edit(label, key, fields, record.newest, shown)
                        world.reach["mended_at_last"] += 1
                        world.note(f"{node.name} mends {label} {key} {fields} at {record.newest}")
