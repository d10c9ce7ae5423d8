"""What tells that a node was set back to an earlier state, as from a backup.

Every exchange gets a mark, which no other one has, of any node or of any other past of the same node. Both nodes
remember it: who told it in the transaction that it is of, and who heard it in the one that takes what came with it.
A node that does not know a mark that it has told is not the one that told it any more.

The generation in a mark is what is left to tell where marks are too old to be remembered one by one: a node that
finds itself set back begins another one (see `tasks.database.storages.beside`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import Any, NamedTuple, Self

from tasks.database.exceptions import ManifestFieldError
from tasks.database.records.record import checked_stamp

#: Marks without an answer that are remembered one by one.
TOLD_MAX = 32

#: Characters of a generation or token that a peer may send.
_TEXT_MAX = 64


class Mark(NamedTuple):
    """Names one exchange of a node: its place in the node's order of arrival, and what makes it another's."""

    place: int
    generation: str
    token: str


def new_mark(place: int, generation: str) -> Mark:
    """A mark that was never told."""
    return Mark(place, generation, token_hex(4))


@dataclass(frozen=True)
class Told:
    """The marks that a node has told one peer: the last one that the peer is known to have heard, and all since."""

    marks: tuple[Mark, ...] = ()
    #: Marks of earlier places are older than those that are remembered.
    since: int = 0

    def and_then(self, mark: Mark) -> Told:
        """With one more."""
        return replace(self, marks=(*self.marks[:1], *self.marks[1:][-TOLD_MAX:], mark))

    def heard(self, mark: Mark | None) -> Told:
        """Without what was told before this mark, which the peer has heard."""
        if mark not in self.marks:
            return self
        return Told(self.marks[self.marks.index(mark) :], mark.place)

    def knows(self, mark: Mark | None, generation: str) -> bool:
        """Whether a node of this generation, which has told these, can have told that one; None: nobody did."""
        if mark is None:
            return True
        return mark.generation == generation and (mark in self.marks or mark.place < self.since)


@dataclass(frozen=True)
class Marks:
    """What the two nodes of an exchange tell each other of it. An answer tells its own mark only."""

    #: What the sender has told the receiver; the last one is that of this manifest.
    told: Told = field(default_factory=Told)
    #: The last mark that the sender has heard of the receiver.
    heard: Mark | None = None

    @property
    def mark(self) -> Mark | None:
        """That of this manifest; None: it has none."""
        return self.told.marks[-1] if self.told.marks else None

    def of_one_who_knows(self, mark: Mark | None) -> bool:
        """Whether the sender is still the one of whom this mark was heard."""
        return self.mark is None or self.told.knows(mark, self.mark.generation)

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        found: dict[str, Any] = {"told": [list(mark) for mark in self.told.marks], "since": self.told.since}
        return found if self.heard is None else {**found, "heard": list(self.heard)}

    @classmethod
    def read(cls, data: Any) -> Self | None:
        """What `as_json` gave, of a peer too.

        Raises:
            ManifestFieldError: it is something else.
        """
        if data is None:
            return None
        if not isinstance(data, dict) or not isinstance(data.get("told"), list):
            raise ManifestFieldError("'marks' must be a dict with a list 'told'")
        if len(data["told"]) > 4 * TOLD_MAX:
            raise ManifestFieldError("'marks' tells of too many exchanges")
        since = checked_stamp(data.get("since", 0), "'since' of 'marks'", ManifestFieldError)
        heard = data.get("heard")
        told = Told(tuple(read_marks(data["told"])), since)
        return cls(told, None if heard is None else next(iter(read_marks([heard]))))


def read_marks(data: Iterable[Any]) -> Iterable[Mark]:
    """Marks of their JSON values.

    Raises:
        ManifestFieldError: one is none.
    """
    for value in data:
        match value:
            case [place, str(generation), str(token)] if max(len(generation), len(token)) <= _TEXT_MAX:
                yield Mark(checked_stamp(place, "a place of 'marks'", ManifestFieldError), generation, token)
            case _:
                raise ManifestFieldError("a mark must be a place, a generation and a token")
