"""Backups of the SQLite databases of a history, and people who restore them."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from typing import Any

from tests.tasks.database.sql.people import skew

#: What has to have happened where databases are restored.
REACHABLE = ("backed_up", "restored", "restored_with_file", "restored_running")


class Restoring:
    """The backups of a world."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.kept: dict[str, Path] = {}

    def back_up(self, place: Any) -> None:
        """As `sqlite3 .backup` does, and the file beside it as well."""
        path = self._path(place)
        if path is None:
            return
        self.kept[place.name] = path.with_suffix(".bak")
        with closing(connect(path)) as source, closing(connect(self.kept[place.name])) as target:
            source.backup(target)
        if self._beside(path).exists():
            shutil.copy(self._beside(path), self._beside(self.kept[place.name]))
        self.world.reach["backed_up"] += 1

    def restore(self, place: Any) -> None:
        """Put another file into the place of the database, perhaps under a process that runs."""
        world, path = self.world, self._path(place)
        if path is None or place.name not in self.kept:
            return
        for entry in place.storage.conflicts:  # they were told, and go with the database
            world.people.oracle.conflict(entry)
        shutil.copy(self.kept[place.name], path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)
        beside = self._beside(self.kept[place.name])
        if beside.exists() and world.chance.random() < 0.5:
            shutil.copy(beside, self._beside(path))
            world.reach["restored_with_file"] += 1
        world.sent = [body for body in world.sent if json.loads(body)["node_id"] != place.name]
        if world.chance.random() < 0.3:
            skew(place.node, place.skew_ms)
            world.reach["restored_running"] += 1
        else:
            place.start()
        world.reach["restored"] += 1
        self._forget()

    @staticmethod
    def _path(place: Any) -> Path | None:
        url = place.node.url
        return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else None

    @staticmethod
    def _beside(path: Path) -> Path:
        return path.with_name(f".{path.name}.lockstep")

    def _forget(self) -> None:
        """What nobody has any more was not done. What others only hold back may be overtaken without a trace."""
        oracle = self.world.people.oracle
        written, held = "", ""
        stones: set[tuple[str, int]] = set()
        for place in self.world.places:
            storage, run = place.storage, place.node.run
            written += str(run("SELECT name, mail FROM person")) + repr(storage.conflicts)
            held += str(run("SELECT after_keys FROM lockstep_checkpoints"))
            stones.update(storage.get_deletes_since("person", 0).items())
            buried = "SELECT key, deleted FROM lockstep_records WHERE deleted IS NOT NULL"
            stones.update((row["key"], row["deleted"]) for row in run(buried))
        for place_of, values in list(oracle.written.items()):
            values[:] = [(stamp, value) for stamp, value in values if value in written or value in held]
            oracle.ledger.update(value for _, value in values if value not in written)
            if not values:
                del oracle.written[place_of]
        for (label, key), stamps in oracle.deletions.items():
            stamps[:] = [stamp for stamp in stamps if (key, stamp) in stones or str(stamp) in held]
            oracle.deleted[label, key] = max(stamps, default=-1)
