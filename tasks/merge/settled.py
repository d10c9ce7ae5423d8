"""Which pairs a plan passes over while neither side changes them, so that a run by changes need not know them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from tasks.merge.model import Link, Plan
from tasks.sides.ends import ID, End
from tasks.values.opaque import Opaque
from tasks.values.plain import PLAIN
from tasks.values.references import Linked, References


def settled_names(link: Link) -> frozenset[str] | None:
    """The attributes with a base on both sides, of a pair of which nothing is said as long as both show their base.

    One with a record out of sight is left alone (`LinkedPairs.park`) until a change names it, or an object appears that
    is not linked: that may be the missing one made again.

    `None` of a pair of which something may be said all the same: one with a value that cannot be read though it should
    be (`LinkedPairs.name_hidden`), or with references that are not in the form in which they are shown; and one out of
    sight with any value that cannot be read, as plans tell of those that they look at. What becomes of the others by
    links that come and go is not told here, but by `Referred.stands`.
    """
    for base in () if _is_plain(link) else (link.left, link.right):
        for value in base.values():
            odd = isinstance(value, Opaque) and (value.odd or bool(link.parked))
            if odd or (isinstance(value, References) and not _is_as_shown(value)):
                return None
    return frozenset(link.left if link.right is link.left else link.left.keys() & link.right.keys())


def _is_plain(link: Link) -> bool:
    """Whether its base holds plain values only, as nearly all do."""
    left, right = link.left, link.right
    return PLAIN.issuperset(map(type, left.values())) and (
        right is left or PLAIN.issuperset(map(type, right.values()))
    )


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

    def __bool__(self) -> bool:
        """Whether it names any object."""
        return bool(self.links or self.alone)

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
    if _is_plain(link):
        return _NOTHING
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


def with_rest(plan: Plan, rest: int, shown: Mapping[End, int]) -> Plan:
    """The plan of a run that knew not all pairs.

    Args:
        plan: of those that it knew.
        rest: how many more there are, which are settled and did not change.
        shown: of how many of these the record of a side is in sight.
    """
    if not rest:
        return plan
    listed = {side: number + shown[side] for side, number in plan.listed.items()}
    return replace(plan, in_step=plan.in_step + rest, listed=listed)
