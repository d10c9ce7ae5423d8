"""Where a node's database leaves word of how far it was, so that a backup of it does not bring that back as well."""

from __future__ import annotations

import hashlib
from pathlib import Path

import sqlalchemy as sa

from tasks.database.storages.beside import FileBeside


def beside_file(engine: sa.Engine) -> FileBeside | None:
    """For an SQLite database, a hidden file in its directory; None for others, and where there is no file.

    Who copies the database, also by `name.db*`, leaves it behind; who copies the whole directory does not, and then
    it is as old as the database.
    """
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name.startswith((":memory:", "file:")):
        return None
    path = Path(name)
    return FileBeside(path.with_name(f".{path.name}.lockstep"))


def beside_server(engine: sa.Engine, node_id: str, directory: Path) -> FileBeside:
    """For a database on a server, a file in a directory of this machine: no dump and no base backup holds it."""
    url = engine.url
    place = hashlib.sha256(f"{url.host}:{url.port}/{url.database}".encode()).hexdigest()[:12]
    return FileBeside(directory / "nodes" / f"{node_id}-{place}.json")
