"""What a side answers when it is asked for its objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


class Listing(list[Any]):
    """The objects of one side, with the word whether these are all of them.

    A plain list counts as complete. From a partial listing nothing is concluded about what is not in it:
    no deletion follows, and nothing is created for an object whose counterpart may just be unseen.
    """

    def __init__(
        self, objects: Iterable[Any] = (), *, partial: str | None = None, cursor: Any = None
    ) -> None:
        super().__init__(objects)
        #: Why objects may be missing; `None` when the listing is complete.
        self.partial = partial
        #: Where the changes start that this listing may lack: a JSON value, taken before the listing began.
        self.cursor = cursor


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed on a side since a cursor. What it does not name is unchanged, and never deleted."""

    #: Objects that were created or edited, as they are now. Others may be among them.
    changed: Sequence[Any]
    #: Ids of objects that the service says are deleted.
    deleted: Sequence[str] = ()
    #: Where the next changes start, a JSON value.
    cursor: Any = None
    #: Why changes may be missing; `None` when these are all.
    partial: str | None = None
