"""Ids of objects in questions to the database: so many at once, and only those of which it can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from tasks.merge import ID

#: Ids that one query asks for; SQLite takes so many variables in every version.
_AT_ONCE = 500


def in_parts(connection: Connection, ids: Iterable[ID]) -> Iterator[list[ID]]:
    """Each of these ids once that may be kept at all, so many as one query takes."""
    wanted = [one for one in dict.fromkeys(ids) if may_be_kept(connection, one)]
    return (wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE))


def may_be_kept(connection: Connection, object_id: ID) -> bool:
    """Whether a database can be asked for an id at all; any text may come from a service."""
    if "\0" in object_id and connection.dialect.name == "postgresql":
        return False
    try:
        object_id.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True
