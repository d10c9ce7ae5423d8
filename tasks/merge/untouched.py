"""Pairs of which nothing was changed: in most runs nearly all of them, so they are told at a glance. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from tasks.merge.model import Link, Record, Snapshot, Values
from tasks.merge.policy import Policy
from tasks.sides.ends import ID, End
from tasks.values.canonical import same
from tasks.values.opaque import Opaque
from tasks.values.plain import PLAIN
from tasks.values.references import References

_MISSING = object()


def touched(
    links: Iterable[Link],
    snapshots: Mapping[End, Snapshot],
    policy: Policy,
    open_pairs: Container[tuple[ID, ID]],
) -> list[Link]:
    """The links without those for which nothing can be to do: both records show what they did at the last agreement.

    Args:
        links: all pairs.
        snapshots: both sides.
        policy: what is synced.
        open_pairs: pairs with a write whose outcome is not known.
    """
    if policy.scope_changed:
        return list(links)
    left, right = snapshots[End.LEFT], snapshots[End.RIGHT]
    ours, theirs = left.records, right.records
    odd_left, odd_right = _odd(left), _odd(right)
    found = []
    for link in links:
        one, other = ours.get(link.left_id), theirs.get(link.right_id)
        if (
            one is None
            or other is None
            or link.parked
            or link.apart
            or not in_step(link, one, other, policy)
            or link.left_id in odd_left
            or link.right_id in odd_right
            or (link.left_id, link.right_id) in open_pairs
        ):
            found.append(link)
    return found


def _odd(snapshot: Snapshot) -> frozenset[ID]:
    """Objects of which something is to be done though they be as ever."""
    return frozenset().union(snapshot.unreadable, snapshot.outside, snapshot.out_of_window)


def in_step(link: Link, left: Record, right: Record, policy: Policy) -> bool:
    """Whether both records of a pair surely show what its base says."""
    return shows_base(left.values, link.left, policy.attributes) and shows_base(
        right.values, link.right, policy.attributes
    )


def shows_base(values: Values, base: Values, names: Iterable[str]) -> bool:
    """Whether all these attributes surely show the base still.

    What cannot be read, and what refers to other objects, tells more than it shows: that is looked at closely.
    """
    for name in names:
        value, known = values[name], base.get(name, _MISSING)
        if type(value) is type(known) and type(value) in PLAIN:
            if value != known:
                return False
        elif (
            known is _MISSING
            or isinstance(value, Opaque | References)
            or isinstance(known, Opaque | References)
            or not same(value, known)
        ):
            return False
    return True


def is_plainly_same(one: Values, two: Values) -> bool:
    """Whether two records surely show the same, in values of the same plain types and in the same order."""
    kinds = [*map(type, one.values())]
    return (
        PLAIN.issuperset(kinds)
        and kinds == [*map(type, two.values())]  # else 1 would be true
        and [*one] == [*two]  # types are told apart by place
        and one == two
    )
