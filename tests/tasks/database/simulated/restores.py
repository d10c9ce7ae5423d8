"""Backups of nodes, and what they are restored from: the database alone, the whole machine, with processes running."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.database.storages.beside import MemoryBeside, Outside

if TYPE_CHECKING:
    from tests.tasks.database.simulated.nodes import Node
    from tests.tasks.database.simulated.world import World

#: What has to have happened in any suite that restores backups.
REACHABLE = (
    "backed_up",
    "restored_database",
    "restored_machine",
    "restored_without_file",
    "restored_server_meanwhile",
    "restored_client_meanwhile",
    "restored_running",
    "came_back",
    "told_set_back",
)


@dataclass(frozen=True)
class Backup:
    """A node's database at some moment, and what was beside it."""

    database: Any
    outside: Outside | None


class Restores:
    """The backups of a world, and the people who restore them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.backups: dict[str, list[Backup]] = {}
        #: What was in a database that was set back, and came to others: it has to come back.
        self.lost: list[tuple[str, str]] = []
        #: What was in no database any more: values, and the stamps of deletions.
        self.doubtful: set[str] = set()
        self.blurred = False
        self.doubtful_stones: set[tuple[str, str, int]] = set()
        #: Values that others only held back: who had written them does not know of them any more.
        self.only_held: set[str] = set()

    def back_up(self, node: Node) -> None:
        """Keep the node as it is now."""
        storage = node.storage
        database = (copy.deepcopy(storage._kept()), storage._place)
        self.backups.setdefault(node.name, []).append(Backup(database, storage.beside.read()))
        self.world.reach["backed_up"] += 1
        self.world.note(f"{node.name} is backed up")

    def restore(self, node: Node, reached: str = "") -> bool:
        """Set the node back to one of its backups, if there is one."""
        world, storage = self.world, node.storage
        if not self.backups.get(node.name):
            return False
        backup = world.random.choice(self.backups[node.name][-3:])
        kind = world.random.choices(["database", "machine", "without_file"], [3, 3, 1])[0]
        before = {str(value) for _, _, value in self._values(node)}
        for entry in storage.conflicts:  # they were told, and go with the database
            world.oracle.conflict(entry)
        kept, place = copy.deepcopy(backup.database)
        storage._records, storage._tombstones, storage._checkpoints, *others = kept
        storage._purged, storage._conflicts, storage._restamped, storage._bound = others
        storage._place = place
        if kind != "database":
            storage.beside = MemoryBeside()
            if kind == "machine" and backup.outside is not None:
                storage.beside.keep(backup.outside)
        world.sent = [(to, body) for to, body in world.sent if json.loads(body)["node_id"] != node.name]
        if reached:
            world.reach[reached] += 1
        elif kind == "database" and world.random.random() < 0.3:
            world.reach["restored_running"] += 1
        else:
            node.start()
        world.reach[f"restored_{kind}"] += 1
        world.note(f"{node.name} is restored: {kind} {reached}")
        self._forget()
        gone = before - {str(value) for _, _, value in self._values(node)}
        self.lost += [(node.name, value) for value in gone if value in self._everywhere()]
        return True

    def _values(self, node: Node) -> list[tuple[str, str, Any]]:
        return [
            (label, key, value)
            for label, records in node.storage._records.items()
            for key, record in records.items()
            for value in record.data.values()
        ]

    def _everywhere(self) -> str:
        return self.world.everything()

    def _forget(self) -> None:
        """What nobody has any more was not done, unless it is still on its way.

        What others only hold back may be overtaken without a trace.
        """
        text, oracle = self._everywhere(), self.world.oracle
        written = repr([(node.state(), node.storage.conflicts) for node in self.world.nodes])
        shown = repr([node.state() for node in self.world.nodes])
        held = repr([node.kept() for node in self.world.nodes])
        for values in oracle.written.values():
            self.doubtful.update(value for _, value in values if f"'{value}'" not in text)
            oracle.ledger.update(value for _, value in values if f"'{value}'" not in written)
            self.only_held.update(
                value for _, value in values if f"'{value}'" in held and f"'{value}'" not in shown
            )
        stones = self._stones()
        for (label, key), stamps in oracle.deletions.items():
            self.doubtful_stones.update(
                (label, key, stamp) for stamp in stamps if (label, key, stamp) not in stones
            )

    def _waiting(self) -> Iterator[tuple[str, Any]]:
        """What nodes hold back of each model."""
        for node in self.world.nodes:
            for _, kept in node.storage._checkpoints.values():
                yield from kept.get("held", {}).items()

    def _held(self) -> set[str]:
        """Values of records that wait on some node."""
        records = [record for _, held in self._waiting() for record in held["records"].values()]
        return {str(value) for record in records for value in record["data"].values()}

    def _stones(self) -> set[tuple[str, str, int]]:
        stones: set[tuple[str, str, int]] = set()
        for node in self.world.nodes:
            for label, tombstones in node.storage._tombstones.items():
                stones.update((label, key, tombstone.stamp) for key, tombstone in tombstones.items())
        for label, held in self._waiting():
            stones.update((label, key, stamp) for key, stamp in held["deletes"].items())
        return stones

    def end(self) -> None:
        """The nodes have come to rest: what did not come back, though it came to others; what never did."""
        for name, value in self.lost:
            [node] = [each for each in self.world.nodes if each.name == name]
            self.world.reach["came_back"] += any(str(found) == value for _, _, found in self._values(node))
        # Whether a deletion was dropped or never done is not to be seen any more.
        self.blurred = bool(self.doubtful_stones) and any(n.storage.get_purged() for n in self.world.nodes)
        oracle, here = self.world.oracle, repr([node.state() for node in self.world.nodes])
        never = {value for value in self.doubtful if f"'{value}'" not in here}
        # What still waits came from a node that was set back to before it, and is named by each run.
        never |= {value for value in self.only_held & self._held() if f"'{value}'" not in here}
        for place, values in list(oracle.written.items()):
            values[:] = [(stamp, value) for stamp, value in values if value not in never]
            if not values:
                del oracle.written[place]
        gone = self.doubtful_stones - self._stones()
        for (label, key), stamps in oracle.deletions.items():
            stamps[:] = [stamp for stamp in stamps if (label, key, stamp) not in gone]
            oracle.deleted[label, key] = max(stamps, default=-1)
