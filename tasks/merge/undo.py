"""Plans that go back: the inverse of a run, and a value of the ledger brought back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasks.merge.model import (
    Action,
    Change,
    Effect,
    Link,
    Plan,
    Restore,
    Skip,
    Snapshot,
    Update,
    Values,
    Withdraw,
)
from tasks.merge.policy import Policy
from tasks.sides.ends import ID, End
from tasks.values.canonical import is_part, same


def undo(
    effects: Sequence[Effect], links: Sequence[Link], snapshots: Mapping[End, Snapshot], policy: Policy
) -> Plan:
    """What brings back the values that a run replaced, on both sides.

    Only what still is as the run left it is touched; everything else is left, with the reason.

    Args:
        effects: what the run wrote, in its order.
        links: the pairs as they are linked now.
        snapshots: both sides now.
        policy: what is synced.
    """
    by_id = {(side, link.id_on(side)): link for link in links for side in End}
    actions: list[Action] = []
    created = {(effect.side.opposite, effect.source_id) for effect in effects if effect.kind == "create"}
    done: set[tuple[str, End, ID | None, ID | None]] = set()
    for effect in reversed(effects):
        key = (effect.kind, effect.side, effect.target_id, effect.source_id)
        if key in done or (effect.kind == "update" and (effect.side.opposite, effect.source_id) in created):
            continue  # a repetition after a lost answer; or it goes with its object
        done.add(key)
        here = snapshots[effect.side].records
        if effect.kind == "delete":
            actions.append(_brought_back(effect, snapshots, by_id, policy))
            continue
        across = (effect.side.opposite, effect.source_id or "")
        link = by_id.get((effect.side, effect.target_id or "")) or by_id.get(across)
        record = here.get(link.id_on(effect.side)) if link is not None else None
        if link is None or record is None:
            known = effect.target_id or effect.source_id or ""
            actions.append(
                Skip(
                    side=effect.side if effect.target_id else effect.side.opposite,
                    id=known,
                    reason=f"what the run wrote in {policy.labels[effect.side]} is not there any more",
                    name=effect.name,
                )
            )
        elif effect.kind == "create":
            actions.append(_withdrawn(effect, link, record.values, policy))
        else:
            right = snapshots[effect.side.opposite].records.get(link.id_on(effect.side.opposite))
            actions += _set_back(effect, link, record.values, right.values if right else None, policy)
    return Plan(tuple(actions), 0, {side: len(snapshots[side].records) for side in End}, labels=policy.labels)


def _brought_back(
    effect: Effect,
    snapshots: Mapping[End, Snapshot],
    by_id: Mapping[tuple[End, ID], Link],
    policy: Policy,
) -> Action:
    former, here = effect.target_id or "", snapshots[effect.side]
    if here.has(former):
        return Skip(side=effect.side, id=former, reason="it is there again already", name=effect.name)
    for record in here.records.values():
        shows = all(same(record.values.get(name), value) for name, value in effect.before.items())
        if shows and (effect.side, record.id) not in by_id:
            reason = "an equal object is there again already"
            return Skip(side=effect.side, id=record.id, reason=reason, name=effect.name)
    across = effect.side.opposite, effect.source_id or ""
    alone = across[1] in snapshots[across[0]].records and across not in by_id
    then = "it is linked again with its counterpart" if alone else "the next run carries it across"
    return Restore(
        side=effect.side,
        former_id=former,
        values=_writable(effect.before, effect.side, policy),
        counterpart=effect.source_id if alone else None,
        reason=f"the run deleted it in {policy.labels[effect.side]}; {then}",
        name=effect.name,
    )


def _withdrawn(effect: Effect, link: Link, shown: Values, policy: Policy) -> Action:
    edited = [
        name for name in policy.attributes if not same(shown[name], link.base_on(effect.side).get(name))
    ]
    if edited:
        reason = f"created by the run, but edited since ({', '.join(edited)}): it stays"
        return Skip(side=effect.side, id=link.id_on(effect.side), reason=reason)
    return Withdraw(
        side=effect.side,
        left_id=link.left_id,
        right_id=link.right_id,
        values={name: shown[name] for name in policy.attributes},
        reason=f"the run created it in {policy.labels[effect.side]}; its counterpart stays and is left out of the sync",
    )


def _set_back(
    effect: Effect, link: Link, here: Values, across: Values | None, policy: Policy
) -> list[Action]:
    back: dict[str, Any] = {}
    edited = []
    sources = []
    for name, value in effect.before.items():
        if name not in policy.attributes or same(here[name], value):
            continue
        if not policy.goes_to(name, effect.side):
            sources.append(name)
            continue
        after = effect.after[name]
        # A side that keeps less than was written shows still what it showed then.
        kept = is_part(here[name], after) and same(here[name], link.base_on(effect.side).get(name))
        if kept or policy.agree(name, here[name], after) or same(here[name], after):
            back[name] = value
        else:
            edited.append(name)
    actions: list[Action] = []
    if edited:
        reason = f"edited since the run ({', '.join(edited)}): left as it is"
        actions.append(Skip(side=effect.side, id=link.id_on(effect.side), reason=reason))
    if sources:
        reason = f"{_goes_only(sources, effect.side, policy)} by now: left as it is"
        actions.append(Skip(side=effect.side, id=link.id_on(effect.side), reason=reason))
    if back:
        actions += both_set(link, effect.side, back, here, across, policy, "as before the run")
    return actions


def both_set(
    link: Link, side: End, values: Values, here: Values, across: Values | None, policy: Policy, reason: str
) -> list[Action]:
    """Updates that make both records of a pair show these values, which are `side`'s own.

    What goes only to `side` leaves its source as it is.
    """
    shown: dict[End, Values] = {side: here, side.opposite: across or {}}
    target = {
        side: dict(values),
        side.opposite: {
            name: policy.carried(name, value, shown[side.opposite].get(name), side.opposite)
            if policy.goes_to(name, side.opposite)
            else shown[side.opposite].get(name)
            for name, value in values.items()
        },
    }
    actions: list[Action] = []
    for one in (side, side.opposite):
        changes = {
            name: Change(shown[one][name], value)
            for name, value in target[one].items()
            if name in shown[one] and not same(shown[one][name], value)
        }
        if changes:
            actions.append(
                Update(
                    side=one,
                    left_id=link.left_id,
                    right_id=link.right_id,
                    changes=changes,
                    source={name: target[one.opposite][name] for name in changes},
                    reason=reason,
                )
            )
    return actions


def take_back(
    link: Link | None,
    attribute: str | None,
    values: Mapping[End, Any],
    take: End,
    snapshots: Mapping[End, Snapshot],
    policy: Policy,
    former_id: ID = "",
) -> Plan:
    """What makes both sides show the value that one side had in a conflict of the ledger.

    Args:
        link: the pair, if its records are linked still.
        attribute: what the conflict was about; `None` for a deletion against an edit.
        values: what both sides had then; all values by attribute where it was about a deletion.
        take: the side whose value is wanted.
        snapshots: both sides now.
        policy: what is synced.
        former_id: the id that the object had on that side.
    """
    listed = {side: len(snapshots[side].records) for side in End}
    records = {
        side: snapshots[side].records.get(link.id_on(side)) if link is not None else None for side in End
    }
    here, across = records[take], records[take.opposite]
    wanted = values[take] if attribute is None else {attribute: values[take]}
    reason = "brought back from the ledger"
    if here is not None and wanted is not None and link is not None:
        known = {name: value for name, value in wanted.items() if name in policy.attributes}
        ours = _writable(known, take, policy)
        actions = both_set(link, take, ours, here.values, across.values if across else None, policy, reason)
        if known and not ours:
            reason = f"{_goes_only(known, take, policy)}: left as it is"
            actions = [Skip(side=take, id=link.id_on(take), reason=reason)]
        return Plan(tuple(actions), 0, listed, labels=policy.labels)
    if not policy.writes(take):
        reason = f"{policy.labels[take]} is mirrored, and never written"
        source = Skip(side=take, id=link.id_on(take) if link else former_id, reason=reason)
        return Plan((source,), 0, listed, labels=policy.labels)
    if attribute is None and wanted is not None and not snapshots[take].has(former_id):
        former_id = link.id_on(take) if link is not None else former_id
        restore = Restore(
            side=take, former_id=former_id, values=_writable(wanted, take, policy), reason=reason
        )
        return Plan((restore,), 0, listed, labels=policy.labels)
    gone = Skip(side=take, id=link.id_on(take) if link else "", reason="the object is not there any more")
    return Plan((gone,), 0, listed, labels=policy.labels)


def _writable(values: Values, side: End, policy: Policy) -> dict[str, Any]:
    """The values that may be written on a side."""
    return {name: value for name, value in values.items() if policy.goes_to(name, side)}


def _goes_only(names: Iterable[str], side: End, policy: Policy) -> str:
    """That attributes have their source on a side."""
    several = tuple(names)
    return (
        f"{', '.join(several)} {'goes' if len(several) == 1 else 'go'} only to {policy.labels[side.opposite]}"
    )
