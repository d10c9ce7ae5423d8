"""Judges what a run did by the histories of values alone; it knows nothing of links, plans or bases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tasks.sync_task.task import SyncTask, wrote
from tasks.testing.equality import SIDES, across, agree, alike, is_blank
from tasks.testing.histories.reading import Reader, Seen
from tasks.testing.histories.watched import WatchedJournal
from tasks.testing.invariants import BrokenError, Invariant
from tasks.testing.wording import shown

#: By side and token, what is shown.
Truth: TypeAlias = Mapping[str, Mapping[str, Seen]]


@dataclass(frozen=True, slots=True)
class Event:
    """A value appeared on a side, by a person's hand or by a run."""

    at: int
    by_person: bool
    side: str
    value: Any


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How a run went."""

    status: str
    #: Whether a listing was partial.
    partial: bool = False
    #: Whether nothing was to go wrong.
    clean: bool = True


@dataclass(slots=True)
class Oracle:
    """The history of every value, and the laws."""

    reader: Reader
    journal: WatchedJournal
    now: int = 0
    events: dict[tuple[str, str], list[Event]] = field(default_factory=dict)
    #: The values on which both sides agreed after runs, since the last good one, and when, by token and
    #: attribute: a run that was cut off may or may not have taken note of it.
    agreed: dict[tuple[str, str], list[tuple[int, Any]]] = field(default_factory=dict)
    #: When somebody deleted an object, by side and token.
    deleted: dict[tuple[str, str], int] = field(default_factory=dict)
    #: The same for objects that a clean run had just left in step, with the time of that run.
    deleted_in_step: dict[tuple[str, str], int] = field(default_factory=dict)
    #: When a clean run ended after which nothing has gone wrong.
    clean_at: int | None = None
    in_step: set[str] = field(default_factory=set)
    #: When a run last came to its end, and the number of runs since that did not.
    noted_at: int = 0
    cut_off: int = 0
    #: Objects that a good run left on both sides, and that nobody deleted since.
    paired: set[str] = field(default_factory=set)
    ids: dict[tuple[str, str], str] = field(default_factory=dict)

    # -- people -------------------------------------------------------------------------------------------

    def person_made(self, side: str, token: str, seen: Seen) -> None:
        """Somebody made an object."""
        self.ids[side, token] = seen.id
        self.deleted.pop((side, token), None)
        self.deleted_in_step.pop((side, token), None)
        for attribute, value in seen.values.items():
            self._note(token, attribute, side, value, by_person=True)

    def person_changed(self, side: str, token: str, before: Seen, after: Seen) -> None:
        """Somebody changed an object."""
        if before.id != after.id:
            raise BrokenError(
                Invariant.STABLE_IDS,
                f"the id of {token} in {side} changed with an edit: {before.id} -> {after.id}",
            )
        for attribute, value in after.values.items():
            if not alike(before.values[attribute], value):
                self._note(token, attribute, side, value, by_person=True)

    def person_deleted(self, side: str, token: str) -> None:
        """Somebody deleted an object."""
        self.now += 1
        self.deleted[side, token] = self.now
        self.ids.pop((side, token), None)
        self.paired.discard(token)
        if self.clean_at is not None and token in self.in_step:
            self.deleted_in_step[side, token] = self.clean_at

    def _note(self, token: str, attribute: str, side: str, value: Any, *, by_person: bool) -> None:
        self.now += 1
        self.events.setdefault((token, attribute), []).append(Event(self.now, by_person, side, value))

    # -- runs ---------------------------------------------------------------------------------------------

    def judge(self, before: Truth, after: Truth, run: Circumstances) -> None:
        """Judge one run by what both sides showed before and after it.

        Raises:
            BrokenError: an invariant does not hold.
        """
        for side in SIDES:
            for token in sorted(before[side].keys() | after[side].keys()):
                old, new = before[side].get(token), after[side].get(token)
                if old is not None and new is not None:
                    self._judge_changes(side, token, old, new, before)
                elif old is not None:
                    self._judge_deletion(side, token, old, before, run)
                elif new is not None:
                    self._judge_creation(side, token, before)
        for side in SIDES:
            for token, seen in after[side].items():
                known = before[side].get(token)
                for attribute, value in seen.values.items():
                    if known is None or not alike(known.values[attribute], value):
                        self._note(token, attribute, side, value, by_person=False)
                self.ids[side, token] = seen.id
        self.now += 1
        self._mark_agreed(after, run)

    def _mark_agreed(self, after: Truth, run: Circumstances) -> None:
        whole = after["notion"].keys() & after["other"].keys()
        noted = run.status == "succeeded" and not run.partial
        in_step = set()
        for token in whole:
            notion, other = after["notion"][token].values, after["other"][token].values
            same = {name for name in notion if agree(self.reader.lossy, name, notion[name], other[name])}
            for name in same:
                before = [] if noted else self.agreed.get((token, name), [])
                self.agreed[token, name] = [*before, (self.now, notion[name])]
            if len(same) == len(notion):
                in_step.add(token)
        self.cut_off += 1
        if noted:
            self.paired |= whole
            self.noted_at, self.cut_off = self.now, 0
        good = run.clean and run.status == "succeeded"
        self.clean_at, self.in_step = (self.now, in_step) if good else (None, set())

    def _judge_changes(self, side: str, token: str, old: Seen, new: Seen, before: Truth) -> None:
        if old.id != new.id:
            raise BrokenError(
                Invariant.STABLE_IDS,
                f"{token} in {side} was {old.id} before the run and is {new.id} after it: it was deleted and made "
                "again in place of an update, or its id is not stable",
            )
        for attribute, value in old.values.items():
            written = new.values[attribute]
            if alike(value, written):
                continue
            if not self._is_free(side, token, attribute, value):
                raise BrokenError(
                    Invariant.NO_LOST_UPDATE,
                    f"{attribute} of {token} in {side} was {shown(value)}, which nobody across had seen; a run wrote "
                    f"{shown(written)} over it and the ledger does not have it",
                )
            if not self._is_known(side, token, attribute, written):
                twin = before[across(side)].get(token)
                there = f"{shown(twin.values[attribute])} across" if twin else "no object across"
                raise BrokenError(
                    Invariant.FIXPOINT,
                    f"a run wrote {shown(written)} as {attribute} of {token} in {side}, a value that nobody wrote "
                    f"across; there was {shown(value)} here, and {there}",
                )

    def _judge_deletion(self, side: str, token: str, old: Seen, before: Truth, run: Circumstances) -> None:
        if (across(side), token) not in self.deleted or token in before[across(side)]:
            why = "a listing left it out" if run.partial else f"nobody deleted it in {across(side)}"
            raise BrokenError(Invariant.PARTIAL, f"a run deleted {token} in {side}, though {why}")
        for attribute, value in old.values.items():
            if not self._is_free(side, token, attribute, value, deleted=True):
                raise BrokenError(
                    Invariant.DELETE_OR_EDIT,
                    f"a run deleted {token} in {side} with {attribute}={shown(value)}, which nobody across had seen, "
                    "and the ledger does not have it",
                )

    def _judge_creation(self, side: str, token: str, before: Truth) -> None:
        since = self.deleted_in_step.get((side, token))
        if since is not None and not self._edited(across(side), token, since):
            raise BrokenError(
                Invariant.NO_RESURRECTION,
                f"{token} is in {side} again, where somebody had deleted it, and nobody edited it across since",
            )
        if token not in before[across(side)]:
            raise BrokenError(
                Invariant.NO_RESURRECTION, f"{token} appeared in {side} though {across(side)} did not have it"
            )

    def _edited(self, side: str, token: str, since: int) -> bool:
        return any(
            event.by_person and event.side == side and event.at > since
            for (one, _), events in self.events.items()
            if one == token
            for event in events
        )

    def _is_known(self, side: str, token: str, attribute: str, value: Any) -> bool:
        """Whether a value that a run wrote comes from people across, or is what the task itself decides."""
        task = self.reader.task
        if task.resolver is not None or (isinstance(task, SyncTask) and wrote(task, "resolve_conflict")):
            return True
        return any(
            event.side != side
            and agree(self.reader.lossy, attribute, *self._in_order(side, value, event.value))
            for event in self.events.get((token, attribute), [])
        )

    def _is_free(self, side: str, token: str, attribute: str, value: Any, *, deleted: bool = False) -> bool:
        """Whether a value may go: seen across, back at what both agreed on, never filled, or kept."""
        events = self.events.get((token, attribute), [])
        mine = [event for event in events if event.side == side]
        if not mine or not mine[-1].by_person:
            return True
        if is_blank(value) and ((token, attribute) not in self.agreed or token not in self.paired):
            return True
        theirs = [event for event in events if event.side != side]
        then = [event for event in theirs if event.at < mine[-1].at]
        # Where a write was cut off, a person may type what it was to write: then it cannot be told whose it is.
        then = [event for event in then[:-1] if self.cut_off and event.at > self.noted_at] + then[-1:]
        later = [event for event in theirs if event.at > mine[-1].at]
        if any(
            agree(self.reader.lossy, attribute, *self._in_order(side, value, e.value)) for e in then + later
        ):
            return True
        written = max((event.at for event in mine if not event.by_person), default=0)
        agreed = self.agreed.get((token, attribute), [])
        if any(alike(one, value) and at >= written for at, one in agreed):
            return True
        return self._is_kept(side, token, attribute, value, deleted=deleted)

    def _is_kept(self, side: str, token: str, attribute: str, value: Any, *, deleted: bool) -> bool:
        pair = (self.ids.get(("notion", token)), self.ids.get(("other", token)))
        place = SIDES.index(side)
        if any(alike(values[place], value) for values in self.journal.kept(pair, attribute)):
            return True
        whole = self.journal.kept(pair, None) if deleted else []
        return any(
            isinstance(values[place], Mapping) and alike(values[place].get(attribute), value)
            for values in whole
        )

    @staticmethod
    def _in_order(side: str, mine: Any, theirs: Any) -> tuple[Any, Any]:
        return (mine, theirs) if side == "notion" else (theirs, mine)
