from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from worker.errors import StoreError
from worker.store import Store, migrating, schema

MIGRATE = """
import sys
from worker.store import Store
store = Store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
store.migrate()
store.migrate()
"""


def tables(store: Store) -> set[str]:
    return set(inspect(store.engine).get_table_names()) - {"alembic_version"}


def test_the_migrated_schema_is_the_one_of_the_code(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, schema.metadata) == []
        found = inspect(connection)
        for table in schema.metadata.tables.values():  # what the comparison does not look at
            keys = found.get_pk_constraint(table.name)["constrained_columns"]
            assert keys == [column.name for column in table.primary_key]
            nullable = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
            assert nullable == {column.name: column.nullable for column in table.columns}


def test_migrating_again_changes_nothing(store: Store) -> None:
    before = tables(store)
    store.migrate()
    assert tables(store) == before == set(schema.metadata.tables)


def test_the_newest_version_is_the_head_that_alembic_finds() -> None:
    assert ScriptDirectory(migrating.MIGRATIONS).get_current_head() == migrating.newest_version()


def test_alembic_is_asked_only_where_there_is_something_to_do(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr("alembic.command.upgrade", lambda config, to: asked.append(to))
    store.migrate()
    assert asked == []
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    store.migrate()
    assert asked == ["head"]


@pytest.mark.processes
def test_several_processes_may_migrate_at_once(url: str, open_store: Callable[[], Store]) -> None:
    root = Path(__file__).parents[3]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, url],
            cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        ends = [process.communicate(timeout=60) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [process.returncode for process in processes] == [0, 0, 0], ends
    assert tables(open_store()) == set(schema.metadata.tables)


def test_a_database_of_a_newer_version_is_told_and_left(store: Store, url: str) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="was made by another version of Lockstep"):
        store.migrate()
    with store.read() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_a_migration_that_fails_leaves_nothing_behind(open_store: Callable[[], Store]) -> None:
    store = open_store()
    with store.write() as connection:
        connection.execute(text("CREATE TABLE conflict (id INTEGER)"))  # in the way of the third table
    with pytest.raises(Exception, match="already exists"):
        store.migrate()
    assert tables(store) == {"conflict"}
