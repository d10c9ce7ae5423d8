"""Plays the steps of one history on a fresh task and judges each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.engine.report import Order
from tasks.errors import ItemError, TaskError
from tasks.object_task import ObjectTask
from tasks.testing.equality import SIDES, alike, form
from tasks.testing.histories.history import Alphabet, History, Make, Remove, Rename, Run, Set, Step, Wait
from tasks.testing.histories.instrument import Crash, Instrument
from tasks.testing.histories.oracle import Circumstances, Oracle
from tasks.testing.histories.people import Person, PersonFor, TaskPerson
from tasks.testing.histories.reading import ENDS, Reader, Seen
from tasks.testing.histories.watched import WatchedJournal
from tasks.testing.invariants import BrokenError, Invariant
from tasks.testing.wording import shown


@dataclass(frozen=True, slots=True)
class Setup:
    """What is tested, and with what."""

    make_task: Callable[[], ObjectTask]
    alphabet: Alphabet
    people: Mapping[str, PersonFor] = field(default_factory=dict)
    #: Lets time pass on the clocks of both sides, where they have clocks of their own.
    advance: Callable[[Any, timedelta], None] | None = None


@dataclass(slots=True)
class Told:
    """A line of a history that was played."""

    line: str
    #: What the run did.
    trace: Sequence[str] = ()


class Player:
    """One history on one fresh task.

    Attributes:
        told: the steps that did something, and what came of them.
        counts: edits, runs, writes, faults, crashes, and how runs ended.
    """

    def __init__(self, setup: Setup) -> None:
        self.task = setup.make_task()
        self.task.handful = max(self.task.handful, 100)  # a guard that halts would end the history
        self.instrument = Instrument(self.task)
        self.journal = WatchedJournal(self.instrument)
        self.reader = Reader(self.task)
        self.oracle = Oracle(self.reader, self.journal)
        self.alphabet = setup.alphabet
        self.advance = setup.advance
        self.people: dict[str, Person] = {
            side: setup.people[side](self.task) if side in setup.people else TaskPerson(self.task, side)
            for side in SIDES
        }
        self.owners = {form(name): token for token, names in setup.alphabet.names.items() for name in names}
        self.truth: dict[str, dict[str, Seen]] = {side: {} for side in SIDES}
        self.told: list[Told] = []
        self.counts: Counter[str] = Counter()
        self.clock = datetime(2026, 1, 1, tzinfo=UTC)
        #: Attributes that the last run left to a person, by token.
        self.left_open: set[tuple[str, str | None]] = set()
        #: Objects that were listed once and then not any more.
        self.gone: set[tuple[str, str]] = set()
        self.last_run = Run()
        #: How many effects the last run of the history had, before it was left to settle.
        self.effects_of_last_run = 0

    async def steps(self, history: History) -> None:
        """Play a history up to where it is left to settle.

        Raises:
            BrokenError: an invariant does not hold.
        """
        await self._read()
        for step in history.steps:
            await self._step(step)
        self.effects_of_last_run = self.instrument.effects

    def tell(self, line: str, trace: Sequence[str] = ()) -> None:
        """Add a line to what was played."""
        self.told.append(Told(line, tuple(trace)))

    # -- looking ------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        async with self.reader.opened():
            for side in SIDES:
                await self._read_side(side)

    async def _read_side(self, side: str) -> None:
        found: dict[str, Seen] = {}
        known = {seen.id: token for token, seen in self.truth[side].items()}
        for seen in await self.reader.listing(side):
            token = self._token_of(side, seen, known)
            if token in found:
                raise self._doubled(side, token, (found[token].id, seen.id))
            found[token] = seen
        self.gone |= {(side, obj_id) for obj_id in known.keys() - {seen.id for seen in found.values()}}
        self.truth[side] = found

    def _doubled(self, side: str, token: str, ids: tuple[str, str]) -> BrokenError:
        for one in ids:
            if (side, one) in self.gone:
                return BrokenError(
                    Invariant.NO_RESURRECTION, f"{token} was deleted in {side} as {one}, and is listed again"
                )
        law = Invariant.CRASH if self.instrument.fired else Invariant.STATE_LOSS
        law = Invariant.PARTIAL if self.last_run.hidden else law
        return BrokenError(law, f"{token} is in {side} twice, as {ids[0]} and as {ids[1]}")

    def _token_of(self, side: str, seen: Seen, known: Mapping[str, str]) -> str:
        name = seen.values[self.alphabet.key]
        token = self.owners.get(form(name))
        if token is None:
            if seen.id in known or any(self.truth.values()):
                raise BrokenError(
                    Invariant.FIXPOINT,
                    f"{seen.id} in {side} shows {self.alphabet.key}={shown(name)}, which nobody wrote",
                )
            token = self.owners[form(name)] = f"object {shown(name)}"
        return token

    # -- people -------------------------------------------------------------------------------------------

    async def _step(self, step: Step) -> None:
        if isinstance(step, Run):
            await self.run(step)
            return
        if isinstance(step, Wait):
            self._wait(step)
            return
        seen = self.truth[step.side].get(step.token)
        made_before = any((step.token, name) in self.oracle.events for name in self.reader.names)
        async with self.reader.opened():
            match step:
                case Make() if seen is None and (not made_before or self._is_start(step)):
                    done = await self._make(step)
                case Remove() if seen is not None:
                    done = await self._remove(step, seen)
                case Set() if seen is not None:
                    done = await self._change(step, seen, step.attribute, step.value)
                case Rename() if seen is not None and step.token in self.oracle.paired:
                    # What was renamed before it was paired cannot be known for the same thing.
                    name = self.alphabet.names[step.token][step.name]
                    done = await self._change(step, seen, self.alphabet.key, name)
                case _:
                    return
        if done:
            self.counts["edits"] += 1
            self.tell(str(step))

    def _wait(self, step: Wait) -> None:
        if self.advance is not None:
            self.advance(self.task, timedelta(minutes=step.minutes))
            self.tell(str(step))

    def _is_start(self, step: Make) -> bool:
        """Whether two people make the same thing on both sides before the first run."""
        never_ran = not self.counts["runs"]
        return never_ran and (step.side, step.token) not in self.oracle.deleted

    async def _do(self, what: str, returned: Any) -> tuple[bool, Any]:
        """Let a person do something; false where the side does not take it."""
        try:
            return True, await returned if hasattr(returned, "__await__") else returned
        except ItemError:
            return False, None
        except TaskError as error:
            raise BrokenError(Invariant.CONTRACT, f"{what}: {error}") from error
        except Exception as error:
            raise BrokenError(Invariant.CONTRACT, f"{what} raises {type(error).__name__}: {error}") from error

    async def _make(self, step: Make) -> bool:
        side = step.side
        values = self.alphabet.filled(step.token, dict(step.values))
        person = self.people[side]
        done, made = await self._do(
            f"making an object in {side}", person.create(self.reader.new_values(side, values))
        )
        if not done:
            return False
        if made is None:
            method = self.reader.sides[side].spelled("create")
            raise BrokenError(Invariant.CONTRACT, f"{method} must return the object that it made")
        seen = await self.reader.look(side, made)
        self.owners.setdefault(form(seen.values[self.alphabet.key]), step.token)
        await self._read_side(side)
        now = self.truth[side].get(step.token)
        if now is None:
            raise BrokenError(
                Invariant.PARTIAL,
                f"{step.token} was just made in {side}, and a listing that says it is complete does not show it",
            )
        self.oracle.person_made(side, step.token, now)
        return True

    async def _change(self, step: Set | Rename, seen: Seen, attribute: str, value: Any) -> bool:
        side, token = step.side, step.token
        ((name, sent),) = self.reader.native_values(side, {attribute: value}).items()
        done, _ = await self._do(f"setting {name} in {side}", self.people[side].update(seen.obj, name, sent))
        await self._read_side(side)
        now = self.truth[side].get(token)
        if now is None:
            raise BrokenError(Invariant.PARTIAL, f"{token} is not listed in {side} any more after an edit")
        self.oracle.person_changed(side, token, seen, now)
        return done and not alike(seen.values[attribute], now.values[attribute])

    async def _remove(self, step: Remove, seen: Seen) -> bool:
        done, _ = await self._do(f"deleting in {step.side}", self.people[step.side].delete(seen.obj))
        if not done:
            return False
        await self._read_side(step.side)
        if step.token in self.truth[step.side]:
            raise BrokenError(
                Invariant.NO_RESURRECTION, f"{step.token} is still listed in {step.side} after a deletion"
            )
        self.oracle.person_deleted(step.side, step.token)
        return True

    # -- runs ---------------------------------------------------------------------------------------------

    async def run(self, run: Run, *, refused: tuple[str, str] | None = None) -> str:
        """One run, judged; how it ended."""
        self.last_run = run
        self.clock += timedelta(seconds=20) if run.soon else timedelta(days=2)
        before = {side: dict(found) for side, found in self.truth.items()}
        hidden = self._hidden(run)
        remembered = self.journal.text() if run.dry else ""
        self.instrument.start(
            run.faults, hidden, [run.down] if run.down else [], self._refusal(refused) if refused else None
        )
        self.left_open = set()
        known = len(self.journal.ledger)
        reason = ""
        try:
            report = await self.instrument.wrapped.run(
                self.journal, order=Order(dry_run=run.dry, clock=lambda: self.clock)
            )
            status, reason = report.status, report.reason
            self.left_open = {
                (self._name_of(entry.first.id, entry.second.id), entry.attribute)
                for entry in self.journal.ledger[known:]
                if entry.open
            }
        except Crash:
            status = "crashed"
        except TaskError as error:
            status, reason = "failed", str(error)
        except Exception as error:
            raise BrokenError(
                Invariant.CONTRACT, f"the run ends with {type(error).__name__}: {error}"
            ) from error
        finally:
            said = str(run) if not refused else f"run; {refused[0]} refuses to write {refused[1]}"
            self.tell(said, self.instrument.trace)
        self.told[-1].line += f" -> {status}" + (f": {reason}" if reason and status != "crashed" else "")
        self.counts["runs"] += 1
        self.counts["writes"] += self.instrument.writes
        self.counts[f"runs that {OUTCOMES.get(status, status)}"] += 1
        writes = self.instrument.writes
        await self._read()
        if run.dry:
            self._judge_dry(before, writes, remembered)
        clean = run.clean and refused is None
        self.oracle.judge(before, self.truth, Circumstances(status, bool(hidden), clean))
        return status

    def _judge_dry(self, before: Mapping[str, Mapping[str, Seen]], writes: int, remembered: str) -> None:
        if writes or before != self.truth or remembered != self.journal.text():
            what = "writes to a side" if writes else "changes what a side shows or what is remembered"
            raise BrokenError(Invariant.DRY_RUN, f"a dry run {what}")

    def _name_of(self, left_id: str, right_id: str) -> str:
        ids = {"notion": left_id, "other": right_id}
        return next(
            (t for side, found in self.truth.items() for t, seen in found.items() if seen.id == ids[side]), ""
        )

    def _hidden(self, run: Run) -> dict[str, frozenset[str]]:
        hidden: dict[str, frozenset[str]] = {}
        for side, token in run.hidden:
            seen = self.truth[side].get(token)
            if seen is not None:
                hidden[side] = hidden.get(side, frozenset()) | {seen.id}
        return hidden

    def _refusal(self, refused: tuple[str, str]) -> Callable[[str, str | None, Mapping[str, Any]], bool]:
        where, token = refused
        name = self.reader.native(where, self.alphabet.key)

        def refuses(side: str, obj_id: str | None, values: Mapping[str, Any]) -> bool:
            if side != where:
                return False
            if obj_id is not None:
                return token in self.truth[side] and self.truth[side][token].id == obj_id
            return self._owner(side, name, values) == token

        return refuses

    def _owner(self, side: str, name: str, values: Mapping[str, Any]) -> str | None:
        """Whose name a new object gets."""
        one = self.reader.mapping.by_name[self.alphabet.key]
        common = one.converter.common(ENDS[side], values[name]) if name in values else None
        return self.owners.get(form(common))

    def shown(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What both sides show, by side, token and attribute."""
        return {
            side: {
                token: {name: form(value) for name, value in seen.values.items()}
                for token, seen in found.items()
            }
            for side, found in self.truth.items()
        }


#: How runs end, as a count of them is told.
OUTCOMES = {
    "planned": "were dry",
    "conflicts": "left conflicts",
    "halted": "were halted",
    "incomplete": "were incomplete",
}
