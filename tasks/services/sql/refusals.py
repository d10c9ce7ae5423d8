"""Why a database did not take a row, and which columns that is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InternalError,
    ProgrammingError,
    StatementError,
)

from tasks.errors import ItemError, UnfitError
from tasks.services.sql.connection import is_busy, is_unusable, sqlstate, words

#: As SQLite names columns: `UNIQUE constraint failed: task.a, task.b`.
_COLUMNS = re.compile(r"[^\s,.]+\.([^,.]+?)(?=,|$| \(| as )")
_REASONS: Mapping[str, str] = {
    "23502": "cannot be empty",
    "23503": "names a row that is not there, or is named by one that is",
    "23505": "has a value that another row has already",
    "23514": "does not keep a rule of the database",
    "23P01": "overlaps with another row",
    "22001": "is too long",
    "22003": "is too large a number",
    "42501": "may not be written by this user",
}


def is_refusal(error: Exception) -> bool:
    """Whether the database looked at the row and did not take it, so that nothing was written."""
    if isinstance(error, DBAPIError) and (is_unusable(error) or is_busy(error)):
        return False
    refusals = (IntegrityError, DataError, ProgrammingError, InternalError)
    return isinstance(error, refusals) or (
        isinstance(error, StatementError) and not isinstance(error, DBAPIError)
    )


def columns_of(
    error: Exception, known: Collection[str], constraints: Mapping[str, Sequence[str]]
) -> list[str]:
    """The columns that an error names; none where it names none."""
    if not isinstance(error, DBAPIError):
        return []
    said = getattr(error.orig, "diag", None)
    if said is not None:
        named = [said.column_name] if said.column_name else constraints.get(said.constraint_name, ())
    else:
        named = _COLUMNS.findall(words(error))
    return [name for name in named if name in known]


def refusal(error: Exception, where: str, names: Sequence[str], written: Collection[str]) -> ItemError:
    """The error for one row.

    Args:
        error: what the driver says.
        where: what people call the table.
        names: the columns that it is about, where that is known.
        written: the columns that were to be written.
    """
    said = words(error) if isinstance(error, DBAPIError) else type(error).__name__
    code = sqlstate(error) if isinstance(error, DBAPIError) else ""
    reason = _REASONS.get(code)
    text = f"{where} does not take it: {said}"
    if names:
        text = f"{', '.join(names)} {reason}" if reason else f"{', '.join(names)}: {text}"
    unfit = [name for name in names if name in written]
    return UnfitError(text, unfit) if unfit else ItemError(text)


def tried_alone(names: Sequence[str], attempt: Callable[[str], Exception | None]) -> list[str]:
    """Which of several columns are refused where each is written by itself."""
    return [name for name in names if attempt(name) is not None] if len(names) > 1 else list(names)
