"""People who also found cities, move between them and give them up, with all who live there (`ON DELETE CASCADE`)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tasks.database.sql import SQLAlchemyStorage
from tests.tasks.database.simulated.cascades import FamilyOracle
from tests.tasks.database.sql.people import FIELDS, KEYS, People

Node = Any  # the class of the conftest

CITIES = ("a", "b", "c")


class CityOracle(FamilyOracle):
    parent, child, link = "city", "person", "city"


class Townspeople(People):
    """What they do follows from `chance` alone, but for the stamps."""

    oracle: CityOracle

    def __init__(self, chance: Any) -> None:
        super().__init__(chance)
        self.oracle = CityOracle()

    def act(self, node: Node, storage: SQLAlchemyStorage) -> None:
        """Somebody founds, renames or gives up a city, or makes, edits, moves or deletes a person."""
        if self.chance.random() < 0.35:
            self._city(node, storage, self.chance.choice(CITIES))
        else:
            self._person(node, storage, self.chance.choice(KEYS))

    def _city(self, node: Node, storage: SQLAlchemyStorage, key: str) -> None:
        found = node.run("SELECT name FROM city WHERE id = :key", key=key)
        shown = dict(found[0]) if found else None
        if shown is not None and self.chance.random() < 0.5:
            self._give_up(node, storage, key, shown)
            return
        self.values += 1
        name = f"v{self.values}name"
        insert = "INSERT INTO city (id, name) VALUES (:id, :name)"
        _run(
            node,
            (
                insert if shown is None else "UPDATE city SET name = :name WHERE id = :id",
                {"id": key, "name": name},
            ),
        )
        stamp = storage.get_records("city", [key])[key].timestamps["name"]
        self.oracle.edit("city", key, {"name": name}, stamp, shown)

    def _give_up(self, node: Node, storage: SQLAlchemyStorage, key: str, shown: dict[str, Any]) -> None:
        there = _living_in(node, key)
        others = [row["id"] for row in node.run("SELECT id FROM city WHERE id <> :key", key=key)]
        delete = ("DELETE FROM city WHERE id = :id", {"id": key})
        elsewhere = [row for each in self.nodes if each is not node for row in _living_in(each, key)]
        self.oracle.abandon(key, _values(there), _values(elsewhere))
        if others and self.chance.random() < 0.5:
            city = self.chance.choice(others)
            move = ("UPDATE person SET city = :to WHERE city = :id", {"to": city, "id": key})
            _run(node, move, delete)
            for row in there:
                self._lives(storage, city, str(row["id"]), row["name"])
            self.reach["moved_away"] += bool(there)
        else:
            _run(node, delete)
            for row in there:
                self._gone(storage, "person", str(row["id"]), {name: row[name] for name in FIELDS})
            self.reach["cascaded"] += bool(there)
        self._gone(storage, "city", key, shown)
        self.reach["claimed_unseen"] += key in self.oracle.claimed

    def _person(self, node: Node, storage: SQLAlchemyStorage, key: int) -> None:
        found = node.run("SELECT name, mail FROM person WHERE id = :key", key=key)
        shown = dict(found[0]) if found else None
        if shown is not None and self.chance.random() < 0.2:
            _run(node, ("DELETE FROM person WHERE id = :key", {"key": key}))
            self._gone(storage, "person", str(key), shown)
            return
        self.values += 1
        fields = {name: f"v{self.values}{name}" for name in FIELDS}
        cities = [row["id"] for row in node.run("SELECT id FROM city")]
        city = self.chance.choice([*cities, None])
        values = {"id": key, "city": city, **fields}
        if shown is None:
            again = ("person", str(key)) in self.oracle.deleted
            self.reach["recreated" if again else "created"] += 1
            _run(
                node, ("INSERT INTO person (id, name, mail, city) VALUES (:id, :name, :mail, :city)", values)
            )
        else:
            self.reach["edited"] += 1
            move = ", city = :city" if self.chance.random() < 0.5 else ""
            _run(node, (f"UPDATE person SET name = :name, mail = :mail{move} WHERE id = :id", values))
        record = storage.get_records("person", [str(key)])[str(key)]
        for name, value in fields.items():
            self.oracle.edit("person", str(key), {name: value}, record.timestamps[name], shown)
        if record.data["city"] is not None:
            self.oracle.claim(record.data["city"], str(key), fields["name"])

    def _lives(self, storage: SQLAlchemyStorage, city: str, key: str, name: str) -> None:
        """A move alone is an edit, too, whose values were there before."""
        self.oracle.claim(city, key, name)
        self.oracle.emptied[key] = storage.get_records("person", [key])[key].newest

    def _gone(self, storage: SQLAlchemyStorage, label: str, key: str, shown: dict[str, Any]) -> None:
        self.oracle.delete(label, key, storage.get_tombstones(label, [key])[key].stamp, shown)
        self.reach["deleted"] += 1

    def states(self, storages: dict[str, SQLAlchemyStorage]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, storage in storages.items():
            records = {
                label: storage.get_records(label, list(storage.get_keys(label))) for label in storage.tables
            }
            found[name] = {
                label: {key: (record.data, record.timestamps) for key, record in sorted(some.items())}
                for label, some in records.items()
            }
        self.reach["stayed"] += len(self.oracle.stayed)
        return found


def _living_in(node: Node, city: str) -> list[Any]:
    return list(node.run("SELECT id, name, mail FROM person WHERE city = :key", key=city))


def _values(people: list[Any]) -> set[str]:
    return {str(row[name]) for row in people for name in FIELDS}


def _run(node: Node, *statements: tuple[str, dict[str, Any]]) -> None:
    """One transaction of a program that keeps to foreign keys."""
    engine = sa.create_engine(node.url)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA foreign_keys=ON")
            for statement, values in statements:
                connection.execute(sa.text(statement), values)
            connection.commit()
    finally:
        engine.dispose()
