"""Which pairs a plan passes over while neither side changes them, so that a run by changes need not know them. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from tasks.merge.model import Link, Plan
from tasks.sides.ends import ID, End
from tasks.values.opaque import Opaque
from tasks.values.plain import PLAIN
from tasks.values.references import Linked, References


def settled_names(link: Link) -> frozenset[str] | None:
    """The attributes with a base on both sides, of a pair of which nothing is said as long as both show their base.

    `None` of a pair that may be in a plan all the same: one with a record out of sight, with a value that cannot be
    read though it should be (`LinkedPairs.name_hidden`), or with references that are not in the form in which they are
    shown. What becomes of the others by links that come and go is not told here, but by `Referred.stands`.
    """
    if link.parked or link.apart:
        return None
    for base in (link.left, link.right):
        if PLAIN.issuperset(map(type, base.values())):
            continue
        for value in base.values():
            odd = isinstance(value, Opaque) and value.odd
            if odd or (isinstance(value, References) and not _is_as_shown(value)):
                return None
    return frozenset(link.left.keys() & link.right.keys())


def is_settled(link: Link, attributes: Collection[str]) -> bool:
    """Whether the base of such a pair says what both sides show of just these attributes."""
    return settled_names(link) == frozenset(attributes)


def _is_as_shown(value: References) -> bool:
    """Whether a base is no other value than the one that its object shows (`Counterparts.seen`)."""
    links, alone = tuple(sorted(set(value.links))), tuple(sorted(set(value.alone)))
    return value.links == links and value.alone == alone and "" not in alone


@dataclass(frozen=True, slots=True)
class Referred:
    """To what the base of a pair refers."""

    #: What was linked.
    links: frozenset[Linked] = frozenset()
    #: What was not, with the end that shows it.
    alone: frozenset[tuple[End, ID]] = frozenset()

    @property
    def ids(self) -> frozenset[tuple[End, ID]]:
        """All objects that it names, each with its end."""
        return self.alone.union(*(zip(End, pair, strict=True) for pair in self.links))

    def stands(self, linked: Collection[Linked], ids: Collection[tuple[End, ID]]) -> bool:
        """Whether the base still says what both sides show as long as neither changes.

        Args:
            linked: pairs that are linked now, at least those of the objects that it names.
            ids: the objects of these pairs.
        """
        return all(pair in linked for pair in self.links) and not any(one in ids for one in self.alone)


def referred(link: Link) -> Referred:
    """To what the base of a pair refers."""
    values = [
        (end, value) for end in End for value in link.base_on(end).values() if isinstance(value, References)
    ]
    if not values:
        return _NOTHING
    return Referred(
        frozenset(pair for _, value in values for pair in value.links),
        frozenset((end, one) for end, value in values for one in value.alone),
    )


_NOTHING = Referred()


def with_rest(plan: Plan, rest: int) -> Plan:
    """The plan of a run that knew not all pairs: so many more were settled and did not change."""
    if not rest:
        return plan
    listed = {side: number + rest for side, number in plan.listed.items()}
    return replace(plan, in_step=plan.in_step + rest, listed=listed)
