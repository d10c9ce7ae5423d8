"""Pairs that go apart, and objects that are spared, marked or made again, by the policies of a task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from tasks.merge.model import (
    Action,
    Conflict,
    Create,
    Delete,
    Intent,
    Link,
    Mark,
    Park,
    Record,
    Skip,
    Snapshot,
    Unlink,
    Values,
)
from tasks.merge.policy import Policy
from tasks.sides.ends import ID, End
from tasks.values.canonical import is_empty, same
from tasks.values.opaque import Opaque


class ApartPairs:
    """Gathers the actions of a plan that a task's policies ask for."""

    def __init__(self, links: Sequence[Link], left: Snapshot, right: Snapshot, policy: Policy) -> None:
        self.links = links
        self.snapshots = {End.LEFT: left, End.RIGHT: right}
        self.policy = policy
        self.actions: list[Action] = []
        self.in_step = 0
        #: By side, that a new object there cannot be read: with match keys, anything may be its counterpart.
        self.unreadable_on = dict.fromkeys(End, "")
        #: How many new objects of each side are left alone, as nothing is made across.
        self.of_their_own: Counter[End] = Counter()
        #: … and how many because they were there before the first sync.
        self.spared: Counter[End] = Counter()
        #: How many new objects of each side are not among what the task takes, and by hash, what waits for them.
        self.left_outside: Counter[End] = Counter()
        self.beyond: dict[tuple[End, str], str] = {}
        #: Keys of intents that an action settles, or that must stay open.
        self.handled: set[str] = set()
        #: Keys of the intents that were creates.
        self.creates: frozenset[str] = frozenset()
        #: By side and hash of new records, why none is made for them across.
        self.waiting: dict[tuple[End, str], str] = {}

    def skip(self, side: End, record_id: ID, reason: str) -> None:
        """Leave an object as it is."""
        self.actions.append(Skip(side=side, id=record_id, reason=reason))

    def synced(self, values: Values, to: End | None = None) -> dict[str, object]:
        """The values of the attributes that are kept in step, or of those only that go to one side."""
        return {
            name: values[name]
            for name in self.policy.attributes
            if to is None or self.policy.goes_to(name, to)
        }

    def carried(self, record: Record, side: End) -> dict[str, object]:
        """What is to be written on `side` for a record of the opposite one."""
        return {
            name: None if isinstance(value, Opaque) else self.policy.shown(name, value, side)
            for name, value in self.synced(record.values, side).items()
        }

    def defaults(self, record: Record, side: End) -> dict[str, object]:
        """What a new object on `side` gets for what a record of the opposite one leaves empty."""
        found = self.policy.defaults.get(side, {})
        return {name: value for name, value in found.items() if name in record.blank}

    def had(self, link: Link, record: Record, side: End) -> dict[str, object]:
        """What an object that is made again on `side` had besides, since it got a default: its source is as ever."""
        had, across = link.base_on(side), link.base_on(side.opposite)
        return {
            name: had[name]
            for name in self.policy.defaults.get(side, {})
            if name in had
            and name in across
            and not isinstance(had[name], Opaque)
            and same(record.values[name], across[name])
            and not self.policy.agree(name, link.left[name], link.right[name])
        }

    def left_empty(self, intent: Intent) -> dict[str, object]:
        """What the source of a create shows of attributes of which it wrote the default: none of it is an edit."""
        source = self.snapshots[intent.side.opposite].records.get(intent.source_id)
        found = self.policy.defaults.get(intent.side, {})
        return {
            name: source.values[name]
            for name, value in found.items()
            if source is not None
            and name in source.blank
            and name in intent.values
            and same(intent.values[name], value)
        }

    def set_apart(self, link: Link, sides: Collection[End], reason: str, *, apart: bool = True) -> None:
        """Note on which sides a link's records are out of sight, and whether it is synced no more for as long."""
        self.actions.append(
            Park(
                left_id=link.left_id,
                right_id=link.right_id,
                sides=frozenset(sides),
                apart=apart and bool(sides),
                reason=reason,
            )
        )

    def forget_apart(self, link: Link, missing: set[End]) -> None:
        """The record that went its own way is missing too: nothing of the pair is left to be remembered.

        Where the other one is back, it is new to the next run.
        """
        if all(self.snapshots[side].partial is None for side in missing):
            where = " and ".join(self.policy.labels[side] for side in sorted(missing))
            self.actions.append(
                Unlink(
                    left_id=link.left_id,
                    right_id=link.right_id,
                    missing=frozenset(missing),
                    reason=f"deleted in {where}, and synced no more before",
                )
            )

    def out_on(self, link: Link) -> set[End]:
        """The sides on which a link's record is there, but not among what the task takes.

        The time that is shown on one side is enough for both: an edit of it goes across first.
        """
        there = {side for side in End if link.id_on(side) in self.snapshots[side].records}
        out = {side for side in there if link.id_on(side) in self.snapshots[side].outside}
        if there and all(link.id_on(side) in self.snapshots[side].out_of_window for side in there):
            out |= there
        return out

    def see_out(self, link: Link, before: int) -> None:
        """A pair that leaves what the task takes is brought in step a last time.

        Args:
            link: the pair, of which both records are there.
            before: how many actions there were before those that bring it in step.
        """
        out = self.out_on(link)
        if not out or any(isinstance(one, Conflict) and one.unresolved for one in self.actions[before:]):
            return
        # What leaves on both sides, by its time, is deleted only where one side mirrors the other.
        side = next(iter(out)) if len(out) == 1 else (self.policy.mirror_to or End.RIGHT).opposite
        how = self.policy.leave_of(side)
        here, across = self.policy.labels[side], self.policy.labels[side.opposite]
        if how == "unlink" or (how == "delete" and not self.policy.writes(side.opposite)):
            self.set_apart(link, out, f"it left what the sync takes of {here}: it stays in {across}")
        elif how == "delete" and len(self.actions) == before:
            rest = self.snapshots[side.opposite].records[link.id_on(side.opposite)]
            self.delete_left(link, side, rest, f"it left what the sync takes of {here}")

    def delete_left(self, link: Link, side: End, rest: Record, reason: str) -> None:
        """Delete the record across from one that left what the task takes, by the task's word."""
        self.actions.append(
            Delete(
                side=side.opposite,
                left_id=link.left_id,
                right_id=link.right_id,
                values=self.synced(rest.values),
                left_scope=True,
                reason=f"{reason}; the task says that it is deleted in {self.policy.labels[side.opposite]} then",
            )
        )

    def moved_away(self, link: Link, missing: End, rest: Record) -> None:
        """A record is listed no more, though its side says that it is there."""
        here, across = self.policy.labels[missing], self.policy.labels[missing.opposite]
        why = f"not listed in {here} any more, though it is not deleted (moved, or out of the filter?)"
        base = link.base_on(missing.opposite)
        edited = [name for name in self.policy.attributes if unseen(rest.values[name], name, base)]
        deletes = self.policy.leave_unlisted(missing) == "delete" and self.policy.writes(missing.opposite)
        if deletes and not edited:
            self.delete_left(link, missing, rest, why)
            return
        but = f"; {', '.join(edited)} edited in {across}" if deletes else ""
        self.set_apart(link, {missing}, f"{why}: it stays in {across}{but}")

    def mirror_again(self, link: Link, missing: End, rest: Record) -> None:
        """The object of a mirror was deleted: it is made again of its source, or left so where edits are kept."""
        here, across = self.policy.labels[missing], self.policy.labels[missing.opposite]
        if self.policy.keeps_target_edits:
            self.set_apart(
                link, {missing}, f"deleted in {here}, a mirror whose edits are kept; it stays in {across}"
            )
            return
        shown = {missing: None, missing.opposite: dict(rest.values)}
        self.actions.append(
            Conflict(
                left_id=link.left_id,
                right_id=link.right_id,
                attribute=None,
                base=dict(link.base_on(missing.opposite)),
                left=shown[End.LEFT],
                right=shown[End.RIGHT],
                left_edited=None if missing is End.LEFT else rest.edited,
                right_edited=None if missing is End.RIGHT else rest.edited,
                winner=missing.opposite,
                rule="one way",
                reason=f"deleted in {here}, which mirrors {across}",
            )
        )
        self.actions.append(
            Create(
                side=missing,
                source_id=rest.id,
                values={**self.carried(rest, missing), **self.had(link, rest, missing)},
                source=self.synced(rest.values, missing),
                instead_of=link.id_on(missing),
                reason=f"deleted here, where {across} is mirrored",
            )
        )

    def spare(self, link: Link, missing: End) -> None:
        """The record across from a deleted one stays, by the task's word, whether it was edited or not."""
        here, across = self.policy.labels[missing], self.policy.labels[missing.opposite]
        deletion = self.policy.deletion_in(missing.opposite)
        if deletion.how == "mark":
            self.actions.append(
                Mark(
                    side=missing.opposite,
                    left_id=link.left_id,
                    right_id=link.right_id,
                    attribute=deletion.attribute,
                    value=deletion.value,
                    synced_as=deletion.name,
                    reason=f"deleted in {here}; the task says that it is only marked in {across}",
                )
            )
        else:
            self.set_apart(link, {missing}, f"deleted in {here}; the task says that it stays in {across}")


def unseen(value: object, name: str, base: Values) -> bool:
    """Whether a value was never shown to the other side: edited since, or not brought across yet."""
    return not same(value, base[name]) if name in base else not is_empty(value)
