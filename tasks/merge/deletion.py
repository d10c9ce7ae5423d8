"""What a deletion on one side does to the object across."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Deletion:
    """What becomes of the object across from one that was deleted."""

    #: `propagate`: it is deleted as well. `unlink`: it stays, and is synced no more. `mark`: so, and it is marked.
    how: str = "propagate"
    #: The attribute of a mark, by its side's own name, and what it is set to, as its side takes it.
    attribute: str = ""
    value: Any = None
    #: What the merge calls the attribute, where it is one of those that are kept in step.
    name: str | None = None


PROPAGATE = Deletion()
