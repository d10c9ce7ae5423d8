"""From base and two snapshots to a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tasks.merge.attributes import Merged, merge_attributes
from tasks.merge.model import (
    ID,
    Action,
    Adopt,
    Agree,
    Change,
    Conflict,
    Create,
    Delete,
    Intent,
    Link,
    Plan,
    Record,
    Side,
    Skip,
    Snapshot,
    Unlink,
    Update,
    Values,
)
from tasks.merge.pairing import pair_by_hash, settle_intents
from tasks.values import same


@dataclass(frozen=True, slots=True)
class Policy:
    """How the sides are brought together."""

    #: The Notion attributes that are kept in step.
    attributes: tuple[str, ...]
    #: `newer`, `notion`, `other` or `error`.
    mode: str = "newer"
    #: Edits closer than this are simultaneous.
    granularity: timedelta = timedelta(minutes=1)


def make_plan(
    links: Iterable[Link],
    notion: Snapshot,
    other: Snapshot,
    policy: Policy,
    intents: Sequence[Intent] = (),
) -> Plan:
    """What to do so that both sides agree, without loss.

    The same input gives the same plan, whatever the order of its records. A deletion is only derived from
    a listing that is complete, and never destroys an edit.
    """
    return _Planner(
        sorted(links, key=lambda link: (link.notion_id, link.other_id)), notion, other, policy
    ).run(intents)


class _Planner:
    """Gathers the actions of one plan."""

    def __init__(self, links: Sequence[Link], notion: Snapshot, other: Snapshot, policy: Policy) -> None:
        self.links = links
        self.snapshots = {Side.NOTION: notion, Side.OTHER: other}
        self.policy = policy
        self.actions: list[Action] = []
        self.in_step = 0

    def run(self, intents: Sequence[Intent]) -> Plan:
        linked = {side: {link.id_on(side) for link in self.links} for side in Side}
        settled = settle_intents(intents, self.unlinked(linked), linked)
        arrived = {intent.key for intent, _ in settled}
        void = tuple(
            intent.key
            for intent in intents
            if intent.key not in arrived and self.snapshots[intent.side].partial is None
        )
        for link in self.links:
            self.merge_link(link)
        for intent, record in settled:
            self.adopt_created(intent, record)
            for side in Side:
                linked[side].add(record.id if side is intent.side else intent.source_id)
        fresh = self.unlinked(linked)
        pairs = pair_by_hash(fresh[Side.NOTION], fresh[Side.OTHER], self.policy.attributes)
        for notion, other in pairs:
            self.adopt_pair(notion, other)
            linked[Side.NOTION].add(notion.id)
            linked[Side.OTHER].add(other.id)
        for side in Side:
            for record in self.unlinked(linked)[side]:
                self.create_counterpart(side, record)
        return Plan(
            tuple(self.actions),
            self.in_step,
            {side: len(snap.records) + len(snap.unreadable) for side, snap in self.snapshots.items()},
            void,
        )

    def unlinked(self, linked: Mapping[Side, set[ID]]) -> dict[Side, list[Record]]:
        """The records of each side that belong to no link, in a stable order."""
        return {
            side: sorted(
                (record for record in snapshot.records.values() if record.id not in linked[side]),
                key=lambda record: record.id,
            )
            for side, snapshot in self.snapshots.items()
        }

    # -- linked pairs -------------------------------------------------------------------------------------

    def merge_link(self, link: Link) -> None:
        for side in Side:
            unreadable = self.snapshots[side].unreadable.get(link.id_on(side))
            if unreadable is not None:
                self.skip(side, link.id_on(side), f"cannot be read: {unreadable}")
                return
        found = {side: self.snapshots[side].records.get(link.id_on(side)) for side in Side}
        notion, other = found[Side.NOTION], found[Side.OTHER]
        if notion is not None and other is not None:
            self.merge_pair(link, notion, other)
        elif notion is None and other is None:
            self.both_missing(link)
        elif other is not None:
            self.one_missing(link, Side.NOTION, other)
        elif notion is not None:
            self.one_missing(link, Side.OTHER, notion)

    def both_missing(self, link: Link) -> None:
        partial = self.snapshots[Side.NOTION].partial or self.snapshots[Side.OTHER].partial
        if partial:
            self.skip(
                Side.NOTION, link.notion_id, f"not seen on either side, and a listing is partial: {partial}"
            )
        else:
            self.actions.append(
                Unlink(notion_id=link.notion_id, other_id=link.other_id, reason="deleted on both sides")
            )

    def one_missing(self, link: Link, missing: Side, rest: Record) -> None:
        """One record of a pair is not listed any more; the other one is."""
        partial = self.snapshots[missing].partial
        if partial:
            self.skip(missing, link.id_on(missing), f"not seen, and the listing is partial: {partial}")
            return
        base = link.base_on(missing.opposite)
        edited = [
            name
            for name in self.policy.attributes
            if name in base and not same(rest.values[name], base[name])
        ]
        if not edited:
            self.actions.append(
                Delete(
                    side=missing.opposite,
                    notion_id=link.notion_id,
                    other_id=link.other_id,
                    reason=f"deleted in {missing.label}, not edited in {missing.opposite.label} since",
                )
            )
            return
        names = ", ".join(edited)
        self.actions.append(
            Conflict(
                notion_id=link.notion_id,
                other_id=link.other_id,
                attribute=None,
                base=dict(base),
                notion=None if missing is Side.NOTION else dict(rest.values),
                other=None if missing is Side.OTHER else dict(rest.values),
                notion_edited=None if missing is Side.NOTION else rest.edited,
                other_edited=None if missing is Side.OTHER else rest.edited,
                winner=missing.opposite,
                rule="edit beats delete",
                reason=f"deleted in {missing.label}, but {names} edited in {missing.opposite.label}",
            )
        )
        self.actions.append(
            Create(
                side=missing,
                source_id=rest.id,
                values=self.synced(rest.values),
                instead_of=link.id_on(missing),
                reason=f"deleted here, but {names} edited in {missing.opposite.label}: an edit beats a deletion",
            )
        )

    def merge_pair(self, link: Link, notion: Record, other: Record) -> None:
        before = len(self.actions)
        merged = merge_attributes(
            self.policy.attributes, self.policy.mode, self.policy.granularity, link, notion, other
        )
        self.actions += merged.conflicts
        if any(conflict.winner is None for conflict in merged.conflicts):
            return
        self.write(Side.OTHER, link, merged, notion, other)
        self.write(Side.NOTION, link, merged, notion, other)
        if merged.agreed:
            self.actions.append(
                Agree(
                    notion_id=link.notion_id,
                    other_id=link.other_id,
                    notion={name: notion.values[name] for name in merged.agreed},
                    other={name: other.values[name] for name in merged.agreed},
                    reason=f"{', '.join(merged.agreed)} equal on both sides by now",
                )
            )
        self.in_step += len(self.actions) == before

    def write(self, side: Side, link: Link, merged: Merged, notion: Record, other: Record) -> None:
        names = merged.to_write[side]
        if not names:
            return
        source, target = (notion, other) if side is Side.OTHER else (other, notion)
        self.actions.append(
            Update(
                side=side,
                notion_id=link.notion_id,
                other_id=link.other_id,
                changes={name: Change(target.values[name], source.values[name]) for name in names},
                source={name: source.values[name] for name in names},
                reason="; ".join(dict.fromkeys(names.values())),
            )
        )

    # -- records without a link -----------------------------------------------------------------------------

    def adopt_created(self, intent: Intent, record: Record) -> None:
        """A create of an earlier run that was cut off did arrive: link it, then merge as ever."""
        notion_id, other_id = (
            (record.id, intent.source_id) if intent.side is Side.NOTION else (intent.source_id, record.id)
        )
        self.actions.append(
            Adopt(
                notion_id=notion_id,
                other_id=other_id,
                notion=intent.values,
                other=intent.values,
                intent=intent.key,
                reason=f"created in {intent.side.label} by an earlier run that was cut off",
            )
        )
        self.merge_link(Link(notion_id, other_id, intent.values, intent.values))

    def adopt_pair(self, notion: Record, other: Record) -> None:
        agreed = [name for name in self.policy.attributes if same(notion.values[name], other.values[name])]
        link = Link(
            notion.id,
            other.id,
            {name: notion.values[name] for name in agreed},
            {name: other.values[name] for name in agreed},
        )
        differ = [name for name in self.policy.attributes if name not in agreed]
        self.actions.append(
            Adopt(
                notion_id=notion.id,
                other_id=other.id,
                notion=link.notion,
                other=link.other,
                reason="the same thing on both sides"
                + (f", but {', '.join(differ)} differ" if differ else ""),
            )
        )
        self.merge_pair(link, notion, other)

    def create_counterpart(self, side: Side, record: Record) -> None:
        partial = self.snapshots[side.opposite].partial
        if partial:
            self.skip(
                side, record.id, f"its counterpart may just be unseen, as the listing is partial: {partial}"
            )
            return
        self.actions.append(
            Create(
                side=side.opposite,
                source_id=record.id,
                values=self.synced(record.values),
                reason=f"new in {side.label}",
            )
        )

    def skip(self, side: Side, record_id: ID, reason: str) -> None:
        self.actions.append(Skip(side=side, id=record_id, reason=reason))

    def synced(self, values: Values) -> dict[str, object]:
        return {name: values[name] for name in self.policy.attributes}
