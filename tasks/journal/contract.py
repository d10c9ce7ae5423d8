"""Where a run keeps what must outlive it: links with their bases, begun writes, lost values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from tasks.journal.ledger import LedgerEntry
from tasks.merge import ID, Effect, End, Held, Intent, Link, Name


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a side has been read."""

    #: The side's own word for where its next changes start.
    value: Any
    #: When the side was listed in full last.
    listed_at: datetime


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a task as a whole."""

    #: By the left side's attribute, what it is mapped to and how it was compared; `None` before the first run.
    forms: Mapping[str, str] | None = None
    #: What the listings held, by the task's own word; `None` before the first run.
    scope: str | None = None
    #: By side; none where the next listing must be a full one.
    cursors: Mapping[End, Cursor] = field(default_factory=dict)
    #: What the last run had to leave as it was.
    held: Sequence[Held] = ()
    #: What the sides and the task want to know again, a JSON value; `None` where they said nothing.
    own: Any = None


@dataclass(frozen=True, slots=True)
class Lull:
    """That a run which knew every link, and was told of no change, had nothing to do."""

    #: A digest of the definition with which that is so.
    of: str
    since: datetime
    #: From when on time alone may have changed it; `None`: never.
    until: datetime | None = None


#: Links by number: those of each absence, by its words as they are kept (`absence_of`); the empty one is in sight.
Numbers: TypeAlias = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Base:
    """What is remembered of a task before a run."""

    links: Sequence[Link] = ()
    #: Creates and updates of earlier runs whose outcome is unknown.
    intents: Sequence[Intent] = ()
    memory: Memory = field(default_factory=Memory)
    #: How many links there are besides, which a run by changes need not know.
    others: Numbers = field(default_factory=dict)
    #: What `Journal.keep_lull` kept, if nothing of any link or intent was kept since; a journal may know of none.
    lull: Lull | None = None

    @property
    def rest(self) -> int:
        """How many links there are besides."""
        return sum(self.others.values())

    @property
    def count(self) -> int:
        """How many pairs are linked."""
        return len(self.links) + self.rest

    @property
    def apart(self) -> int:
        """How many of them went apart."""
        return sum(link.apart for link in self.links) + _with_word(self.others, _APART)

    def rest_shown(self, end: End) -> int:
        """Of how many of the links besides the object of an end is in sight."""
        return self.rest - _with_word(self.others, end.value)


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of one pair since a write was proved, or both sides were seen to agree."""

    #: The link with its new base.
    put: Link | None = None
    #: A link that is no more.
    drop: Link | None = None
    #: Intents that are closed.
    settle: Sequence[str] = ()


#: A word beside the ends at which a link is parked.
_APART = "apart"


def parked_words(link: Link) -> list[str]:
    """How a link's absence is kept: the ends at which it is parked, and whether the pair went apart."""
    return sorted([*link.parked, *([_APART] if link.apart else [])])


def parked_from(words: Iterable[str]) -> dict[str, Any]:
    """The fields of a link that `parked_words` gave.

    Raises:
        ValueError: a word is none of these.
    """
    kept = set(words)
    return {"parked": frozenset(End(word) for word in kept - {_APART}), "apart": _APART in kept}


def absence_of(link: Link) -> str:
    """The same words with a comma between; empty where both objects are in sight."""
    return ",".join(parked_words(link)) if link.parked or link.apart else ""


def numbers_of(links: Iterable[Link]) -> Counter[str]:
    """How many of these links there are, by their absence."""
    return Counter(map(absence_of, links))


def _with_word(numbers: Numbers, word: str) -> int:
    return sum(number for words, number in numbers.items() if word in words.split(","))


class Linked(Protocol):
    """The links of a task, for another one to read.

    Raises:
        StateError: what is stored cannot be read.
    """

    async def links(self, end: End, ids: Collection[ID]) -> Sequence[Link]:
        """The links of these objects of a side, in no order; those without a link are left out."""
        ...

    async def counterparts(self, end: End, ids: Collection[ID]) -> Mapping[ID, ID]:
        """With what these objects of a side are linked; those without a link are left out."""
        ...

    async def pairing(self) -> str | None:
        """A word that is another one once any pair was linked, came apart or came back; `None`: that is not known."""
        ...


