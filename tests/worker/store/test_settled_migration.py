"""The links of an older version are told apart as those of this one are, and counted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import select

from tasks.journal.contract import numbers_of
from tasks.merge import End, Link
from tasks.values.opaque import Opaque
from worker.store import Store, schema
from worker.store.forgetting import forget
from worker.store.moving import export_of, take_in
from worker.store.renaming import rename
from worker.store.tables.fences import take_fence
from worker.store.tables.links import Links, shape_of
from worker.store.tables.numbers import count_along

NOW = datetime(2026, 1, 1, tzinfo=UTC)

FULL = {"Title": "a", "Dué": {"$type": "b"}}
LINKS = [
    Link("p1", "t1", FULL, FULL),
    Link("p2", "t2", FULL, {"Title": "a", "Other": 1}),
    Link("p3", "t3", {}, {}),
    Link("p4", "t4", FULL, FULL, frozenset({End.LEFT})),
    Link("p5", "t5", FULL, FULL, frozenset(End), apart=True),
    Link("p6", "t6", FULL, {**FULL, "Title": Opaque("button", odd=True)}),
    Link("p7", "t7", FULL, {**FULL, "Title": Opaque("button")}),
    Link("p8", "t8", FULL, {**FULL, "Title": Opaque("button")}, frozenset({End.RIGHT})),
]
#: More than the migration looks at in one go.
MANY = 5_003


def by_id(links: list[Link]) -> list[Link]:
    return sorted(links, key=lambda link: link.left_id)


def said(store: Store) -> list[tuple[Any, ...]]:
    with store.read() as connection:
        links, nodes = schema.link.c, schema.node.c
        shapes = connection.execute(select(links.task, links.left_id, links.shape))
        counts = connection.execute(select(nodes.id, nodes.linked, nodes.parked))
        return sorted(map(tuple, (*shapes, *counts)), key=repr)


def fill(store: Store) -> None:
    with store.write() as connection:
        for task in ("to-dos", "events", "none"):
            take_fence(connection, task, 1)
        for link in LINKS:
            count_along(connection, "to-dos", Links.put(connection, "to-dos", link, "run"))
        rows = [
            {
                "task": "events", "left_id": f"p{number}", "right_id": f"t{number}", "left_values": "{}",
                "right_values": "{}", "updated_at": NOW, "run_id": "run",
                "shape": shape_of(()),
            }
            for number in range(MANY)
        ]  # fmt: skip
        connection.execute(schema.link.insert(), rows)
        count_along(connection, "events", {"": MANY})


def test_what_older_versions_linked_is_told_apart(store: Store) -> None:
    fill(store)
    before = said(store)
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0012")
    store.migrate()
    assert said(store) == before
    found = {link.left_id for link in store.links.unsettled("to-dos", FULL)}
    assert found == {"p2", "p3", "p6", "p8"}
    assert (store.links.counted("to-dos"), store.links.counted("events")) == (len(LINKS), MANY)
    assert store.links.recall("to-dos").others == numbers_of(LINKS)
    assert by_id(store.links.out_of_sight("to-dos")) == [link for link in LINKS if link.parked]
    assert store.links.counted("none") == 0


def test_a_renamed_task_has_as_many_links(store: Store) -> None:
    fill(store)
    rename(store, "to-dos", "errands", {"to-dos": 2, "errands": 1}, lambda: None)
    assert (store.links.counted("errands"), store.links.counted("to-dos")) == (len(LINKS), 0)
    assert store.links.count("errands") == len(LINKS)
    assert store.links.recall("errands").others == numbers_of(LINKS)
    assert store.links.recall("to-dos").others == {}


def test_what_is_out_of_sight_is_counted_of_a_state_that_is_taken_in(store: Store) -> None:
    fill(store)
    with store.read() as connection:
        head, rows = export_of(connection, "to-dos", "1")
        some = list(rows)
    forget(store, "to-dos", 2)
    assert store.links.recall("to-dos").others == {}
    take_in(store, "to-dos", 3, head, some, replace=False)
    assert store.links.recall("to-dos").others == numbers_of(LINKS)
    assert by_id(store.links.out_of_sight("to-dos")) == [link for link in LINKS if link.parked]
