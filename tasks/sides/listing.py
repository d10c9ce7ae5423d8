"""What a side answers when it is asked for its objects."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class Listing(list[Any]):
    """The objects of one side, with the word whether these are all of them.

    A plain list counts as complete. From a partial listing nothing is concluded about what is not in it:
    no deletion follows, and nothing is created for an object whose counterpart may just be unseen. An object
    that is there but cannot be read does not make a listing partial: it is named as unreadable, and only it
    is left as it is.
    """

    def __init__(
        self,
        objects: Iterable[Any] = (),
        *,
        partial: str | None = None,
        cursor: Any = None,
        unreadable: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(objects)
        #: Why objects may be missing; `None` when the listing is complete.
        self.partial = partial
        #: Objects that are there but cannot be read: by id, why, in words that name them to a person.
        self.unreadable = dict(unreadable or {})
        #: Where the changes start that this listing may lack: a JSON value, taken before the listing began.
        self.cursor = cursor


async def gathered(pages: AsyncIterable[Iterable[Any]]) -> Listing:
    """The one listing that pages make up."""
    return whole_of([page async for page in pages])


def whole_of(pages: Iterable[Iterable[Any]]) -> Listing:
    """The same of pages from a plain iterator."""
    whole = Listing()
    for page in pages:
        whole += page
        if isinstance(page, Listing):
            whole.partial = whole.partial or page.partial
            whole.cursor = whole.cursor if page.cursor is None else page.cursor
            whole.unreadable |= page.unreadable
    if whole.partial is not None:
        whole.cursor = None
    return whole


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
    #: Objects that changed but cannot be read: by id, why, in words that name them to a person.
    unreadable: Mapping[str, str] = field(default_factory=dict)
