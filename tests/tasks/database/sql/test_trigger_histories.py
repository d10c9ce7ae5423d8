"""Seeded histories on real databases whose tables have triggers of the user's, which keep an audit of each change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.database.sql import SQLAlchemyStorage
from tests.tasks.database.sql.people import People
from tests.tasks.database.sql.test_histories import World, play

TRIGGERS = {
    "sqlite": (
        "CREATE TRIGGER audit AFTER UPDATE ON person BEGIN "
        "INSERT INTO city (id, name) VALUES (hex(randomblob(8)), 'of ' || NEW.id); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
        "INSERT INTO city (id, name) VALUES (gen_random_uuid()\\:\\:text, ''of '' || NEW.id); RETURN NULL; END'",
        "CREATE TRIGGER audit AFTER UPDATE ON person FOR EACH ROW EXECUTE FUNCTION audit()",
    ),
}


class AuditedPeople(People):
    """What triggers make of the people's edits, and of what comes from peers, is synced like any edit."""

    def judge(self, storages: dict[str, SQLAlchemyStorage]) -> list[str]:
        faults = super().judge(storages)
        audits = {
            name: {
                key: record.data["name"]
                for key, record in storage.get_records("city", [*storage.get_keys("city")]).items()
            }
            for name, storage in storages.items()
        }
        first, *others = audits.values()
        self.reach["audited"] += len(first)
        # Each edit is audited where it is made, and once more wherever it is written for a peer.
        self.reach["audited_for_a_peer"] += len(first) > self.reach["edited"]
        return faults + [
            f"audits differ: {len(first)} and {len(other)}" for other in others if other != first
        ]


class Audited(World):
    people_class = AuditedPeople

    def __init__(self, seed: str, nodes: list[Any]) -> None:
        for node in nodes:
            for statement in TRIGGERS["sqlite" if node.url.startswith("sqlite") else "postgresql"]:
                node.run(statement)
        super().__init__(seed, nodes)


@pytest.mark.timeout(3600)
def test_what_triggers_make_converges_too(make_node: Callable[[str], Any]) -> None:
    reach = play(make_node, Audited)
    assert reach["audited"]
    assert reach["audited_for_a_peer"]
