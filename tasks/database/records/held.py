"""What does not get from one node to another, as it is told: to the peer, in the run, to the operator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tasks.database.exceptions import ManifestFieldError

#: Records that a peer is told by name; the count tells of all.
TOLD_MAX = 20
_KEY_SHOWN, _TEXT_MAX = 80, 400


@dataclass(frozen=True)
class HeldRecord:
    """One record that does not get to the other node."""

    model: str
    key: str
    #: It never quotes a value.
    reason: str
    #: It came, and cannot be applied; else it cannot be sent.
    came: bool

    def cut(self) -> HeldRecord:
        """The same, no longer than is good for a manifest."""
        model, key, reason = (text[:_TEXT_MAX] for text in (self.model, self.key, self.reason))
        return HeldRecord(model, key, reason, self.came)

    def __str__(self) -> str:
        return f"{self.model} {shown_key(self.key)}"


@dataclass(frozen=True)
class HeldList:
    """All that one node holds of what is between it and a peer, and the first of it by name."""

    count: int = 0
    first: tuple[HeldRecord, ...] = ()

    def __bool__(self) -> bool:
        return self.count > 0

    def lines(self, node_id: str) -> Iterator[str]:
        """What this node, the peer, says that it holds."""
        for one in self.first:
            what = "is held at" if one.came else "is not sent by"
            yield f"{one} {what} node {node_id!r}: {one.reason}"
        if self.count > len(self.first):
            yield f"node {node_id!r} holds {self.count - len(self.first)} more records"

    def as_json(self) -> dict[str, Any]:
        """JSON values, for the wire and for keeping."""
        return {"count": self.count, "first": [[o.model, o.key, o.reason, o.came] for o in self.first]}

    @staticmethod
    def of(records: Iterable[HeldRecord]) -> HeldList:
        """What a peer is told of these."""
        first: list[HeldRecord] = []
        count = 0
        for one in records:
            count += 1
            if len(first) < TOLD_MAX:
                first.append(one.cut())
        return HeldList(count, tuple(first))

    @staticmethod
    def read(data: Any) -> HeldList:
        """What a peer sent.

        Raises:
            ManifestFieldError: it is something else.
        """
        if data is None:
            return HeldList()
        first: list[HeldRecord] = []
        match data:
            case {"count": int(count), "first": list(found)} if not isinstance(count, bool) and count >= 0:
                for each in found[:TOLD_MAX]:
                    match each:
                        case [str(model), str(key), str(reason), bool(came)]:
                            first.append(HeldRecord(model, key, reason, came).cut())
                        case _:
                            raise ManifestFieldError(
                                "'held' must name model, key, reason and whether it came"
                            )
                return HeldList(max(count, len(first)), tuple(first))
        raise ManifestFieldError("'held' must be a dict of 'count' and 'first'")


def shown_key(key: str) -> str:
    """A key for people, however long it is and whatever is in it."""
    return repr(key) if len(key) <= _KEY_SHOWN else f"{key[:_KEY_SHOWN]!r}…"


def unsent_lines(records: Iterable[HeldRecord]) -> Iterator[str]:
    """What this node cannot send to the peer, of what it holds."""
    unsent = (one for one in records if not one.came)
    for one in islice(unsent, TOLD_MAX):
        yield f"{one} cannot be sent: {one.reason}; it is held here"
    more = sum(1 for _ in unsent)
    if more > 0:
        yield f"{more} more records cannot be sent"
