"""When a run would destroy so much on this node that a person has to say so.

Deletions, fields that become empty and fields that get another value are counted over all exchanges of a run, and
compared with the rows that are there. Filling what was empty loses nothing and is not counted.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tasks.database.exceptions import InvalidParameterError, MassChangeError
from tasks.database.records.record import SyncRecord
from tasks.database.records.ties import canonical, is_empty, same
from tasks.database.storages.storage import ArrivalStorage

#: Rows of one kind that are kept as examples, kinds that a message names, and letters of a key in it.
EXAMPLES, KINDS_SHOWN, KEY_SHOWN = 100, 3, 30


@dataclass(frozen=True)
class Guard:
    """How much of a table a run may destroy.

    Args:
        delete_share: a run may delete this share of a table's rows …
        change_share: … and blank or overwrite one column on this share of them …
        handful: … and so many in any case.

    Raises:
        InvalidParameterError: a value does not fit.
    """

    delete_share: float = 0.5
    change_share: float = 0.5
    handful: int = 20

    def __post_init__(self) -> None:
        for name, share in (("delete_share", self.delete_share), ("change_share", self.change_share)):
            if not 0 <= share <= 1:
                raise InvalidParameterError(f"{name} must be from 0 to 1, got {share}")
        if self.handful < 0:
            raise InvalidParameterError(f"handful must be non-negative, got {self.handful}")

    def share(self, kind: Kind) -> float:
        """The share of the rows that may be lost in this way."""
        return self.delete_share if kind.verb == "delete" else self.change_share


class Kind(NamedTuple):
    """One way to lose values of a table."""

    label: str
    #: `delete`, `blank` or `change`.
    verb: str
    #: The column; empty for whole rows.
    field_name: str = ""

    def __str__(self) -> str:
        what = f"{self.field_name!r} on " if self.field_name else ""
        return f"{self.verb} {what}"


class Lost(NamedTuple):
    """One row's loss: the value that goes and the one that comes, or the row's data and None."""

    key: str
    old: Any
    new: Any


@dataclass(frozen=True)
class MassChange:
    """More of one kind than may be."""

    kind: Kind
    number: int
    rows: int
    #: Of all of it: equal where the same values go and the same come.
    digest: str
    examples: tuple[Lost, ...]

    def __str__(self) -> str:
        some = ", ".join(repr(lost.key[:KEY_SHOWN]) for lost in self.examples[:3])
        some += ", …" if self.number > 3 else ""
        return f"{self.kind}{self.number} of {self.rows} rows of {self.kind.label!r} ({some})"


class LookAheadError(Exception):
    """What is still to come has to be looked at before this is written."""


def refuse(error: MassChangeError) -> bool:
    """Lets nothing through."""
    return False


@dataclass
class Toll:
    """What one run destroys on this node.

    Args:
        guard: how much it may; None: anything.
        approve: asked once where it is too much: whether a person has said so.
        before: how many there were in earlier exchanges, where a run is not watched as a whole.
        through: a person has said so already.
    """

    guard: Guard | None = None
    approve: Callable[[MassChangeError], bool] = refuse
    before: dict[Kind, int] = field(default_factory=dict)
    through: bool = False
    #: Everything that is still to come was counted.
    looked: bool = False
    _found: dict[Kind, dict[str, int]] = field(default_factory=dict)
    _examples: dict[Kind, dict[str, Lost]] = field(default_factory=dict)
    #: How many were not too many; that is asked again where there are more.
    _allowed: dict[Kind, int] = field(default_factory=dict)
    #: Rows that were deleted in this run, by model.
    _gone: dict[str, set[str]] = field(default_factory=dict)

    @property
    def watches(self) -> bool:
        """Whether anything is counted."""
        return self.guard is not None and not self.through

    def update(
        self, label: str, here: SyncRecord, after: SyncRecord, names: Iterable[str] | None = None
    ) -> None:
        """A record becomes another, in these fields, or whichever they are."""
        for name in here.data if names is None else names:
            old = here.data.get(name)
            new = after.data.get(name, old)
            if old is new or is_empty(old) or same(old, new):
                continue
            verb = "blank" if is_empty(new) else "change"
            self._add(Kind(label, verb, name), Lost(here.key, old, new))

    def delete(self, label: str, here: SyncRecord) -> None:
        """A record goes."""
        self._add(Kind(label, "delete"), Lost(here.key, here.data, None))

    def _add(self, kind: Kind, lost: Lost) -> None:
        text = f"[{', '.join(map(canonical, lost))}]"
        found = self._found.setdefault(kind, {})
        found[lost.key] = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16])
        examples = self._examples.setdefault(kind, {})
        examples[lost.key] = lost
        if len(examples) > 2 * EXAMPLES:
            self._examples[kind] = {key: examples[key] for key in sorted(examples)[:EXAMPLES]}

    def check(self, node_id: str, storage: ArrivalStorage, *, more: bool) -> None:
        """Before anything of an exchange is written.

        Raises:
            LookAheadError: there may be too much in what is still to come, and `more` can be looked at.
            MassChangeError: it is too much, and nobody has said that it may be.
        """
        if self.guard is None or self.through:
            return
        if more and not self.looked and any(self._found.values()):
            raise LookAheadError
        numbers = {kind: self._number(kind) for kind in self._found}
        grown = {kind: n for kind, n in numbers.items() if n != self._allowed.get(kind)}
        many = {kind: n for kind, n in grown.items() if n > self.guard.handful}
        over = [change for kind, n in sorted(many.items()) if (change := self._over(kind, n, storage))]
        if not over:
            self._allowed = numbers
            return
        more_kinds = f", and more of {len(over) - KINDS_SHOWN} other kinds" if len(over) > KINDS_SHOWN else ""
        error = MassChangeError(
            f"this run would {', and '.join(map(str, over[:KINDS_SHOWN]))}{more_kinds} on node {node_id!r}, more than "
            "is allowed without a person's word; nothing of this exchange was written there",
            tuple(over),
        )
        if not self.approve(error):
            raise error
        self.through = True

    def written(self, left: Iterable[tuple[str, str]]) -> None:
        """Everything was written but these, by model and key."""
        held = set(left)
        for kind, found in self._found.items():
            for key in [key for key in found if (kind.label, key) in held]:
                found.pop(key)
                self._examples[kind].pop(key, None)
            if kind.verb == "delete":
                self._gone.setdefault(kind.label, set()).update(found)

    def counts(self) -> dict[Kind, int]:
        """How many there are of each kind, with those of before."""
        return {kind: self._number(kind) for kind in sorted({*self.before, *self._found})}

    def _number(self, kind: Kind) -> int:
        return self.before.get(kind, 0) + len(self._found.get(kind, {}))

    def _over(self, kind: Kind, number: int, storage: ArrivalStorage) -> MassChange | None:
        assert self.guard is not None  # noqa: S101  `check` has looked
        share = self.guard.share(kind)
        gone = self.before.get(Kind(kind.label, "delete"), 0) + len(self._gone.get(kind.label, ()))
        # No more rows are counted than make a difference.
        enough = None if share == 0 else math.floor(number / share) + 1
        # Rows that an earlier exchange of the run changed may be gone since.
        rows = max(number, gone + storage.count(kind.label, enough))
        if number <= share * rows:
            return None
        examples = self._examples[kind]
        return MassChange(
            kind,
            number,
            rows,
            f"{sum(self._found[kind].values()) % 2**128:032x}",
            tuple(examples[key] for key in sorted(examples)[:EXAMPLES]),
        )


def counts_as_json(counts: Mapping[Kind, int]) -> list[list[Any]]:
    """Counts as JSON values."""
    return [[*kind, number] for kind, number in counts.items()]


def counts_of_json(data: Iterable[list[Any]]) -> dict[Kind, int]:
    """What `counts_as_json` gave."""
    return {Kind(*kind): number for *kind, number in data}
