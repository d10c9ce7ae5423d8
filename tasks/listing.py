"""What a side answers when it is asked for its objects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Listing(list[Any]):
    """The objects of one side, with the word whether these are all of them.

    A plain list counts as complete. From a partial listing nothing is concluded about what is not in it:
    no deletion follows, and nothing is created for an object whose counterpart may just be unseen.
    """

    def __init__(self, objects: Iterable[Any] = (), *, partial: str | None = None) -> None:
        super().__init__(objects)
        #: Why objects may be missing; `None` when the listing is complete.
        self.partial = partial
