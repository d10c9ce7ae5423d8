"""Updates that the database refuses are told once, by us, and not by the driver's log as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.tasks.database.sql.test_nodes import Party

Node = Any  # the class of the conftest


def test_the_driver_says_nothing_of_refused_updates(
    make_node: Callable[[str], Node], caplog: pytest.LogCaptureFixture
) -> None:
    hub = Party("hub", make_node("postgresql"))
    spoke = Party("spoke", make_node("sqlite"), hub)
    for number in range(9):
        hub.node.run(
            "INSERT INTO person (id, name, mail) VALUES (:id, 'a', :mail)", id=number, mail=f"m{number}"
        )
    assert spoke.engine.sync().ok
    hub.node.run("INSERT INTO person (id, name, mail) VALUES (100, 'a', 'taken')")
    spoke.node.run("UPDATE person SET name = 'b'")
    spoke.node.run("UPDATE person SET mail = 'taken' WHERE id = 4")
    result = spoke.engine.sync()
    assert [line for line in result.errors if "person '4' is held at node 'hub'" in line]
    assert len(hub.node.run("SELECT 1 FROM person WHERE name = 'b'")) == 8
    assert [record.getMessage() for record in caplog.records if record.name.startswith("psycopg")] == []
