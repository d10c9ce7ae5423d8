"""What objects say of the sync in their status columns, from one run to the next.

Kept is only what does not say that it is in step. With it is kept when a person edited the object last: the columns
are no edit, but the service's own time of the last edit moves with their write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tasks.engine.columns import IN_STEP, Columns, Status
from tasks.engine.views import SideView
from tasks.errors import ItemError, OutcomeUnknownError
from tasks.journal.contract import Journal, Memory
from tasks.merge import (
    Adopt,
    Agree,
    Conflict,
    Create,
    Held,
    Park,
    Plan,
    Restore,
    Skip,
    Update,
    Values,
    pair_of,
)
from tasks.sides import ID, End
from tasks.values.canonical import dump

#: A state that is not known: the columns are written as soon as that can be done.
_OWED: Status = ("", "")


@dataclass(frozen=True, slots=True)
class Told:
    """What an object says."""

    status: Status
    #: Whether it says so for as long as it is held, and not until it is written again.
    held: bool
    #: A digest of what else it showed then.
    content: str
    #: When a person edited it last, ISO 8601, where that is known.
    edited: str | None
    #: And when by the service's word after the columns were written; a later time is that of another edit.
    written: str | None = None


def content(values: Values) -> str:
    """A digest of the synced values of an object."""
    return hashlib.sha256(dump(dict(values)).encode()).hexdigest()[:16]


class Remembered:
    """What is known of the columns of a task.

    Arguments:
        document: what `to_json` gave after an earlier run; `None` before there was one.
    """

    def __init__(self, document: Any = None) -> None:
        kept = {end: (document or {}).get(end.value, {}) for end in End}
        #: The attributes that fitted, by end.
        self.names: dict[End, Collection[str]] = {end: one.get("names", ()) for end, one in kept.items()}
        self.told: dict[End, dict[ID, Told]] = {
            end: {
                obj_id: Told((state, reason), *rest)
                for obj_id, (state, reason, *rest) in one.get("told", {}).items()
            }
            for end, one in kept.items()
        }

    def to_json(self) -> Any:
        """What a later run is to know, a JSON value."""
        return {
            end.value: {
                "names": sorted(self.names[end]),
                "told": {
                    obj_id: [*one.status, one.held, one.content, one.edited, one.written]
                    for obj_id, one in self.told[end].items()
                },
            }
            for end in End
            if self.names[end] or self.told[end]
        }

    def edited_by_people(self, view: SideView) -> SideView:
        """A view in which objects are as old as people left them, whatever columns were written since."""
        told = self.told[view.adapter.end]
        records = dict(view.snapshot.records) if told else {}
        for obj_id, one in told.items():
            record = records.get(obj_id)
            if record is None or record.edited is None or one.edited is None:
                continue
            touched = one.written is not None and record.edited > datetime.fromisoformat(one.written)
            if not touched and content(record.values) == one.content:
                records[obj_id] = replace(record, edited=datetime.fromisoformat(one.edited))
        return replace(view, snapshot=replace(view.snapshot, records=records)) if told else view


async def remember_told(
    columns: Columns, plan: Plan, memory: Memory, before: Remembered, journal: Journal
) -> None:
    """Remember a run that came to its end, and write the columns of objects that stand otherwise since.

    What is about to be written is remembered first: a run that is cut off leaves columns to the next one, and no
    edit of a person's that seems newer than it is.

    Raises:
        SideError: the service cannot be reached any more.
        LockLostError: the node's lock is lost.
    """
    after = Remembered()
    due: list[tuple[End, ID, Told]] = []
    for end in End:
        bound = columns.running.sync.columns.get(end)
        after.names[end] = {*before.names[end], *(bound.names if bound is not None else ())}
        eager = bound is not None and bound.eager
        if not eager and not before.told[end]:
            continue  # nothing is told, and nothing was
        standing = _Standing(columns, end, plan, memory.held, before.told[end])
        after.told[end], wanted = standing.after(eager=eager)
        for obj_id, told in wanted.items():
            due.append((end, obj_id, await _as_it_is(columns, end, obj_id, told)))
            after.told[end][obj_id] = replace(due[-1][2], status=_OWED)
    await journal.remember(_with(memory, after))
    for end, obj_id, told in due:
        try:
            answer = await columns.write_alone(end, obj_id, told.status, synced=not told.held)
        except OutcomeUnknownError:
            continue  # as in a run that was cut off
        if answer is None:
            known = before.told[end].get(obj_id, replace(told, edited=None))
            after.told[end][obj_id] = replace(known, status=_OWED, held=told.held)
        elif told.status == IN_STEP:
            del after.told[end][obj_id]
        else:
            after.told[end][obj_id] = replace(told, written=await columns.edited(end, answer))
    if due:
        await journal.remember(_with(memory, after))


async def _as_it_is(columns: Columns, end: End, obj_id: ID, told: Told) -> Told:
    """The same with what the object shows, and the time that it bears, since this run wrote it."""
    obj = columns.latest.get((end, obj_id))
    if obj is None:
        return told
    try:
        shown = content(await columns.adapters[end].values(obj))
    except ItemError:
        return told
    return replace(told, content=shown, edited=await columns.edited(end, obj))


def _with(memory: Memory, told: Remembered) -> Memory:
    kept = told.to_json()
    return replace(memory, own={**(memory.own or {}), "columns": kept}) if kept else memory


class _Standing:
    """How the objects of an end stand after a run."""

    def __init__(
        self, columns: Columns, end: End, plan: Plan, held: Sequence[Held], before: Mapping[ID, Told]
    ) -> None:
        self.columns = columns
        self.end = end
        self.before = before
        #: How those stand that the run was about, or that are well again.
        self.now: dict[ID, Status] = {}
        #: Those of them that are held.
        self.held: set[ID] = set()
        #: Those that were linked, and those that are synced no more or are about to settle: they stay as they are.
        self.fresh: set[ID] = set()
        self.out: set[ID] = set()
        self._take_plan(plan)
        self._take_held(held)
        for obj_id, told in before.items():
            if told.held or told.status == _OWED:
                self.now.setdefault(obj_id, IN_STEP)

    def _take_plan(self, plan: Plan) -> None:
        for action in plan.actions:
            obj_id = dict(self.columns.both(pair_of(action))).get(self.end)
            if obj_id is None or isinstance(action, Skip | Conflict):
                continue
            if isinstance(action, Create | Adopt | Restore):
                self.fresh.add(obj_id)
            if isinstance(action, Create | Adopt | Restore | Update | Agree) or (
                isinstance(action, Park) and not action.apart
            ):
                self.now[obj_id] = IN_STEP
            else:
                self.out.add(obj_id)
        for (end, obj_id), status in self.columns.conflicts.items():
            if end is self.end:
                self.now[obj_id] = status

    def _take_held(self, held: Sequence[Held]) -> None:
        for one in held:
            obj_id = dict(self.columns.both(one.pair)).get(self.end)
            if obj_id is None:
                continue
            conflict, left = (
                found.get((self.end, obj_id)) for found in (self.columns.conflicts, self.columns.left)
            )
            if not (one.failures or conflict or left or one.pair in self.columns.outcome.unclear):
                self.out.add(
                    obj_id
                )  # it settles, or was edited while the run went on: the next one takes it up
                continue
            self.held.add(obj_id)
            self.now[obj_id] = (None if one.failures else conflict) or ("held", one.reason)

    def after(self, *, eager: bool) -> tuple[dict[ID, Told], dict[ID, Told]]:
        """What objects say that do not say that they are in step; and, if eager, what some are to say instead."""
        view = self.columns.views[self.end]
        told: dict[ID, Told] = {}
        due: dict[ID, Told] = {}
        # Where nothing is written, only what was told before is of interest.
        for obj_id in {**self.before, **self.now} if eager else self.before:
            before = self.before.get(obj_id)
            if obj_id not in view.snapshot.records:
                continue
            status = self.now.get(obj_id)
            if status is None or obj_id in self.out or not self._is_taken(obj_id):
                if before is not None:
                    told[obj_id] = before
                continue
            said = self.columns.said.get((self.end, obj_id), self._said_before(obj_id))
            record, held = view.snapshot.records[obj_id], obj_id in self.held
            wanted = Told(
                status, held, content(record.values), record.edited.isoformat() if record.edited else None
            )
            if said != status and eager:
                due[obj_id] = wanted
            elif (
                before is not None and status == before.status and (self.end, obj_id) not in self.columns.said
            ):
                told[obj_id] = replace(before, held=held)
            elif status != IN_STEP and eager:
                told[obj_id] = replace(wanted, edited=None)  # what it went along with says when that was
            elif before is not None and held:
                told[obj_id] = before  # columns are written with others by now; the time is remembered still
        return told, due

    def _said_before(self, obj_id: ID) -> Status:
        if obj_id in self.before:
            return self.before[obj_id].status
        return _OWED if obj_id in self.fresh else IN_STEP

    def _is_taken(self, obj_id: ID) -> bool:
        """Whether the task writes the object at all."""
        snapshot, bases = self.columns.views[self.end].snapshot, self.columns.bases
        across = bases.counterparts.get((self.end, obj_id))
        pair = (obj_id, across or "") if self.end is End.LEFT else (across or "", obj_id)
        link = bases.links.get(pair)
        return obj_id not in snapshot.outside and (link is None or not (link.parked or link.apart))
