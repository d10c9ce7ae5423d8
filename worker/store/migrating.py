"""The tables, brought up to this version by Alembic, which is not even loaded where they are."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from worker.errors import StoreError

#: Where Alembic finds its files.
MIGRATIONS = Path(__file__).parent / "migrations"


def newest_version() -> str:
    """The version of the tables that this code works with: that of the last file of migrations."""
    return max(file.name for file in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


def migrate(connection: Connection, address: str) -> None:
    """Bring the tables up to this version, in the transaction that is open; several processes may do so at once.

    Args:
        connection: where the tables are.
        address: what the database is called in messages.

    Raises:
        StoreError: a newer version of Lockstep made them.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7345109182)")
    if versions(connection) == [newest_version()]:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"the database {address} was made by another version of Lockstep ({error}): "
            "install that version or a newer one"
        ) from error


def versions(connection: Connection) -> list[str]:
    """The version of the tables that are there; none where there are no tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return []
    return list(connection.scalars(text("SELECT version_num FROM alembic_version")))
