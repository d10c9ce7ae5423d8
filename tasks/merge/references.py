"""What an attribute waits for that refers to objects without a counterpart. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tasks.merge.model import Link, Record, Skip, Snapshot
from tasks.merge.policy import Policy
from tasks.sides.ends import ID, End
from tasks.values.references import References


def waits_for_link(
    policy: Policy,
    snapshots: Mapping[End, Snapshot],
    link: Link | None,
    name: str,
    left: Record,
    right: Record,
) -> End | None:
    """The side on which an attribute refers to what is not linked, so that nothing can be said of it yet.

    What refers to new objects only would blank the other side, as if a person had; and where there is room for one
    only, nothing can be put beside it.

    Args:
        policy: what is synced.
        snapshots: both sides, as far as they are known.
        link: the pair with a base of this attribute; `None` where there is none.
        name: the attribute.
        left: the left side's record.
        right: the right side's record.
    """
    shown = {End.LEFT: left.values[name], End.RIGHT: right.values[name]}
    for end, value in shown.items():
        across = shown[end.opposite]
        if not isinstance(value, References) or not isinstance(across, References):
            continue
        there = {one for one in value.alone if not _is_lost(policy, snapshots, name, end, one)}
        base = None if link is None else link.base_on(end)[name]
        if not value.links and isinstance(base, References) and base.links and there - set(base.alone):
            return end
        if there and end in policy.single.get(name, ()) and across.links:
            return end
    return None


def _is_lost(policy: Policy, snapshots: Mapping[End, Snapshot], name: str, end: End, referred: ID) -> bool:
    """Whether what is referred to is not there, so that nobody has to wait for it."""
    snapshot = snapshots.get(end)
    if snapshot is None or not snapshot.full or snapshot.partial is not None or name not in policy.inward:
        return False
    return not snapshot.has(referred)


def wait_for_links(link: Link, waiting: Iterable[tuple[End, str]]) -> Iterator[Skip]:
    """A line for each attribute that waits."""
    for side, name in waiting:
        yield Skip(
            side=side,
            id=link.id_on(side),
            pair=(link.left_id, link.right_id),
            reason=f"not synced: {name} refers to an object that has no counterpart yet",
        )
