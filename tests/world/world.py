"""The services as the engine meets them: every call judged, counted, and disturbed when a fault is due."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tasks import Changes, Listing, OutcomeUnknownError
from tasks.errors import (
    CursorExpiredError,
    ItemError,
    LockLostError,
    PreconditionError,
    SideError,
    StateError,
)
from tests.world.oracle import Oracle
from tests.world.services import FIELDS, START, Broken, Obj, opposite

#: What may happen to a write: no answer (before or after it was applied), a crash, a refusal, a user who edits
#: or deletes the object in that moment, a service that is down, code that fails, a lock that is lost just
#: before, an attribute that is not shown any more from then on.
WRITE_FAULTS = (
    "before", "after", "crash-before", "crash-after", "refused", "changed", "vanished", "down", "down-after",
    "raises", "raises-after", "lost", "drift",
)  # fmt: skip
#: What may happen to a listing: cut off, an object listed twice, old versions, a linked object not listed though
#: it is there, an attribute that is not shown, no answer, a change that is not told of, a cursor that is too old.
LISTING_FAULTS = ("hidden", "repeated", "stale", "absent", "drift", "down", "late", "expired")
JOURNAL_FAULTS = ("crash-before", "crash-after", "down", "down-after")


class Crash(BaseException):
    """The process ends here."""


@dataclass
class World(Oracle):
    """Both services, with the faults to come."""

    #: Effect number to fault.
    faults: dict[int, str] = field(default_factory=dict)
    #: Faults of the first effect of a kind: action or journal call, conflict rule or `-`, fault.
    aimed: list[tuple[str, str, str]] = field(default_factory=list)
    #: Side to the tokens that a partial listing leaves out.
    hidden: dict[str, set[str]] = field(default_factory=dict)
    #: Side to another fault of its listing, and the tokens that it befalls.
    odd: dict[str, tuple[str, set[str]]] = field(default_factory=dict)
    effects: int = 0
    writes: int = 0
    #: Writes that were sent in this run: action, side, token.
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    #: Keys of creates that a service refuses to carry out twice (as CalDAV does).
    keyed: dict[str, str] = field(default_factory=dict)
    crashed: bool = False
    lost: bool = False
    drifted: set[str] = field(default_factory=set)
    runs: int = 0
    clock: timedelta = timedelta(0)
    #: The next effect, where the last one kept several pairs at once.
    after_batch: int = -1
    #: How many actions the last plan had.
    planned: int = 0

    def begin_run(self, mode: str, attributes: tuple[str, ...]) -> None:
        """A process starts, with nothing in its memory."""
        self.effects, self.crashed, self.lost, self.after_batch = 0, False, False, -1
        self.forget(set(attributes) ^ set(self.attributes))
        self.mode, self.attributes, self.unsure = mode, attributes, set(self.unconfirmed)
        self.updating = {str(intent["target_id"]) for intent in self.intents.values()}
        self.rough, self.unfinished = self.unfinished, True
        self.sent, self.listed, self.drifted = [], {}, set()
        self.linked_before, self.told_before = len(self.links), len(self.ledger)
        self.stale = any(kind == "stale" for kind, _ in self.odd.values())
        self.runs += 1
        self.before = self.at_start
        self.at_start = {s: {i: o.copy() for i, o in objs.items()} for s, objs in self.sides.items()}
        self.trace.append(f"run {self.runs}")

    def forget(self, names: set[str]) -> None:
        """Nobody knows any more on what both sides agreed: the mapping of these attributes was changed."""
        for key in [key for key in self.based if key[1] in names]:
            del self.based[key]
        for key in self.history:
            if key[1] in names:
                self.equal[key] = -1

    def later(self) -> datetime:
        """The engine's own clock: late enough to try again whatever failed."""
        return START + self.clock

    # -- faults -------------------------------------------------------------------------------------------

    def due(self, action: str, rule: str) -> str:
        """The fault of this effect, if there is one, with its place noted."""
        if self.crashed:
            raise Crash
        fault = self.faults.get(self.effects, "")
        self.effects += 1
        for aim in self.aimed:
            if aim[0] == action and aim[1] in ("*", rule) and aim[2] != "lost":
                fault = aim[2]
                self.aimed.remove(aim)
                break
        return fault

    def reach(self, action: str, rule: str, fault: str) -> None:
        self.reached[f"{action} {rule} {fault}"] += 1
        self.trace.append(f"{fault} at {action} {rule}")

    def lose_lock(self, action: str, rule: str) -> None:
        """The lock is lost just before an action that this was aimed at."""
        if (action, rule, "lost") in self.aimed:
            self.aimed.remove((action, rule, "lost"))
            self.lost = True
            self.reach(action, rule, "lost")

    def has_lost(self) -> bool:
        """Whether the lock is lost by now."""
        if any(fault == "lost" and number <= self.effects for number, fault in self.faults.items()):
            self.reached["any - lost"] += not self.lost
            self.lost = True
        return self.lost

    def check_lock(self) -> None:
        if self.has_lost():
            raise LockLostError("another run has the node")

    def in_batch(self, pairs: int) -> None:
        """So many pairs are kept at once, maybe right after others: a crash now is one between two batches."""
        self.reached["batch - next"] += self.effects == self.after_batch
        self.after_batch = self.effects + 1 if pairs > 1 else -1

    @contextmanager
    def effect(self, action: str, side: str, token: str, names: list[str]) -> Iterator[None]:
        """One write to a service, with the fault that is due."""
        rule = self.rule_of(token, names)
        if self.has_lost() and not self.crashed:
            raise Broken(f"{action} of {token} sent to {side} though the lock was lost")
        fault = self.due(action, rule)
        self.judge_any_write(f"{action} of {token} in {side}")
        if fault and fault != "lost":
            self.reach(action, rule, fault)
        self.sent.append((action, side, token))
        self._before(fault, side, token)
        yield
        self.writes += 1
        if fault == "crash-after":
            self.crashed = True
            raise Crash
        if fault == "after":
            raise OutcomeUnknownError("no answer, but applied")
        if fault == "down-after":
            raise SideError("the service went down with it")
        if fault == "raises-after":
            raise ValueError("the answer cannot be read")
        if fault == "drift":
            self.drifted.add(side)

    def _before(self, fault: str, side: str, token: str) -> None:
        obj = self.find(side, token)
        if fault == "crash-before":
            self.crashed = True
            raise Crash
        if fault == "before":
            raise OutcomeUnknownError("no answer, not applied")
        if fault == "down":
            raise SideError("the service is down")
        if fault == "raises":
            raise ValueError("a bug in the task")
        if fault == "changed" and obj is not None:
            self.user_edits(side, token, "Note", "b" if obj.values["Note"] != "b" else "c")
            raise PreconditionError("changed meanwhile")
        if fault == "vanished":
            self.user_deletes(side, token)
        if fault in ("refused", "changed", "vanished"):
            raise ItemError("refused")

    @contextmanager
    def entry(self, call: str, rule: str) -> Iterator[None]:
        """One entry in the journal, with the fault that is due."""
        fault = self.due(call, rule)
        if fault in JOURNAL_FAULTS:
            self.reach(call, "*", fault)
        if fault == "crash-before":
            self.crashed = True
            raise Crash
        if fault == "down":
            raise StateError("the store cannot be written")
        yield
        self.trace.append(call)
        if fault == "crash-after":
            self.crashed = True
            raise Crash
        if fault == "down-after":
            raise StateError("the store did not answer")

    # -- what the engine calls: listings --------------------------------------------------------------------

    def changed(self, side: str, cursor: int) -> Changes:
        """What changed on a side since a cursor."""
        kind, tokens = self.odd.get(side, ("", set()))
        if kind == "down":
            raise SideError("the service is down")
        if kind == "drift":
            self.drifted.add(side)
        if kind == "expired":
            raise CursorExpiredError("too long ago")
        ids = [
            obj_id for (where, obj_id), number in self.touched.items() if where == side and number > cursor
        ]
        objs = [self.sides[side][obj_id].copy() for obj_id in ids if obj_id in self.sides[side]]
        late = set(tokens) if kind == "late" else set()
        self.misread |= late
        late |= self.hidden.get(side, set())
        partial = "cut off" if self.hidden.get(side) is not None else None
        return Changes(
            [obj for obj in objs if obj.values["Token"] not in late and obj.id not in self.filtered],
            [obj_id for obj_id in ids if obj_id not in self.sides[side]],
            self.changes,
            partial,
        )

    def one(self, side: str, obj_id: str) -> Obj | None:
        obj = self.sides[side].get(obj_id)
        return obj.copy() if obj is not None else None

    # -- what the engine calls: writes ------------------------------------------------------------------------------

    def listing(self, side: str) -> Listing:
        kind, tokens = self.odd.get(side, ("", set()))
        if kind == "down":
            raise SideError("the service is down")
        if kind == "drift":
            self.drifted.add(side)
        shown = {i: o.copy() for i, o in self.sides[side].items() if i not in self.filtered}
        if kind == "stale":
            for obj_id, old in self.before[side].items():
                if old.values["Token"] in tokens and self.is_linked(side, obj_id):
                    shown[obj_id] = old.copy()
                    self.misread.add(old.values["Token"])
        if kind == "absent":
            for obj in list(shown.values()):
                if obj.values["Token"] in tokens and self.is_linked(side, obj.id):
                    del shown[obj.id]
        objs = sorted(shown.values(), key=lambda obj: obj.id, reverse=self.runs % 2 == 1)
        if kind == "repeated":
            objs += [obj.copy() for obj in objs if obj.values["Token"] in tokens]
        hidden = self.hidden.get(side)
        if hidden is not None:
            return Listing([obj for obj in objs if obj.values["Token"] not in hidden], partial="cut off")
        self.listed[side] = len(objs)
        return Listing(objs, cursor=self.changes if self.traits.deltas else None)

    def is_gone(self, side: str, obj_id: str) -> bool:
        return not self.traits.strict or obj_id not in self.sides[side]

    def create(self, side: str, values: dict[str, Any], key: str) -> Obj:
        token = values["Token"]
        with self.effect("create", side, token, list(values)):
            known = self.sides[side].get(self.keyed.get(key, "")) if side == "other" else None
            if known is not None:  # this service knows the key again
                return known.copy()
            self.judge_create(side, token)
            self.made += 1
            obj_id = f"{side[0]}{self.made}"
            self.keyed[key] = obj_id
            stored = {name: self.stored(side, values.get(name, "")) for name in ("Token", *FIELDS)}
            for name in FIELDS:
                self.note(token, name, "sync", side, stored[name])
            obj = self.sides[side][obj_id] = Obj(obj_id, stored, self.moment(side), born=dict(values))
            self.appeared[side, token] = self.now
            self.touch(side, obj_id)
        return obj.copy()

    def update(self, side: str, listed: Obj, changes: dict[str, Any]) -> Obj:
        token = listed.values["Token"]
        with self.effect("update", side, token, list(changes)):
            obj = self._find_to_write(side, listed)
            stored = {name: self.stored(side, value) for name, value in changes.items()}
            for name, value in stored.items():
                if obj.values[name] != value:
                    self.judge_overwrite(side, token, name, obj.values[name], value)
                    self.replaced[obj.id, name] = obj.values[name]
                    self.note(token, name, "sync", side, value)
            self.unconfirmed.add((side, token))
            obj.values.update(stored)
            obj.edited = self.moment(side)
            obj.version += 1
            self.touch(side, obj.id)
            if self.traits.strict or self.traits.folds or not self.traits.copies:
                listed.values, listed.edited, listed.version = dict(obj.values), obj.edited, obj.version
        return obj.copy()

    def delete(self, side: str, listed: Obj) -> None:
        token = listed.values["Token"]
        with self.effect("delete", side, token, []):
            obj = self._find_to_write(side, listed)
            self.judge_delete(side, obj)
            self.note(token, "", "sync", side, None)
            del self.sides[side][obj.id]
            self.touch(side, obj.id)

    def _find_to_write(self, side: str, listed: Obj) -> Obj:
        obj = self.sides[side].get(listed.id)
        if obj is None:
            raise ItemError("404")
        if self.traits.strict and obj.version != listed.version:
            raise PreconditionError("412")
        return obj

    def equal_values(self) -> bool:
        """Whether both sides show the same things, as far as they can."""
        tokens = [sorted(o.values["Token"] for o in self.sides[side].values()) for side in self.sides]
        return tokens[0] == tokens[1] and all(
            self.alike(obj.values[name], other.values[name])
            for obj in self.sides["notion"].values()
            if (other := self.find(opposite("notion"), obj.values["Token"])) is not None
            for name in FIELDS
        )
