"""From base and two snapshots to a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from tasks.merge.attributes import not_synced
from tasks.merge.linked_pairs import LinkedPairs
from tasks.merge.matching import match_plainly
from tasks.merge.model import Adopt, Create, Intent, Link, Plan, Record, Snapshot, Spare
from tasks.merge.pairing import pair_by_hash, settle_intents, shows, updates_by_link
from tasks.merge.policy import Policy
from tasks.merge.remade import Remade, find_remade, half_dead, link_again
from tasks.merge.untouched import in_step, is_plainly_same, shows_base, touched
from tasks.sides.ends import ID, End
from tasks.values.opaque import Opaque
from tasks.values.plain import PLAIN

_SAME = "the same thing on both sides"


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
    return _Planner(sorted(links, key=attrgetter("left_id", "right_id")), left, right, policy).run(intents)


class _Planner(LinkedPairs):
    """Gathers the actions of one plan, of linked records and of others."""

    def run(self, intents: Sequence[Intent]) -> Plan:
        linked = {
            End.LEFT: {link.left_id for link in self.links},
            End.RIGHT: {link.right_id for link in self.links},
        }
        lone = self.lone(linked)
        bereft = {
            (side, link.id_on(side)): link for link in lone for side in End if self.is_bereft(link, side)
        }
        paired = {side: linked[side].difference(i for end, i in bereft if end is side) for side in End}
        records = {side: snapshot.records for side, snapshot in self.snapshots.items()}
        unlinked = self.unlinked(linked, by_id=True) if intents else {}
        settled = settle_intents(intents, records, unlinked, paired)
        replaced = {intent.key: bereft.get((intent.side.opposite, intent.source_id)) for intent, _ in settled}
        self.creates = frozenset(intent.key for intent in intents if intent.target_id is None)
        updates = updates_by_link(self.as_updates(intents, paired))
        self.wait_for_unreadable(linked)
        for intent, record in settled:
            for side in End:
                linked[side].add(record.id if side is intent.side else intent.source_id)
        remade = self.find_remade([link for link in lone if link not in replaced.values()], linked)
        followed = {(one.link.left_id, one.link.right_id) for one in remade}
        some = touched(self.links, self.snapshots, self.policy, updates)
        self.in_step = len(self.links) - len(some)
        for link in some:
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
        for left, right in self.pairs_of(fresh, linked):
            self.adopt_pair(left, right)
            linked[End.LEFT].add(left.id)
            linked[End.RIGHT].add(right.id)
        self.wait_for_outside(linked)
        for side in End:
            for record in self.unlinked(linked)[side]:
                self.create_counterpart(side, record)
        return Plan(
            tuple(self.actions),
            self.in_step,
            {side: len(snap.records) + len(snap.unreadable) for side, snap in self.snapshots.items()},
            void,
            self.policy.labels,
            tuple(self.told()),
        )

    def told(self) -> Iterator[str]:
        """What is left alone, in a sentence."""
        for side, number in self.left_outside.items():
            some = "1 object" if number == 1 else f"{number} objects"
            yield f"{some} of {self.policy.labels[side]}: not among what the sync takes, and left alone"
        for side, number in self.of_their_own.items():
            some = "1 object has" if number == 1 else f"{number} objects have"
            here, across = self.policy.labels[side], self.policy.labels[side.opposite]
            yield f"{some} no counterpart: {here} keeps what it has, as nothing is made in {across}"

        for side, number in self.spared.items():
            some = "1 object" if number == 1 else f"{number} objects"
            here, across = self.policy.labels[side], self.policy.labels[side.opposite]
            yield f"{some} of {here}: there before the first sync, and without a counterpart in {across}"

        yield from self.told_opaque()

    def told_opaque(self) -> Iterator[str]:
        """What stays where it is because it cannot be shown, in a sentence for each attribute and reason."""
        for side, snapshot in self.snapshots.items():
            found = Counter(
                (name, value.type)
                for record in snapshot.records.values()
                if not PLAIN.issuperset(map(type, record.values.values()))
                for name, value in record.values.items()
                if isinstance(value, Opaque) and not value.odd
            )
            for (name, why), number in sorted(found.items()):
                some = "1 object" if number == 1 else f"{number} objects"
                yield f"{some} of {self.policy.labels[side]}: {name} is left as it is on both sides ({why})"

    def as_updates(self, intents: Sequence[Intent], paired: Mapping[End, set[ID]]) -> list[Intent]:
        """Creates whose object was linked before all that they wrote was settled go on as updates of it."""
        links = {(side, link.id_on(side)): link for link in self.links if intents for side in End}
        return [
            replace(intent, target_id=links[intent.side.opposite, intent.source_id].id_on(intent.side))
            if intent.target_id is None and intent.source_id in paired[intent.side.opposite]
            else intent
            for intent in intents
        ]

    def lone(self, linked: Mapping[End, set[ID]]) -> list[Link]:
        """The links of which a record is not listed."""
        absent = {
            side: linked[side].difference(snapshot.records, snapshot.unreadable)
            for side, snapshot in self.snapshots.items()
        }
        left, right = absent[End.LEFT], absent[End.RIGHT]
        return [link for link in self.links if link.left_id in left or link.right_id in right]

    def is_bereft(self, link: Link, side: End) -> bool:
        """Whether the record across from a link's record on a side is not listed."""
        return not self.snapshots[side.opposite].has(link.id_on(side.opposite))

    def unlinked(self, linked: Mapping[End, set[ID]], *, by_id: bool = False) -> dict[End, list[Record]]:
        """The records of each side that belong to no link: those that the task takes, in the order of the listing.

        By id it is all of them: what an earlier run made may not be among those any more.
        """
        found = {
            side: []
            if snapshot.records.keys() <= linked[side]
            else [record for record in snapshot.records.values() if record.id not in linked[side]]
            for side, snapshot in self.snapshots.items()
        }
        if by_id:
            return {side: sorted(fresh, key=_id) for side, fresh in found.items()}
        return {
            side: [record for record in fresh if not self.is_out(side, record.id)]
            if snapshot.outside or snapshot.out_of_window
            else fresh
            for (side, snapshot), fresh in zip(self.snapshots.items(), found.values(), strict=True)
        }

    def is_out(self, side: End, record_id: ID) -> bool:
        """Whether a record that has no link is not among what the task takes."""
        snapshot = self.snapshots[side]
        return record_id in snapshot.outside or record_id in snapshot.out_of_window

    def wait_for_unreadable(self, linked: Mapping[End, set[ID]]) -> None:
        """Name the new objects that cannot be read; nothing is made that may be the counterpart of one."""
        for side, snapshot in self.snapshots.items():
            for record_id in sorted(one for one in snapshot.unreadable if one not in linked[side]):
                reason = f"cannot be read: {snapshot.unreadable[record_id]}"
                self.skip(side, record_id, reason)
                here = self.policy.labels[side]
                self.unreadable_on[side] = f"its counterpart may be {record_id} in {here}, which {reason}"
                for hashed in snapshot.unreadable_hashes.get(record_id, frozenset()) - {""}:
                    self.waiting[side.opposite, hashed] = (
                        f"its counterpart may be {record_id} in {self.policy.labels[side]}, which {reason}"
                    )

    def wait_for_outside(self, linked: Mapping[End, set[ID]]) -> None:
        """Nothing is made that may be the counterpart of an object which the task does not take."""
        for side, fresh in self.unlinked(linked, by_id=True).items():
            for record in fresh:
                if self.is_out(side, record.id):
                    self.left_outside[side] += 1
                    here = self.policy.labels[side]
                    self.beyond[side.opposite, record.hash] = (
                        f"its counterpart may be {record.id} in {here}, which the sync does not take"
                    )

    def find_remade(self, links: Sequence[Link], linked: Mapping[End, set[ID]]) -> list[Remade]:
        """The links that go on with an object that was made anew in the place of a missing one."""
        if self.policy.scope_changed or not links:
            return []
        for link, side in half_dead(links, self.snapshots):
            rest = self.snapshots[side.opposite].records[link.id_on(side.opposite)]
            if self.snapshots[side].partial is not None and rest.hash:
                self.waiting[side, rest.hash] = (
                    f"it may be {link.id_on(side)} made again, of which a partial listing does not tell"
                )
        fresh, attributes = self.unlinked(linked), self.policy.attributes
        return find_remade(links, self.snapshots, fresh, attributes, plainly=self.policy.plainly)

    def adopt_created(self, intent: Intent, record: Record, old: Link | None) -> None:
        """A create of an earlier run that was cut off did arrive: link it, then merge as ever."""
        # What it shows otherwise than written was edited since, or is another object's: no base for that.
        left_empty = self.left_empty(intent)
        base = {
            name: value
            for name, value in intent.values.items()
            if name in left_empty or shows(record, name, value)
        }
        # What was never written then (mapped since, say) is as unknown as in any new pair.
        sent = intent.values.keys() & set(self.policy.attributes)
        not_shown = {name: intent.side for name in sorted(sent) if name not in base}
        pair = (record.id, intent.source_id)
        left_id, right_id = pair if intent.side is End.LEFT else pair[::-1]
        across = {**base, **left_empty}
        left, right = (base, across) if intent.side is End.LEFT else (across, base)
        self.actions.append(
            Adopt(
                left_id=left_id,
                right_id=right_id,
                left=left,
                right=right,
                intent=None if not_shown else intent.key,  # else the last write of the pair settles it
                instead_of=old,
                reason=f"created in {self.policy.labels[intent.side]} by an earlier run that was cut off",
            )
        )
        self.handled.discard(intent.key)
        self.merge_link(Link(left_id, right_id, left, right), (intent,), not_shown)

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
        if is_plainly_same(left.values, right.values):  # as most: one base serves both
            base = {name: left.values[name] for name in self.policy.attributes}
            self.actions.append(
                Adopt(left_id=left.id, right_id=right.id, left=base, right=base, reason=_SAME)
            )
            return
        alike = shows_base(left.values, right.values, self.policy.attributes)
        agreed = [
            name
            for name in self.policy.attributes
            if alike or self.policy.agree(name, left.values[name], right.values[name])
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
                reason=_SAME + (f", but {', '.join(differ)} differ" if differ else ""),
            )
        )
        if not alike and not in_step(link, left, right, self.policy):
            self.merge_pair(link, left, right)

    def pairs_of(
        self, fresh: Mapping[End, Sequence[Record]], linked: Mapping[End, set[ID]]
    ) -> list[tuple[Record, Record]]:
        """The new records that are the same thing; those of which nobody can tell are left, by name."""
        if not self.policy.plainly:
            return pair_by_hash(fresh[End.LEFT], fresh[End.RIGHT], self.policy.attributes)
        matched = match_plainly(fresh[End.LEFT], fresh[End.RIGHT], self.policy.attributes)
        for groups in matched.unclear:
            some = " and ".join(
                f"{len(group)} in {self.policy.labels[side]}" for side, group in zip(End, groups, strict=True)
            )
            for side, group in zip(End, groups, strict=True):
                for record in group:
                    self.skip(
                        side, record.id, f"{some} have the same match key: make them differ, or alike in all"
                    )
                    linked[side].add(record.id)
        return matched.pairs

    def create_counterpart(self, side: End, record: Record) -> None:
        if self.policy.is_spared(side, record.id):
            self.leave_alone(side, record.id)
            return
        if not self.policy.makes(side.opposite):
            self.of_their_own[side] += 1
            return
        if self.policy.plainly and self.unreadable_on[side.opposite]:
            self.skip(side, record.id, self.unreadable_on[side.opposite])
            return
        partial = self.snapshots[side.opposite].partial
        if partial:
            self.skip(
                side, record.id, f"its counterpart may just be unseen, as the listing is partial: {partial}"
            )
            return
        reason = self.waiting.get((side, record.hash)) or self.beyond.get((side, record.hash))
        if reason is not None and record.hash:
            self.skip(side, record.id, reason)
            return
        odd = not_synced(record.values, self.policy.attributes)
        defaults = self.defaults(record, side.opposite)
        self.actions.append(
            Create(
                side=side.opposite,
                source_id=record.id,
                values={**self.carried(record, side.opposite), **defaults},
                defaults=tuple(defaults),
                source=self.synced(record.values, side.opposite),
                odd=odd,
                reason=f"new in {self.policy.labels[side]}" + (f"; {odd}" if odd else ""),
            )
        )

    def leave_alone(self, side: End, record_id: ID) -> None:
        """Leave an object as it was before the first sync: by name where people are to see it, else counted."""
        if self.policy.names_spared or side not in self.policy.there_before:
            across = self.policy.labels[side.opposite]
            reason = f"it was there before the first sync, and nothing is made of it in {across}"
            self.actions.append(Spare(side=side, id=record_id, reason=reason))
        else:
            self.spared[side] += 1


_id = attrgetter("id")
