"""Checks a task against its own two sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from random import Random
from typing import Any

from tasks.conflict_modes import ConflictMode
from tasks.errors import TaskDefinitionError
from tasks.object_task import ObjectTask
from tasks.testing.calling import blocking
from tasks.testing.equality import SIDES
from tasks.testing.histories.ending import play
from tasks.testing.histories.history import Alphabet, History, Run, generate, generate_calm
from tasks.testing.histories.instrument import CRASHES, Fault, FaultKind
from tasks.testing.histories.people import PersonFor
from tasks.testing.histories.player import Player, Setup, Told
from tasks.testing.histories.reading import Reader
from tasks.testing.histories.shrink import shrink
from tasks.testing.invariants import BrokenError, Invariant
from tasks.testing.sides import changing, deleting, reading, writing
from tasks.testing.sides.check import Check
from tasks.testing.sides.rules import Rule
from tasks.testing.task import pairs
from tasks.testing.task.coverage import counting, uncalled, untried
from tasks.testing.task.report import Finding, Report
from tasks.testing.task.samples import infer
from tasks.testing.task.trials import TaskTrial

#: One crash sweep for so many histories.
SWEEP_EVERY = 50

#: Checks of one side, made of both.
OF_SIDES = (
    reading.ids,
    reading.keys,
    reading.listings,
    writing.updates,
    *deleting.CHECKS,
    reading.times,
    reading.for_people,
    *changing.CHECKS[:1],
    reading.alone,
)


def _of_side(check: Check, word: str) -> Callable[[TaskTrial], Awaitable[None]]:
    async def one(trial: TaskTrial) -> None:
        side = trial.sides[word]
        try:
            await check(side)
        finally:
            trial.told = side.told

    return one


#: All checks of single methods, in the order in which they are made.
CHECKS: tuple[Callable[[TaskTrial], Awaitable[None]], ...] = (
    pairs.creates,
    *(_of_side(check, word) for check in OF_SIDES[:1] for word in SIDES),
    pairs.keys,
    *(_of_side(check, word) for check in OF_SIDES[1:4] for word in SIDES),
    pairs.fixpoints,
    *(_of_side(check, word) for check in OF_SIDES[4:] for word in SIDES),
    pairs.clocks,
)

#: Told after each history: how many are done, of how many.
Watcher = Callable[[int, int], None]


def check_task(
    make_task: Callable[[], ObjectTask],
    *,
    histories: int = 200,
    seed: int = 0,
    values: Mapping[str, Sequence[Any]] | None = None,
    key: str | None = None,
    people: Mapping[str, PersonFor] | None = None,
    advance: Callable[[Any, timedelta], None] | None = None,
    only: int | None = None,
    watch: Watcher = lambda done, total: None,
) -> Report:
    """Run a task against its own two sides, with edits, faults and crashes, and judge what comes of it.

    First every method is tried by itself; then random histories are played, each on a fresh task. The same
    seed gives the same histories.

    Args:
        make_task: Makes a task whose two sides are fresh, and empty or nearly so. It is called for each
            history.
        histories: How many histories are played.
        seed: Where the random numbers start.
        values: The values to try, by Notion attribute; by default such as the attribute's objects show or take.
        key: The Notion attribute that tells objects apart; by default one on which the hash depends.
        people: Who edits a side (`notion`, `other`); by default the task's own methods do.
        advance: Lets time pass for a task whose sides have clocks of their own.
        only: Play the history of this number alone, as a finding names it.
        watch: Told how far it is.

    Raises:
        TaskDefinitionError: values or key do not fit the task.
    """
    checker = _Checker(make_task, dict(values or {}), key, dict(people or {}), advance, seed, watch)
    return blocking(lambda: checker.check(histories, only))


class _Checker:
    """One check of one task."""

    def __init__(
        self,
        make_task: Callable[[], ObjectTask],
        values: Mapping[str, Sequence[Any]],
        key: str | None,
        people: Mapping[str, PersonFor],
        advance: Callable[[Any, timedelta], None] | None,
        seed: int,
        watch: Watcher,
    ) -> None:
        #: How often each method that the task wrote itself was called.
        self.calls: Counter[str] = Counter()
        #: Methods that a check left out, and why.
        self.skipped: dict[str, str] = {}
        self.make_task = counting(make_task, self.calls)
        self.values, self.key, self.people, self.advance = values, key, people, advance
        self.seed = seed
        self.watch = watch
        self.counts: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    async def check(self, histories: int, only: int | None) -> Report:
        """The report."""
        sample = self.make_task()
        finding: Finding | None = None
        notes: tuple[str, ...] = ()
        try:
            before = await self._at_first()
            alphabet = await infer(sample, self.values, self.key, self.people)
            if await self._at_first() != before:
                raise TaskDefinitionError(
                    f"task {sample.name!r}: make_task gives sides on which an earlier task's objects still are; "
                    "it must make fresh ones each time"
                )
        except BrokenError as broken:
            finding = Finding(broken.invariant, broken.message, ("both sides were listed",))
        else:
            setup = Setup(self.make_task, alphabet, self.people, self.advance)
            notes = _notes(sample, alphabet, self.advance is not None)
            if only is None:
                finding = await self._contract(setup)
            if finding is None:
                finding = await self._histories(setup, range(histories) if only is None else [only])
        return self._report(sample, finding, notes, contract=only is None)

    def _report(
        self, sample: ObjectTask, finding: Finding | None, notes: Sequence[str], *, contract: bool
    ) -> Report:
        ended = finding is not None
        left_out = uncalled(sample, self.calls, self.skipped, ended=ended)
        why_not = untried(
            self.calls,
            self.faults + self.counts,
            left_out,
            histories=self.counts["histories"],
            contract=contract,
            ended=ended,
        )
        if finding is not None:
            why_not.pop(finding.invariant, None)
        return Report(
            sample.name,
            self.seed,
            (finding,) if finding is not None else (),
            self._counts(),
            tuple(one for one in Invariant if one not in why_not),
            notes,
            dict(self.faults),
            why_not,
            dict(self.calls),
            left_out,
        )

    async def _at_first(self) -> int:
        """How many objects the sides of a fresh task hold."""
        reader = Reader(self.make_task())
        async with reader.opened():
            return sum(len(seen) for seen in (await reader.both()).values())

    def _counts(self) -> dict[str, int]:
        crashes = sum(self.faults[kind.value] for kind in CRASHES)
        return {
            "histories": self.counts["histories"],
            "edits": self.counts["edits"],
            "runs": self.counts["runs"],
            "writes": self.counts["writes"],
            "faults": sum(self.faults.values()) - crashes - self.faults["changes read"],
            "crashes": crashes,
            "checks of single methods": self.counts["checks"],
            "histories that a guard halted": self.counts["histories that a guard halted"],
        }

    async def _contract(self, setup: Setup) -> Finding | None:
        """The first promise of single methods that is broken: the others may only follow from it."""
        for check in CHECKS:
            trial = TaskTrial(setup)
            broken = await trial.run(check)
            self.counts["checks"] += 1
            self.skipped |= _skipped(trial)
            self.faults["changes read"] += sum(
                side.reached[Rule.CHANGES_ALL] for side in trial.sides.values()
            )
            if broken is not None:
                return Finding(broken.invariant, broken.message, tuple(trial.told[-6:]))
        return None

    async def _histories(self, setup: Setup, numbers: Sequence[int]) -> Finding | None:
        for done, number in enumerate(numbers):
            history = generate(setup.alphabet, Random(f"{self.seed}/{number}"))  # noqa: S311
            broken, _ = await self._play(setup, history)
            if broken is not None:
                return await self._finding(setup, history, broken, number)
            if number % SWEEP_EVERY == 0:
                calm = generate_calm(setup.alphabet, Random(f"{self.seed}/{number}/calm"))  # noqa: S311
                finding = await self._sweep(setup, calm, number)
                if finding is not None:
                    return finding
            self.watch(done + 1, len(numbers))
        return None

    async def _play(self, setup: Setup, history: History) -> tuple[BrokenError | None, Player]:
        player = Player(setup)
        broken = await play(player, history)
        self.counts["histories"] += 1
        self.counts.update(player.counts)
        self.faults.update(player.instrument.fired)
        return broken, player

    async def _finding(self, setup: Setup, history: History, broken: BrokenError, number: int) -> Finding:
        counts, faults = self.counts.copy(), self.faults.copy()

        async def breaks(shorter: History) -> bool:
            again, _ = await self._play(setup, shorter)
            return again is not None and again.invariant is broken.invariant

        shortest = await shrink(history, breaks)
        last, player = await self._play(setup, shortest)
        self.counts, self.faults = counts, faults  # the search is no part of the figures
        last = last or broken
        return Finding(_needed(last, shortest), last.message, tuple(_lines(player.told)), number)

    async def _sweep(self, setup: Setup, history: History, number: int) -> Finding | None:
        """Crash before and after every effect of the last run; the end must be that of no crash."""
        broken, player = await self._play(setup, history)
        if broken is not None:
            return await self._finding(setup, history, broken, number)
        wanted = player.shown()
        steps = history.steps[:-1]
        for at in range(1, player.effects_of_last_run + 1):
            for kind in CRASHES:
                crashed = History((*steps, Run((Fault(at, kind),))))
                broken, after = await self._play(setup, crashed)
                if broken is None and after.shown() != wanted:
                    broken = BrokenError(
                        Invariant.CRASH,
                        f"with the crash the sides end as {after.shown()}, without it as {wanted}",
                    )
                    return Finding(broken.invariant, broken.message, tuple(_lines(after.told)), number)
                if broken is not None:
                    return await self._finding(setup, crashed, broken, number)
        return None


def _skipped(trial: TaskTrial) -> dict[str, str]:
    """The methods about changes that a check left out, and why."""
    return {
        side.side.spelled(method): why
        for side in trial.sides.values()
        if (why := side.skipped.get(Rule.CHANGES)) is not None
        for method in ("changes", "get")
    }


def _needed(broken: BrokenError, shortest: History) -> Invariant:
    """What is broken, seen from what the shortest history cannot do without."""
    if broken.invariant is not Invariant.CONVERGENCE:
        return broken.invariant
    kinds = {fault.kind for step in shortest.steps if isinstance(step, Run) for fault in step.faults}
    if kinds & set(CRASHES):
        return Invariant.CRASH
    return Invariant.PROOF_FIRST if kinds & set(FaultKind) else broken.invariant


def _lines(told: Sequence[Told]) -> list[str]:
    """What was played; what was the same several times in a row is told once."""
    lines: list[str] = []
    for (line, trace), same in groupby(told, key=lambda one: (one.line, tuple(one.trace))):
        times = len(list(same))
        lines.append(line + (f" ({times} times)" if times > 1 else ""))
        lines += [f"  {done}" for done in trace]
    return lines


def _notes(task: ObjectTask, alphabet: Alphabet, has_clock: bool) -> tuple[str, ...]:
    notes = []
    if not has_clock and task.conflict_mode is ConflictMode.NEWER:
        notes.append(
            "give advance= where the sides' clocks can be set, to see that the newer of two edits wins"
        )
    if not alphabet.values:
        notes.append(f"{alphabet.key!r} is the only attribute, so no two attributes were edited side by side")
    return tuple(notes)
