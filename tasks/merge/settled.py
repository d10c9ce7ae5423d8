"""Which pairs a plan passes over while neither side changes them, so that a run by changes need not know them. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tasks.merge.model import Link, Plan
from tasks.values.opaque import Opaque
from tasks.values.plain import PLAIN


def settled_names(link: Link) -> frozenset[str] | None:
    """The attributes with a base on both sides, of a pair of which nothing is said as long as both show their base.

    `None` of a pair that may be in a plan all the same: one with a record out of sight, or with a value that cannot
    be read though it should be (`LinkedPairs.name_hidden`).
    """
    if link.parked or link.apart:
        return None
    for base in (link.left, link.right):
        if PLAIN.issuperset(map(type, base.values())):
            continue
        if any(isinstance(value, Opaque) and value.odd for value in base.values()):
            return None
    return frozenset(link.left.keys() & link.right.keys())


def is_settled(link: Link, attributes: Collection[str]) -> bool:
    """Whether the base of such a pair says what both sides show of just these attributes."""
    return settled_names(link) == frozenset(attributes)


def with_rest(plan: Plan, rest: int) -> Plan:
    """The plan of a run that knew not all pairs: so many more were settled and did not change."""
    if not rest:
        return plan
    listed = {side: number + rest for side, number in plan.listed.items()}
    return replace(plan, in_step=plan.in_step + rest, listed=listed)
