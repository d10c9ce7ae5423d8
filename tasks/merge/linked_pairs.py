"""Linked pairs: what is to be done with each, whether both records are there, one or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tasks.merge.apart import ApartPairs, unseen
from tasks.merge.attributes import Merged, merge_attributes
from tasks.merge.model import (
    Agree,
    Change,
    Conflict,
    Create,
    Delete,
    Intent,
    Link,
    Record,
    Skip,
    Unlink,
    Update,
    Values,
)
from tasks.merge.pairing import shows
from tasks.merge.references import wait_for_links
from tasks.merge.united import arrived
from tasks.sides.ends import End
from tasks.values.canonical import same
from tasks.values.opaque import Opaque


class LinkedPairs(ApartPairs):
    """Gathers the actions of a plan, pair by pair."""

    def merge_link(
        self, link: Link, intents: Sequence[Intent] = (), not_shown: Mapping[str, End] | None = None
    ) -> None:
        """What is to be done with a pair, given the writes of it that are open.

        Args:
            link: the pair and its base.
            intents: begun writes of which the outcome is not known.
            not_shown: what a create wrote without an answer and its object does not show; looked up in the intents
                where it is not given.
        """
        for side in End:
            unreadable = self.snapshots[side].unreadable.get(link.id_on(side))
            if unreadable is not None:
                self.handled |= {intent.key for intent in intents}
                self.park(link)
                self.skip(side, link.id_on(side), f"cannot be read: {unreadable}")
                return
        if not_shown is None:
            link, uncertain = self.settle_updates(link, intents)
        else:
            uncertain = dict(not_shown)
        left, right = (self.snapshots[side].records.get(link.id_on(side)) for side in End)
        if self.park(link):
            self.handled |= {intent.key for intent in intents}
        elif left is not None and right is not None:
            before = len(self.actions)
            self.merge_pair(link, left, right, uncertain, intents)
            self.see_out(link, before)
        elif right is not None:
            self.one_missing(link, End.LEFT, right, uncertain)
        elif left is not None:
            self.one_missing(link, End.RIGHT, left, uncertain)
        else:
            self.both_missing(link)

    def park(self, link: Link) -> bool:
        """See to a link with a record out of sight; true when nothing else is to be done with it.

        A record leaves a task's sight when its scope changes (another filter, another place), and comes back
        into it in the same way. Neither is an edit.
        """
        if not link.parked and not self.policy.scope_changed:
            return False
        unseen = {side for side, snapshot in self.snapshots.items() if not snapshot.has(link.id_on(side))}
        parked = link.parked & (unseen | self.out_on(link) if link.apart else unseen)
        moved = {side for side in unseen if link.id_on(side) in self.snapshots[side].moved}
        if self.policy.scope_changed:
            parked |= {side for side in unseen if self.snapshots[side].partial is None}
        elif link.apart and (lost := unseen - moved - (link.parked if parked == link.parked else set())):
            self.forget_apart(link, lost)
            return True
        else:
            parked |= moved if link.apart else set()
        if parked != link.parked:
            reason = "back in sight"
            if parked - link.parked:
                changed = "since the task's scope was changed"
                reason = f"not listed {changed if self.policy.scope_changed else 'any more'}"
            self.set_apart(link, parked, reason, apart=link.apart)
        return bool(parked)

    def settle_updates(self, link: Link, intents: Sequence[Intent]) -> tuple[Link, dict[str, End]]:
        """What updates did that were cut off: the link with the base that they made, and what stays uncertain.

        Without this, a value that did arrive would look like an edit of its side, and could undo a user's
        edit that came in between.
        """
        written: dict[str, object] = {}
        uncertain: dict[str, End] = {}
        files: dict[End, dict[str, object]] = {end: {} for end in End}
        left_empty: dict[End, dict[str, object]] = {end: {} for end in End}
        for intent in intents:
            record = self.snapshots[intent.side].records.get(link.id_on(intent.side))
            if record is None:
                continue
            if intent.key in self.creates:
                left_empty[intent.side.opposite] |= self.left_empty(intent)
            for name in intent.values.keys() & set(self.policy.attributes):
                if shows(record, name, intent.values[name]):
                    written[name] = intent.values[name]
                    continue
                known = {end: {**link.base_on(end), **files[end]} for end in End}
                there = arrived(known[intent.side].get(name), intent.values[name], record.values[name])
                if there is not None and all(name in base for base in known.values()):
                    for end in End:  # each file by itself: what somebody added since is no part of the write
                        files[end][name] = there.base(known[end][name])
                elif not intent.answered:
                    uncertain[name] = intent.side
        if not written and not files[End.LEFT]:
            return link, uncertain
        bases = {
            end: {
                **files[end],
                **written,
                **self.still_shown(link, end, written),
                **{name: value for name, value in left_empty[end].items() if name in written},
            }
            for end in End
        }
        self.actions.append(
            Agree(
                left_id=link.left_id,
                right_id=link.right_id,
                left=bases[End.LEFT],
                right=bases[End.RIGHT],
                intents=() if uncertain else tuple(intent.key for intent in intents),
                reason=f"{', '.join(sorted(bases[End.LEFT]))} written by an earlier run that was cut off",
            )
        )
        if not uncertain:
            self.handled |= {intent.key for intent in intents}
        left, right = ({**link.base_on(end), **bases[end]} for end in End)
        return replace(link, left=left, right=right), uncertain

    def still_shown(self, link: Link, end: End, written: Values) -> dict[str, object]:
        """What an end, if it is the coarser one, shows of values that were written across and follow from it."""
        record = self.snapshots[end].records.get(link.id_on(end))
        found: dict[str, object] = {}
        for name, value in written.items():
            lossy = self.policy.lossy.get(name)
            if (
                record is None
                or lossy is None
                or lossy.side != end
                or isinstance(record.values[name], Opaque)
            ):
                continue
            shown, base = record.values[name], link.base_on(end).get(name)
            if same(self.policy.carried(name, shown, value, end.opposite, base), value):
                found[name] = shown
        return found

    def both_missing(self, link: Link) -> None:
        """Neither record of a pair is listed any more."""
        partial = self.snapshots[End.LEFT].partial or self.snapshots[End.RIGHT].partial
        if partial:
            self.skip(End.LEFT, link.left_id, f"not seen on either side, and a listing is partial: {partial}")
            return
        moved = {side for side in End if link.id_on(side) in self.snapshots[side].moved}
        if moved == set(End):
            self.set_apart(link, moved, "not listed on either side any more, though it is not deleted")
            return
        deleted = set(End) - moved
        where = self.policy.labels[next(iter(deleted))] if moved else ""
        self.actions.append(
            Unlink(
                left_id=link.left_id,
                right_id=link.right_id,
                missing=frozenset(deleted),
                reason=f"deleted in {where}, and listed no more across" if moved else "deleted on both sides",
            )
        )

    def one_missing(self, link: Link, missing: End, rest: Record, uncertain: Mapping[str, End]) -> None:
        """One record of a pair is not listed any more; the other one is."""
        here, across = self.policy.labels[missing], self.policy.labels[missing.opposite]
        partial = self.snapshots[missing].partial
        if partial:
            self.skip(missing, link.id_on(missing), f"not seen, and the listing is partial: {partial}")
            return
        if link.id_on(missing) in self.snapshots[missing].moved:
            self.moved_away(link, missing, rest)
            return
        if (missing.opposite, rest.hash) in self.waiting:
            self.skip(missing.opposite, rest.id, self.waiting[missing.opposite, rest.hash])
            return
        if not self.policy.writes(missing.opposite):
            self.mirror_again(link, missing, rest)
            return
        if self.policy.deletion_in(missing.opposite).how != "propagate":
            self.spare(link, missing)
            return
        base = link.base_on(missing.opposite)
        edited = [
            name
            for name in self.policy.attributes
            if unseen(rest.values[name], name, base) or uncertain.get(name) is missing.opposite
        ]
        names = ", ".join(edited)
        if edited and self.policy.mirror_to is missing.opposite and self.policy.keeps_target_edits:
            self.set_apart(
                link, {missing}, f"deleted in {here}, but {names} edited in {across}: it stays there"
            )
            return
        # What its source would write over anyway saves no object.
        in_vain = not any(self.policy.goes_to(name, missing) for name in edited)
        stays = missing.opposite if self.policy.edit_beats_delete and not in_vain else missing
        why = f"{names} edited in {across}"
        if in_vain:
            why += ", where it goes only to: that saves no object"
        deletion = Delete(
            side=missing.opposite,
            left_id=link.left_id,
            right_id=link.right_id,
            values=self.synced(rest.values),
            reason=f"deleted in {here}, not edited in {across} since"
            if not edited
            else f"deleted in {here}; this beats the edit of {names}, which goes only to {across}"
            if in_vain
            else f"deleted in {here}; the task says that this beats the edit of {names}",
        )
        if not edited:
            self.actions.append(deletion)
            return
        self.actions.append(
            Conflict(
                left_id=link.left_id,
                right_id=link.right_id,
                attribute=None,
                base=dict(base),
                left=None if missing is End.LEFT else dict(rest.values),
                right=None if missing is End.RIGHT else dict(rest.values),
                left_edited=None if missing is End.LEFT else rest.edited,
                right_edited=None if missing is End.RIGHT else rest.edited,
                winner=stays,
                rule="one way"
                if in_vain
                else "delete beats edit"
                if stays is missing
                else "edit beats delete",
                reason=f"deleted in {here}, but {why}",
            )
        )
        if stays is missing:
            self.actions.append(deletion)
            return
        self.actions.append(
            Create(
                side=missing,
                source_id=rest.id,
                values={**self.carried(rest, missing), **self.had(link, rest, missing)},
                source=self.synced(rest.values, missing),
                instead_of=link.id_on(missing),
                reason=f"deleted here, but {names} edited in {across}: an edit beats a deletion",
            )
        )

    def merge_pair(
        self,
        link: Link,
        left: Record,
        right: Record,
        uncertain: Mapping[str, End] | None = None,
        intents: Sequence[Intent] = (),
    ) -> None:
        """Both records of a pair are there: compare them with the base."""
        self.name_hidden(link, left, right)
        merged = merge_attributes(self.policy, link, left, right, uncertain or {}, self.snapshots)
        keys = tuple(intent.key for intent in intents if intent.key not in self.handled)
        self.actions += wait_for_links(link, merged.waiting)
        self.actions += merged.conflicts
        if any(conflict.unresolved for conflict in merged.conflicts):
            self.handled |= set(keys)
            return
        sides = [side for side in (End.RIGHT, End.LEFT) if merged.to_write[side]]
        if sides or merged.agreed or merged.waiting:
            self.handled |= set(keys)  # kept open until the last action of the pair is done
        for side in sides:
            last = side is sides[-1] and not merged.agreed
            self.write(side, link, merged, left, right, keys if last else ())
        if merged.agreed:
            self.actions.append(
                Agree(
                    left_id=link.left_id,
                    right_id=link.right_id,
                    left={name: left.values[name] for name in merged.agreed},
                    right={name: right.values[name] for name in merged.agreed},
                    intents=keys,
                    reason=f"{', '.join(merged.agreed)} equal on both sides by now",
                )
            )

    def name_hidden(self, link: Link, left: Record, right: Record) -> None:
        """Name values that cannot be read, though they should be, or could be when the base was made.

        That keeps the pair among those that are looked at in each run: after a listing of changes the base would
        speak for a value that is not there any more, and what stands there now would be written over.
        """
        for side, record in ((End.LEFT, left), (End.RIGHT, right)):
            base = link.base_on(side)
            hidden = {
                name: value
                for name in self.policy.attributes
                if isinstance(value := record.values[name], Opaque)
                and (value.odd or (name in base and not isinstance(base[name], Opaque)))
            }
            if hidden:
                self.actions.append(
                    Skip(
                        side=side,
                        id=record.id,
                        pair=(link.left_id, link.right_id),
                        odd=any(value.odd for value in hidden.values()),
                        reason="not synced: "
                        + ", ".join(f"{name} ({value.type})" for name, value in hidden.items()),
                    )
                )

    def write(
        self, side: End, link: Link, merged: Merged, left: Record, right: Record, intents: tuple[str, ...]
    ) -> None:
        """Update one record of a pair."""
        written = merged.to_write[side]
        source, target = (left, right) if side is End.RIGHT else (right, left)
        across = merged.to_write[side.opposite]
        self.actions.append(
            Update(
                side=side,
                left_id=link.left_id,
                right_id=link.right_id,
                changes={name: Change(target.values[name], value) for name, (value, _) in written.items()},
                # Of what is written on both sides, the first write has shown its side's base already.
                source={
                    name: across[name][0] if name in across else source.values[name]
                    for name in written
                    if side is End.RIGHT or name not in across
                },
                intents=intents,
                own=merged.own if side is End.RIGHT else {},
                reason="; ".join(dict.fromkeys(reason for _, reason in written.values())),
            )
        )