#: Pairs that are kept in one transaction where nothing is written in between.
BATCH = 500


class Journal(Linked, Protocol):
    """Durable when a call returns; every call is one transaction.

    Raises:
        StateError: what is stored cannot be read or written.
        LockLostError: a newer session of the node has written here.
    """

    @property
    def batch(self) -> int:
        """How many pairs `confirm_all` is given at most."""
        return BATCH

    async def load(self) -> Base:
        """All links, open intents, and what is remembered of the task."""
        ...

    async def recall(self) -> Base:
        """Open intents and what is remembered of the task, without a link: these are only counted."""
        ...

    async def unsettled(self, attributes: Collection[str]) -> Sequence[Link]:
        """The links of which a run may say something though neither side changed.

        These are the ones that are not settled (`tasks.merge.is_settled`), and those to whose references something
        happened: one was linked or is linked no more (`tasks.merge.Referred`).

        Args:
            attributes: those that are kept in step now.
        """
        ...

    async def out_of_sight(self) -> Sequence[Link]:
        """The links of which an object is out of sight, also those of pairs that went apart."""
        ...

    async def referring(self, ids: Mapping[End, Collection[ID]]) -> Sequence[Link]:
        """The links whose bases refer to any of these objects, by their end; in no order, each once."""
        ...

    def look_up(self, end: End, ids: Collection[ID] | None) -> Sequence[Link]:
        """The same as `links`, in the caller's thread; with `None`, all of them. For who cannot wait."""
        ...

    def ids_at(self, end: End) -> Collection[ID]:
        """The objects of a side that are linked, likewise."""
        ...

    def beside(self, task: str) -> Linked:
        """The links of another task that keeps its own in the same place; none before its first run."""
        ...

    async def keep_lull(self, lull: Lull) -> None:
        """Keep this until anything of a link or an intent is kept."""
        ...

    async def begin(self, intent: Intent | None, effect: Effect | None = None) -> None:
        """Keep before a write is sent its intent, and what it replaces; the same key replaces an earlier one.

        A deletion has no intent: that the object is not there any more says enough.
        """
        ...

    async def confirm(
        self, *, put: Link | None = None, drop: Link | None = None, settle: Sequence[str] = ()
    ) -> None:
        """After a write was proved: keep a link with its new base, forget a link, close intents."""
        ...

    async def confirm_all(self, proofs: Sequence[Proof]) -> None:
        """The same of several pairs, each another one: all is kept, or after an error nothing."""
        ...

    async def keep_conflict(self, entry: LedgerEntry) -> None:
        """Enter both values of a conflict before the losing one is overwritten; a repetition is kept once."""
        ...

    async def remember(self, memory: Memory, *, forget: Sequence[str] = ()) -> None:
        """Replace what is remembered of the task; drop these attributes from the bases of all links."""
        ...


def memory_to_data(memory: Memory) -> dict[str, Any]:
    """A memory in values that `tasks.values.canonical.dump` keeps."""
    return {
        "forms": None if memory.forms is None else dict(memory.forms),
        "scope": memory.scope,
        "cursors": {side.value: asdict(cursor) for side, cursor in memory.cursors.items()},
        "held": [asdict(held) for held in memory.held],
        "own": memory.own,
    }


def memory_from_data(data: Mapping[str, Any]) -> Memory:
    """The memory that `memory_to_data` gave."""
    return Memory(
        data["forms"],
        data["scope"],
        {End(side): Cursor(**cursor) for side, cursor in data["cursors"].items()},
        tuple(
            Held(**{**held, "pair": tuple(held["pair"]), "name": Name(**held.get("name", {}))})
            for held in data["held"]
        ),
        data.get("own"),
    )
