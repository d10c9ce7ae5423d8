"""From base and two snapshots to a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tasks.merge.linked_pairs import LinkedPairs
from tasks.merge.model import Adopt, Create, Intent, Link, Plan, Record, Snapshot
from tasks.merge.pairing import pair_by_hash, settle_intents, shows, updates_by_link
from tasks.merge.policy import Policy
from tasks.merge.remade import Remade, find_remade, half_dead, link_again
from tasks.sides.ends import ID, End


def make_plan(
    links: Iterable[Link],
    left: Snapshot,
    right: Snapshot,
    policy: Policy,
    intents: Sequence[Intent] = (),
) -> Plan:
    """What to do so that both sides agree, without loss.

    New objects are made in the order in which their side lists them; apart from that, the same input gives the
    same plan, whatever the order of its records. A deletion is only derived from a listing that is complete, and
    never destroys an edit.
    """
    return _Planner(sorted(links, key=lambda link: (link.left_id, link.right_id)), left, right, policy).run(
        intents
    )


class _Planner(LinkedPairs):
    """Gathers the actions of one plan, of linked records and of others."""

    def run(self, intents: Sequence[Intent]) -> Plan:
        linked = {side: {link.id_on(side) for link in self.links} for side in End}
        bereft = {
            (side, link.id_on(side)): link
            for link in self.links
            for side in End
            if self.is_bereft(link, side)
        }
        paired = {side: {i for i in linked[side] if (side, i) not in bereft} for side in End}
        records = {side: snapshot.records for side, snapshot in self.snapshots.items()}
        settled = settle_intents(intents, records, self.unlinked(linked, by_id=True), paired)
        replaced = {intent.key: bereft.get((intent.side.opposite, intent.source_id)) for intent, _ in settled}
        updates = updates_by_link(self.as_updates(intents, paired))
        self.wait_for_unreadable(linked)
        for intent, record in settled:
            for side in End:
                linked[side].add(record.id if side is intent.side else intent.source_id)
        remade = self.find_remade([link for link in self.links if link not in replaced.values()], linked)
        followed = {(one.link.left_id, one.link.right_id) for one in remade}
        for link in self.links:
            if link in replaced.values() or (link.left_id, link.right_id) in followed:
                continue
            before = len(self.actions)
            self.merge_link(link, updates.get((link.left_id, link.right_id), ()))
            self.in_step += len(self.actions) == before
        self.handled |= {intent.key for intent, _ in settled}
        complete = all(snapshot.partial is None for snapshot in self.snapshots.values())
        void = tuple(intent.key for intent in intents if complete and intent.key not in self.handled)
        for intent, record in settled:
            self.adopt_created(intent, record, replaced[intent.key])
        for one in remade:
            self.adopt_remade(one, updates.get((one.link.left_id, one.link.right_id), ()))
            for side, record in zip(End, one.pair, strict=True):
                linked[side].add(record.id)
        fresh = self.unlinked(linked)
        pairs = pair_by_hash(fresh[End.LEFT], fresh[End.RIGHT], self.policy.attributes)
        for left, right in pairs:
            self.adopt_pair(left, right)
            linked[End.LEFT].add(left.id)
            linked[End.RIGHT].add(right.id)
        for side in End:
            for record in self.unlinked(linked)[side]:
                self.create_counterpart(side, record)
        return Plan(
            tuple(self.actions),
            self.in_step,
            {side: len(snap.records) + len(snap.unreadable) for side, snap in self.snapshots.items()},
            void,
            self.policy.labels,
        )

    def as_updates(self, intents: Sequence[Intent], paired: Mapping[End, set[ID]]) -> list[Intent]:
        """Creates whose object was linked before all that they wrote was settled go on as updates of it."""
        links = {(side, link.id_on(side)): link for link in self.links for side in End}
        return [
            replace(intent, target_id=links[intent.side.opposite, intent.source_id].id_on(intent.side))
            if intent.target_id is None and intent.source_id in paired[intent.side.opposite]
            else intent
            for intent in intents
        ]

    def is_bereft(self, link: Link, side: End) -> bool:
        """Whether the record across from a link's record on a side is not listed."""
        return not self.snapshots[side.opposite].has(link.id_on(side.opposite))

    def unlinked(self, linked: Mapping[End, set[ID]], *, by_id: bool = False) -> dict[End, list[Record]]:
        """The records of each side that belong to no link, in the order of the listing or of their ids."""
        found = {
            side: [record for record in snapshot.records.values() if record.id not in linked[side]]
            for side, snapshot in self.snapshots.items()
        }
        return {side: sorted(fresh, key=_id) for side, fresh in found.items()} if by_id else found

    def wait_for_unreadable(self, linked: Mapping[End, set[ID]]) -> None:
        """Name the new objects that cannot be read; nothing is made that may be the counterpart of one."""
        for side, snapshot in self.snapshots.items():
            for record_id in sorted(snapshot.unreadable.keys() - linked[side]):
                reason = f"cannot be read: {snapshot.unreadable[record_id]}"
                self.skip(side, record_id, reason)
                for hashed in snapshot.unreadable_hashes.get(record_id, frozenset()) - {""}:
                    self.waiting[side.opposite, hashed] = (
                        f"its counterpart may be {record_id} in {self.policy.labels[side]}, which {reason}"
                    )

    def find_remade(self, links: Sequence[Link], linked: Mapping[End, set[ID]]) -> list[Remade]:
        """The links that go on with an object that was made anew in the place of a missing one."""
        if self.policy.scope_changed:
            return []
        for link, side in half_dead(links, self.snapshots):
            rest = self.snapshots[side.opposite].records[link.id_on(side.opposite)]
            if self.snapshots[side].partial is not None and rest.hash:
                self.waiting[side, rest.hash] = (
                    f"it may be {link.id_on(side)} made again, of which a partial listing does not tell"
                )
        return find_remade(links, self.snapshots, self.unlinked(linked), self.policy.attributes)

    def adopt_created(self, intent: Intent, record: Record, old: Link | None) -> None:
        """A create of an earlier run that was cut off did arrive: link it, then merge as ever."""
        # What it shows otherwise than written was edited since, or is another object's: no base for that.
        base = {name: value for name, value in intent.values.items() if shows(record, name, value)}
        # What was never written then (mapped since, say) is as unknown as in any new pair.
        sent = intent.values.keys() & set(self.policy.attributes)
        not_shown = {name: intent.side for name in sorted(sent) if name not in base}
        pair = (record.id, intent.source_id)
        left_id, right_id = pair if intent.side is End.LEFT else pair[::-1]
        self.actions.append(
            Adopt(
                left_id=left_id,
                right_id=right_id,
                left=base,
                right=base,
                intent=None if not_shown else intent.key,  # else the last write of the pair settles it
                instead_of=old,
                reason=f"created in {self.policy.labels[intent.side]} by an earlier run that was cut off",
            )
        )
        self.handled.discard(intent.key)
        self.merge_link(Link(left_id, right_id, base, base), (intent,), not_shown)

    def adopt_remade(self, remade: Remade, intents: Sequence[Intent]) -> None:
        """A linked object is missing, and there again under another id: link that, then merge as ever."""
        open_names = {name for intent in intents for name in intent.values}
        link, conflicts = link_again(remade, self.policy, open_names)
        self.actions.append(
            Adopt(
                left_id=link.left_id,
                right_id=link.right_id,
                left=link.left,
                right=link.right,
                instead_of=remade.link,
                reason=f"{remade.link.id_on(remade.side)} is missing in {self.policy.labels[remade.side]}, "
                "and the same thing is there anew",
            )
        )
        self.actions += conflicts
        self.merge_pair(link, *remade.pair)

    def adopt_pair(self, left: Record, right: Record) -> None:
        agreed = [
            name
            for name in self.policy.attributes
            if self.policy.agree(name, left.values[name], right.values[name])
        ]
        link = Link(
            left.id,
            right.id,
            {name: left.values[name] for name in agreed},
            {name: right.values[name] for name in agreed},
        )
        differ = [name for name in self.policy.attributes if name not in agreed]
        self.actions.append(
            Adopt(
                left_id=left.id,
                right_id=right.id,
                left=link.left,
                right=link.right,
                reason="the same thing on both sides"
                + (f", but {', '.join(differ)} differ" if differ else ""),
            )
        )
        self.merge_pair(link, left, right)

    def create_counterpart(self, side: End, record: Record) -> None:
        partial = self.snapshots[side.opposite].partial
        if partial:
            self.skip(
                side, record.id, f"its counterpart may just be unseen, as the listing is partial: {partial}"
            )
            return
        if (side, record.hash) in self.waiting:
            self.skip(side, record.id, self.waiting[side, record.hash])
            return
        self.actions.append(
            Create(
                side=side.opposite,
                source_id=record.id,
                values=self.carried(record, side.opposite),
                source=self.synced(record.values, side.opposite),
                reason=f"new in {self.policy.labels[side]}",
            )
        )


def _id(record: Record) -> ID:
    return record.id
