"""Values of objects in rows of the tables `link` and `intent`, and what is told where they cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tasks.errors import StateError
from tasks.values.canonical import load


@contextmanager
def told_rows(task: str) -> Iterator[None]:
    """Tell of rows that cannot be read, with the mend."""
    try:
        yield
    except (StateError, ValueError) as error:
        raise StateError(
            f"task {task!r}: a row of table link or intent cannot be read ({error}). Nothing was synced. "
            "Restore the database from a backup: the next run then shows what it would do before it writes. Or "
            "delete the rows of this task: the next run links both sides anew by their content and deletes nothing"
        ) from error


def values_in(text: str) -> dict[str, Any]:
    """The values by attribute that a row holds.

    Raises:
        StateError: it holds none.
    """
    values = load(text)
    if not isinstance(values, dict):
        raise StateError(f"a stored value cannot be read: {text[:40]!r} has no attributes")
    return values
