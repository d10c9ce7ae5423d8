"""Match keys: by which values objects are the same thing, where the user says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tasks.merge.model import Record
from tasks.merge.pairing import full_key
from tasks.sides.ends import End
from tasks.values.canonical import canonical, is_empty
from tasks.values.lossy import Lossy


@dataclass(frozen=True, slots=True)
class Match:
    """The attributes in which objects of both sides are alike that are the same thing."""

    #: As the merge calls them.
    attributes: tuple[str, ...]
    #: Whether case and white space count for nothing.
    fold: bool = True
    #: What one side cannot show in full, by attribute: it is compared as that side shows it.
    lossy: Mapping[str, Lossy] = field(default_factory=dict)

    def key(self, end: End, values: Mapping[str, Any]) -> str:
        """What an object has in common with its counterpart; empty where it says nothing of these attributes."""
        shown = []
        for name in self.attributes:
            lossy, value = self.lossy.get(name), values[name]
            if lossy is not None:
                value = lossy.compared(value) if lossy.side == end else lossy.show(value)
            shown.append(value)
        return "" if all(map(is_empty, shown)) else "\x1f".join(map(self._text, shown))

    def _text(self, value: Any) -> str:
        """Equal for values that mean the same."""
        if is_empty(value):
            return ""
        if isinstance(value, str):
            return " ".join(value.split()).casefold() if self.fold else value
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return f"{Decimal(str(value)).normalize():f}"
        if isinstance(value, list | tuple | set | frozenset):
            return "\x1e".join(sorted(map(self._text, value)))
        return repr(canonical(value))


@dataclass(slots=True)
class Matched:
    """Which records belong together, and which of them nobody can tell."""

    pairs: list[tuple[Record, Record]] = field(default_factory=list)
    #: Groups of one key, the left ones and the right ones.
    unclear: list[tuple[list[Record], list[Record]]] = field(default_factory=list)


def match_plainly(left: Sequence[Record], right: Sequence[Record], attributes: Sequence[str]) -> Matched:
    """Pairs of records with equal keys, without a guess.

    One of each is a pair. Of several, one of each that are equal in all attributes are; what is left on both sides
    then is unclear. Without a key, only what is equal in all attributes, one of each, is a pair.
    """
    groups: dict[str, tuple[list[Record], list[Record]]] = defaultdict(lambda: ([], []))
    for number, records in enumerate((left, right)):
        for record in sorted(records, key=lambda record: record.id):
            groups[record.hash][number].append(record)
    found = Matched()
    for key, (ours, theirs) in groups.items():
        if key and len(ours) == len(theirs) == 1:
            found.pairs.append((ours[0], theirs[0]))
            continue
        alike = _alike(ours, theirs, attributes)
        found.pairs += alike
        taken = {id(record) for pair in alike for record in pair}
        rest = [[one for one in some if id(one) not in taken] for some in (ours, theirs)]
        if key and all(rest):
            found.unclear.append((rest[0], rest[1]))
    found.pairs.sort(key=lambda pair: pair[0].id)
    return found


def _alike(
    ours: Sequence[Record], theirs: Sequence[Record], attributes: Sequence[str]
) -> list[tuple[Record, Record]]:
    """Those that are equal in all attributes, one of each."""
    groups: dict[object, tuple[list[Record], list[Record]]] = defaultdict(lambda: ([], []))
    for number, records in enumerate((ours, theirs)):
        for record in records:
            groups[full_key(record, attributes)][number].append(record)
    return [(one[0], other[0]) for one, other in groups.values() if len(one) == len(other) == 1]
