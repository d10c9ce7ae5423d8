"""What is made once for a table, as making it takes longer than using it. It goes with the table."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from tasks.database.sql.tables.synced_table import SyncedTable

P = ParamSpec("P")
T = TypeVar("T")

#: So much is kept with a table: peers may name its columns in any choice.
KEPT = 500
_NOTHING = object()


def once_for_table(
    make: Callable[Concatenate[SyncedTable, P], T],
) -> Callable[Concatenate[SyncedTable, P], T]:
    """Call `make` once for each table and each choice of the other arguments."""

    @wraps(make)
    def made(table: SyncedTable, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (make, args, *kwargs.items())
        found = table.made.get(key, _NOTHING)
        if found is _NOTHING:
            if len(table.made) >= KEPT:
                table.made.clear()
            found = table.made[key] = make(table, *args, **kwargs)
        return cast(T, found)

    return made
