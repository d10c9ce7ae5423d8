"""The judge: it knows the history of every value and nothing of the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tasks.journal.ledger import LedgerEntry, Version
from tests.world.services import FIELDS, SIDES, Broken, Obj, Services, joined, opposite


@dataclass
class Oracle(Services):
    """Judges every single write: was a user's value lost, something deleted unasked, something doubled?"""

    mode: str = "newer"
    #: The attributes that the task keeps in step in this run.
    attributes: tuple[str, ...] = FIELDS
    #: Fields on which both sides agreed: when last, and on what, as each side showed it.
    based: dict[tuple[str, str], tuple[int, dict[str, Any]]] = field(default_factory=dict)
    #: What was not confirmed at the start of the run.
    unsure: set[tuple[str, str]] = field(default_factory=set)
    #: Ids of objects with an update that has no outcome, at the start of the run.
    updating: set[str] = field(default_factory=set)
    #: When a run that succeeded left both sides with the same value, by (token, field).
    equal: dict[tuple[str, str], int] = field(default_factory=dict)
    #: Whether the services show old versions in this run.
    stale: bool = False
    #: How many objects each side listed in this run, where the listing claims to be complete.
    listed: dict[str, int] = field(default_factory=dict)
    linked_before: int = 0
    #: Whether the run before this one did not come to its end.
    rough: bool = False
    unfinished: bool = False
    #: Objects of which an old version was ever taken for the present one.
    misread: set[str] = field(default_factory=set)
    #: What the services showed when this run began.
    at_start: dict[str, dict[str, Obj]] = field(default_factory=lambda: {"notion": {}, "other": {}})
    #: Conflicts that were kept before this run.
    told_before: int = 0

    def judge_any_write(self, what: str) -> None:
        """A side that lists nothing is more often a fault than a wish: nothing may be written then."""
        empty = [
            side for side in self.sides if self.listed.get(side) == 0 and self.listed.get(opposite(side))
        ]
        if empty and self.linked_before > 1:
            raise Broken(f"{what}, though {empty[0]} lists nothing and {self.linked_before} are linked")

    def judge_create(self, side: str, token: str) -> None:
        if self.find(side, token):
            raise Broken(f"{token} made a second time in {side}")
        if token in self.misread:
            return  # an old version looks like an edit
        source = self.find(opposite(side), token)
        if self.traits.delete_wins and (side, token) in self.deleted_linked and not self.rough:
            raise Broken(f"{token} made again in {side} though the task says that a deletion wins")
        if (
            (side, token) in self.deleted_linked
            and not self.edited_since(opposite(side), token, self.linked[token])
            and not self.never_agreed(opposite(side), token)
            and not self.was_cut_off(opposite(side), token)
        ):
            raise Broken(f"{token} rose again in {side} though nobody edited it")
        gone = self.last(token, "", "user", side)
        born = self.appeared.get((opposite(side), token), 0)
        remapped = any(self.equal.get((token, name), 0) < 0 for name in FIELDS)
        own_copy = source is not None and source.born == source.values and not remapped
        if source is not None and source.id in self.updating:
            own_copy = False  # whether the last write to it arrived, and was edited since, nobody knows
        if own_copy and gone is not None and gone.at > born:
            edits = [self.last(token, name, "user", opposite(side)) for name in FIELDS]
            if not any(edit is not None and edit.at > born for edit in edits):
                raise Broken(f"{token} rose again in {side} out of the engine's own copy of it")

    def judge_delete(self, side: str, obj: Obj) -> None:
        token = obj.values["Token"]
        gone = self.last(token, "", "user", opposite(side))
        if gone is None or self.find(opposite(side), token):
            raise Broken(f"{token} deleted in {side} though nobody deleted it in {opposite(side)}")
        for name in self.attributes:
            value = obj.values[name]
            if self.traits.delete_wins and self.kept_whole(side, token, name, value):
                continue
            seen = self.known_elsewhere(side, token, name, value)
            never_filled = value == "" and (token, name) not in self.based
            if not seen and not never_filled and not self.back_at_base(side, token, name, value):
                raise Broken(f"{token}.{name}={obj.values[name]!r} deleted in {side} before anybody saw it")

    def kept_whole(self, side: str, token: str, name: str, value: Any) -> bool:
        """Whether the ledger has this value of an object that was deleted in spite of an edit."""
        return any(
            c.rule == "delete beats edit"
            and self.token_of(c) == token
            and (version_of(c, side).value or {}).get(name) == value
            for c in self.ledger
        )

    def judge_overwrite(self, side: str, token: str, name: str, old: Any, new: Any) -> None:
        """A user's value may only go where the other side had it too, or when the ledger has it."""
        never_filled = old == "" and (token, name) not in self.based
        free = never_filled or self.known_elsewhere(side, token, name, old)
        if not free and not self.back_at_base(side, token, name, old):
            conflict = self.in_ledger(token, name, side, old)
            if conflict is None:
                raise Broken(f"{token}.{name}={old!r} in {side} lost to {new!r}")
            if version_of(conflict, side).stayed:
                raise Broken(
                    f"{token}.{name}={old!r} in {side} lost to {new!r}, and the ledger says that it stayed"
                )
            if conflict.rule == "resolver":
                if new != self.stored(side, joined(*values_of(conflict))):
                    raise Broken(f"{token}.{name}: {new!r} of {values_of(conflict)}")
            elif conflict.rule != "retried":
                self.judge_conflict(side, token, name, old, new)
        # A user's value, from over there; what was made again may be filled from the copy that was left.
        target = self.find(side, token)
        unknown = (token, name) not in self.based
        any_hand = (
            self.traits.resolver
            or unknown
            or token in self.misread
            or (target is not None and target.born is not None)
        )
        # Without a base, or after a lost answer, what a service made of a value looks like an edit; both are kept.
        unclear = unknown or ("notion", token) in self.unsure
        if unclear and self.alike(old, new) and self.in_ledger(token, name, side, old) is not None:
            return
        if self.by_resolver(token, name, new):
            return
        disputed = self.in_ledger(token, name, side, old) is not None
        if self.alike(old, new) and not unclear and not disputed and token not in self.misread:
            self.judge_echo(side, token, name, new)
        written = [e for e in self.history.get((token, name), []) if self.stored(side, e.value) == new]
        if not any(e.side == opposite(side) and (any_hand or e.who == "user") for e in written):
            raise Broken(f"{token}.{name}={new!r} written in {side} though no user ever wrote it over there")

    def judge_echo(self, side: str, token: str, name: str, new: Any) -> None:
        """What a service made of a value is no edit: somebody must have typed it since."""
        here = [e.at for e in self.history.get((token, name), []) if e.side == side]
        typed = self.last(token, name, "user", opposite(side))
        if typed is None or (here and typed.at < here[-1]):
            raise Broken(f"{token}.{name}={new!r} echoed in {side} though nobody typed it over there")

    def by_resolver(self, token: str, name: str, new: Any) -> bool:
        """Whether a value was made by the task's own function in this run."""
        return any(
            c.rule == "resolver" and c.attribute == name and self.alike(joined(*values_of(c)), new)
            for c in self.ledger[self.told_before :]
            if self.token_of(c) == token
        )

    def judge_conflict(self, side: str, token: str, name: str, old: Any, new: Any) -> None:
        """Both values are kept, but the one that stays must be the right one."""
        mine, other = self.find(side, token), self.find(opposite(side), token)
        if mine is None or other is None:
            raise Broken(f"{token}: a conflict of something that is not there")
        ahead = self.listed_edit(mine, side) - self.listed_edit(other, opposite(side))
        stays = mode = "other" if name == self.traits.owned else self.mode
        if mode == "newer":
            near = abs(ahead) < timedelta(minutes=1)
            stays = "notion" if near else side if ahead > timedelta(0) else opposite(side)
        if stays in (side, "error"):
            raise Broken(f"{token}.{name}={old!r} in {side} lost to {new!r} in mode {mode}, {ahead} ahead")

    def listed_edit(self, obj: Obj, side: str) -> datetime:
        """When an object was edited last before this run began to write."""
        return self.at_start[side].get(obj.id, obj).edited

    def judge_claim(self, conflict: LedgerEntry) -> None:
        """A conflict takes two edits since both sides were known to be equal."""
        token = self.token_of(conflict)
        # A value that was sent may have been edited back since.
        since = self.equal.get((token, conflict.attribute or ""), 0)
        if (
            conflict.attribute is None
            or token in self.misread
            or ("notion", token) in self.unsure
            or since < 0
        ):
            return
        for side in self.sides:
            last = self.last(token, conflict.attribute, "user", side)
            if last is None or last.at <= since:
                raise Broken(f"{token}: {conflict.why}, but nobody edited it in {side} since they were equal")

    def mark_equal(self) -> None:
        """Note what both sides show alike, after a run that proved it."""
        for obj in self.sides["notion"].values():
            token = obj.values["Token"]
            other = self.find("other", token)
            out_of_sight = other is None or {obj.id, other.id} & self.filtered
            for name in () if out_of_sight else self.attributes:
                if other is not None and self.alike(other.values[name], obj.values[name]):
                    self.equal[token, name] = self.now

    def back_at_base(self, side: str, token: str, name: str, value: Any) -> bool:
        """Whether a user only typed again what both sides had agreed on, with no write of the engine between."""
        agreed_at, agreed = self.based.get((token, name), (0, {}))
        events = self.history.get((token, name), [])
        synced = any(e.who == "sync" and e.side == side and e.at > agreed_at for e in events)
        return side in agreed and self.alike(agreed[side], value) and not synced

    def never_agreed(self, side: str, token: str) -> bool:
        """Whether a side shows a value on which both never agreed: what was before the first sync, nobody knows."""
        obj = self.find(side, token)
        return obj is not None and any(obj.values[n] != "" and (token, n) not in self.based for n in FIELDS)

    def was_cut_off(self, side: str, token: str) -> bool:
        """Whether the last run ended before it could keep that both sides came to what is shown."""
        obj = self.find(side, token)
        return (
            self.rough
            and obj is not None
            and any(not self.alike(obj.values[n], self.based[token, n][1][side]) for n in FIELDS)
        )

    def known_elsewhere(self, side: str, token: str, name: str, value: Any) -> bool:
        """Whether the opposite side showed this value at or after the moment when a user set it here."""
        events = self.history.get((token, name), [])
        mine = [e for e in events if e.side == side]
        if not mine or mine[-1].who == "sync":
            return True
        theirs = [e for e in events if e.side == opposite(side)]
        shown_then = [e for e in theirs if e.at < mine[-1].at][-1:]
        shown_later = [e for e in theirs if e.at > mine[-1].at]
        return any(self.alike(e.value, value) for e in shown_then + shown_later)

    def in_ledger(self, token: str, name: str, side: str, value: Any) -> LedgerEntry | None:
        """The latest conflict in which this value was kept."""
        for c in reversed(self.ledger):
            if c.attribute == name and version_of(c, side).value == value and self.token_of(c) == token:
                return c
        return None

    def token_of(self, conflict: LedgerEntry) -> str:
        for side, obj_id in (("notion", conflict.first.id), ("other", conflict.second.id)):
            if obj_id in self.sides[side]:
                return str(self.sides[side][obj_id].values["Token"])
        return ""

    def rule_of(self, token: str, names: list[str]) -> str:
        """The rule of the conflict that this run kept before it writes these attributes; `-` without one."""
        for conflict in reversed(self.ledger[self.told_before :]):
            if self.token_of(conflict) == token and (
                conflict.attribute is None or conflict.attribute in names
            ):
                return SIDES.get(conflict.rule, conflict.rule)
        return "-"

    def edited_since(self, side: str, token: str, at: int) -> bool:
        """Whether a user's value stands on a side that came after a moment, or that nobody else ever saw."""
        obj = self.find(side, token)
        return any(
            (e.at > at and e.who == "user" and e.side == side)
            or (obj is not None and not self.known_elsewhere(side, token, name, obj.values[name]))
            for name in FIELDS
            for e in self.history.get((token, name), [])
        )


def version_of(entry: LedgerEntry, side: str) -> Version:
    """What the ledger says of a side."""
    return entry.first if side == "notion" else entry.second


def values_of(entry: LedgerEntry) -> tuple[Any, Any]:
    """Both values of a conflict."""
    return entry.first.value, entry.second.value
