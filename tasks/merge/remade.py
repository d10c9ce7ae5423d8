"""Objects that are missing and there again under another id: their pair goes on instead of being made twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tasks.merge.holding import pair_of
from tasks.merge.matching import match_plainly
from tasks.merge.model import Conflict, Create, Link, Plan, Record, Snapshot
from tasks.merge.pairing import pair_by_hash
from tasks.merge.policy import Policy
from tasks.sides.ends import ID, End
from tasks.values.canonical import is_empty, same
from tasks.values.opaque import Opaque


@dataclass(frozen=True, slots=True)
class Remade:
    """A pair of which one object is missing, and what is there in its place."""

    link: Link
    #: The side on which the linked object is missing.
    side: End
    #: What is there instead.
    record: Record
    #: The object across.
    rest: Record

    @property
    def pair(self) -> tuple[Record, Record]:
        """Both records, the left one first."""
        return (self.record, self.rest) if self.side is End.LEFT else (self.rest, self.record)


def half_dead(links: Iterable[Link], snapshots: Mapping[End, Snapshot]) -> list[tuple[Link, End]]:
    """The links of which just one record is listed, each with the side on which the other one is missing."""
    found = []
    for link in links:
        missing = [side for side in End if not snapshots[side].has(link.id_on(side))]
        if len(missing) == 1 and link.id_on(missing[0].opposite) in snapshots[missing[0].opposite].records:
            found.append((link, missing[0]))
    return found


def in_question(links: Sequence[Link], snapshots: Mapping[End, Snapshot]) -> list[tuple[End, ID]]:
    """The missing objects in whose place another one may be: the side is asked whether they are really gone."""
    linked = {side: {link.id_on(side) for link in links} for side in End}
    hashes = {
        side: {record.hash for record in snapshot.records.values() if record.id not in linked[side]}
        for side, snapshot in snapshots.items()
    }
    if not any(hashes.values()):
        return []
    return [
        (side, link.id_on(side))
        for link, side in half_dead(links, snapshots)
        if snapshots[side].partial is None
        and snapshots[side.opposite].records[link.id_on(side.opposite)].hash in hashes[side]
    ]


def left_sight(
    links: Iterable[Link], snapshots: Mapping[End, Snapshot], policy: Policy
) -> list[tuple[End, ID]]:
    """The missing objects that may only have left what the task takes: their side is asked whether they are there."""
    if policy.scope_changed:
        return []
    found = []
    for link in links:
        missing = {side for side in End if not snapshots[side].has(link.id_on(side))}
        if link.parked:  # only where the other one is back
            missing = {side for side in missing if link.apart and side.opposite in link.parked - missing}
        found += [
            (side, link.id_on(side))
            for side in sorted(missing)
            if snapshots[side].partial is None and policy.leave_unlisted(side) != "keep"
        ]
    return found


def brings_together(plan: Plan, links: Iterable[Link]) -> bool:
    """Whether a plan touches a pair that went apart: what was edited meanwhile, a listing of changes tells no more."""
    apart = {(link.left_id, link.right_id) for link in links if link.apart}
    return any(pair_of(action) in apart for action in plan.actions)


def may_be_there(plan: Plan, policy: Policy) -> bool:
    """Whether a plan makes objects where some stand alone: a listing of changes does not tell of those."""
    return any(isinstance(action, Create) and policy.may_stay_alone(action.side) for action in plan.actions)


def unknown_rests(links: Sequence[Link], snapshots: Mapping[End, Snapshot]) -> dict[End, list[ID]]:
    """Objects across from a missing one of which a listing of changes gives no hash, by their side.

    Without it nobody sees that an object that is new where the other one is missing is the same thing again.
    """
    found: dict[End, list[ID]] = {side: [] for side in End}
    linked = {side: {link.id_on(side) for link in links} for side in End}
    with_new = {side for side in End if snapshots[side].records.keys() - linked[side]}
    if with_new:
        for link, missing in half_dead(links, snapshots):
            rest = link.id_on(missing.opposite)
            if missing in with_new and not snapshots[missing.opposite].records[rest].hash:
                found[missing.opposite].append(rest)
    return found


def find_remade(
    links: Iterable[Link],
    snapshots: Mapping[End, Snapshot],
    unlinked: Mapping[End, Sequence[Record]],
    attributes: Sequence[str],
    *,
    plainly: bool = False,
) -> list[Remade]:
    """The links that go on with another object, by the rules by which new objects are paired.

    None is found for an object that may only be out of sight: where the listing is partial, where the side does
    not say that it is gone, or where the link is parked. A pair that is synced no more is found: it is linked again.
    """
    found = []
    alone = half_dead(links, snapshots)
    for side in End:
        if snapshots[side].partial is not None:
            continue
        bereft = {
            link.id_on(side.opposite): link
            for link, missing in alone
            if missing is side
            and (not link.parked or link.apart)
            and link.id_on(side) not in snapshots[side].elsewhere
        }
        rests = [snapshots[side.opposite].records[rest_id] for rest_id in bereft]
        one, other = (unlinked[side], rests) if side is End.LEFT else (rests, unlinked[side])
        pairs = (
            match_plainly(one, other, attributes).pairs if plainly else pair_by_hash(one, other, attributes)
        )
        pairs = pairs if side is End.LEFT else [pair[::-1] for pair in pairs]
        found += [Remade(bereft[rest.id], side, record, rest) for record, rest in pairs]
    return sorted(found, key=lambda one: (one.link.left_id, one.link.right_id))


def link_again(
    remade: Remade, policy: Policy, uncertain: Collection[str] = ()
) -> tuple[Link, list[Conflict]]:
    """The new link with what is surely its base, and the values that yield for the ledger.

    Where the records differ, the old base tells whose value is the edit: the object that was made again shows
    the old value still, or the one across does. An empty value of the object that was made again, or an edit
    on both sides, is as unknown as in any new pair, and the conflict mode decides; so is an edit at the only
    end to which an attribute goes, where its source has its way.

    Args:
        remade: the pair.
        policy: what is synced.
        uncertain: attributes of which an earlier write is open.
    """
    old, left, right = remade.link, *remade.pair
    labels = policy.labels
    bases: dict[End, dict[str, object]] = {side: {} for side in End}
    conflicts = []
    for name in policy.attributes:
        shown = {End.LEFT: left.values[name], End.RIGHT: right.values[name]}
        if policy.agree(name, shown[End.LEFT], shown[End.RIGHT]):
            for side in End:
                bases[side][name] = shown[side]
            continue
        has_default = any(name in one for one in policy.defaults.values())
        if has_default and name not in uncertain and not old.apart and _is_as_it_was(remade, name, shown):
            for side in End:  # what is empty across goes on to be so
                bases[side][name] = shown[side]
            continue
        # Of a pair that went apart, the base says no more whose value is the edit.
        winner = None if name in uncertain or old.apart else _edited_side(remade, name, shown)
        if winner is None or not policy.goes_to(name, winner.opposite):
            continue
        for side in End:
            bases[side][name] = old.base_on(side)[name]
        conflicts.append(
            Conflict(
                left_id=left.id,
                right_id=right.id,
                attribute=name,
                base=old.base_on(winner.opposite)[name],
                left=shown[End.LEFT],
                right=shown[End.RIGHT],
                left_edited=left.edited,
                right_edited=right.edited,
                winner=winner,
                rule="made again",
                reason=f"{name} is as it was in {labels[winner.opposite]} and edited in {labels[winner]}, where an "
                "object was made again meanwhile",
            )
        )
    return Link(left.id, right.id, bases[End.LEFT], bases[End.RIGHT]), conflicts


def _is_as_it_was(remade: Remade, name: str, shown: Mapping[End, object]) -> bool:
    """Whether both sides show what they did when they agreed last, though that is not the same."""
    old = {side: remade.link.base_on(side) for side in End}
    return all(
        name in old[side] and not isinstance(shown[side], Opaque) and same(shown[side], old[side][name])
        for side in End
    )


def _edited_side(remade: Remade, name: str, shown: Mapping[End, object]) -> End | None:
    """On which side alone an attribute was edited since both agreed; `None` where that is not known."""
    old = {side: remade.link.base_on(side) for side in End}
    if any(name not in old[side] for side in End):
        return None
    if any(isinstance(value, Opaque) for value in (*shown.values(), *(old[side][name] for side in End))):
        return None
    edited = [side for side in End if not same(shown[side], old[side][name])]
    if len(edited) != 1 or (edited[0] is remade.side and is_empty(shown[remade.side])):
        return None
    return edited[0]
