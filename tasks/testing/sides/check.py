"""Holds a side to its contract, at a place that is made for it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, TypeAlias

from tasks.errors import TaskDefinitionError
from tasks.sides import Attribute, Side
from tasks.testing.calling import answer, blocking
from tasks.testing.sides import changing, deleting, filing, meanwhile, reading, running, writing
from tasks.testing.sides.playing import Game
from tasks.testing.sides.report import BrokenRule, SideReport
from tasks.testing.sides.rules import BrokenRuleError, Rule
from tasks.testing.sides.running import judge_description, opened
from tasks.testing.sides.trial import Trial, offers
from tasks.testing.sides.tried import Samples, samples_of

#: One check of a side.
Check: TypeAlias = Callable[[Trial], Awaitable[None]]

#: All checks, in the order in which they are made: what the later ones build on comes first.
CHECKS: tuple[Check, ...] = (
    *running.FIRST,
    reading.values,
    *writing.CREATES,
    *reading.CHECKS,
    *running.CHECKS,
    *writing.UPDATES,
    filing.files,
    *deleting.CHECKS,
    *meanwhile.CHECKS,
    *changing.CHECKS,
)

#: So many lines of what was done are told with a finding.
LINES = 6


def check_side(
    make_side: Callable[[], Side],
    *,
    only: Sequence[str] | None = None,
    values: Mapping[str, Sequence[Any]] | None = None,
    key: str | None = None,
    constants: Mapping[str, Any] | None = None,
    without: Mapping[str, str] | None = None,
    advance: Callable[[timedelta], None] | None = None,
    steps: int = 60,
    seed: int = 0,
) -> SideReport:
    """Hold a side to all that `tasks.sides.Side` says, and tell what it does not keep.

    Objects are made, edited and deleted at the place, first to try each method by itself, then at random by two
    people. What was there before is left alone.

    Args:
        make_side: Makes an instance of the side; each call another one, all at one place that is made for this,
            empty or nearly so.
        only: The attributes that are synced; by default all. Give those of which none depends on another one.
        values: The values to try, by attribute; by default such as the attribute's kind has, also nasty ones.
        key: The attribute that tells objects apart; by default the one that means `title`.
        constants: What new objects get besides.
        without: Rules that the service cannot keep, by name, and why; the report tells them.
        advance: Lets time pass at the service, where its clock can be set.
        steps: How many random edits are made.
        seed: Where the random numbers start.

    Raises:
        TaskDefinitionError: a name or the values do not fit what the side describes.
    """
    left_out = _rules(without or {})
    checker = _Checker(make_side, left_out, advance, seed)

    def samples(label: str, attributes: Mapping[str, Attribute]) -> Samples:
        return samples_of(label, attributes, only=only, values=values, key=key, constants=constants)

    return blocking(lambda: checker.check(samples, steps))


def _rules(without: Mapping[str, str]) -> dict[Rule, str]:
    by_title = {rule.title: rule for rule in Rule}
    unknown = sorted(without.keys() - by_title.keys())
    if unknown:
        raise TaskDefinitionError(f"no rule is called {unknown[0]!r}; rules are: {', '.join(by_title)}")
    return {by_title[title]: why for title, why in without.items()}


class _Checker:
    """One check of one side."""

    def __init__(
        self,
        make_side: Callable[[], Side],
        without: Mapping[Rule, str],
        advance: Callable[[timedelta], None] | None,
        seed: int,
    ) -> None:
        self.make_side = make_side
        self.without = without
        self.advance = advance
        self.seed = seed
        #: Keys of creates are of this check, as a place may be used again.
        self.run = uuid.uuid4()
        self.findings: dict[Rule, BrokenRule] = {}
        self.reached: Counter[Rule] = Counter()
        self.not_offered: dict[Rule, str] = {}
        self.skipped: dict[Rule, str] = {}
        self.notes: list[str] = []

    async def check(
        self, samples: Callable[[str, Mapping[str, Attribute]], Samples], steps: int
    ) -> SideReport:
        """The report."""
        side = self.make_side()
        described = await self._describe(side)
        if described is not None:
            await self._checks(samples(side.label, described), steps)
            if not self.findings:
                self._judge_reached(side)
        return SideReport(
            side.label,
            self.seed,
            tuple(self.findings.values()),
            dict(self.reached),
            {**self.not_offered, **self.without},
            tuple(dict.fromkeys(self.notes)),
        )

    async def _describe(self, side: Side) -> Mapping[str, Attribute] | None:
        """What the side says of its attributes; `None` where that is no description."""
        trial = Trial(side, Samples("", (), {}))
        described: Mapping[str, Attribute] | None = None

        async def description(trial: Trial) -> None:
            nonlocal described
            await trial.ask("open")
            await trial.ask("recall", None, {})
            judged = await trial.ask("describe")
            judge_description(trial, judged)
            described = judged

        await self._run(description, trial)
        self.reached += trial.reached
        await answer(side.close())
        return described

    async def _checks(self, samples: Samples, steps: int) -> None:
        for place, check in enumerate(CHECKS):
            await self._one(check, samples, f"check {place}")
        if not self.findings:

            async def game(trial: Trial) -> None:
                await Game(trial, Random(self.seed)).play(steps)  # noqa: S311

            await self._one(game, samples, "random edits")

    async def _one(self, check: Check, samples: Samples, name: str) -> None:
        trial = Trial(
            self.make_side(),
            samples,
            second=self.make_side(),
            make_side=self.make_side,
            advance=self.advance,
            seed=str(uuid.uuid5(self.run, name)),
            without=self.without,
        )

        async def whole(trial: Trial) -> None:
            sides = [opened(side, samples.synced) for side in (trial.side, trial.second) if side is not None]
            async with sides[0], sides[1]:
                await self._run(check, trial)
                await self._clean(trial)

        await self._run(whole, trial)
        self.reached += trial.reached
        self.not_offered |= trial.not_offered
        self.skipped |= trial.skipped
        self.notes += trial.notes

    async def _clean(self, trial: Trial) -> None:
        """Take away what a check made, as far as that goes: what keeps it from that is for the checks to tell."""
        try:
            await trial.clean()
        except Exception as error:
            self.notes.append(f"what was made is still there: {type(error).__name__}: {error}")

    async def _run(self, check: Check, trial: Trial) -> None:
        """Make a check and keep what it found."""
        try:
            await check(trial)
            trial.must(Rule.CALLS, True, "")
        except BrokenRuleError as broken:
            rule, message = broken.rule, broken.message
        except Exception as error:
            rule, message = Rule.CALLS, f"{trial.asked} raises {type(error).__name__}: {error}"
        else:
            return
        if rule not in self.without:
            self.findings.setdefault(rule, BrokenRule(rule, message, tuple(trial.told[-LINES:])))

    def _judge_reached(self, side: Side) -> None:
        """A rule that was never put to the test, though the side offers what it is about, is a finding."""
        for rule in Rule:
            if self.reached[rule] or rule in self.without or rule in self.not_offered:
                self.not_offered.pop(rule, None) if self.reached[rule] else None
                continue
            lacking = [method for method in rule.needs if not offers(side, method)]
            if lacking:
                self.not_offered[rule] = f"the side has no {' and no '.join(lacking)}"
                continue
            why = self.skipped.get(rule, "nothing that was done led to it")
            self.findings[rule] = BrokenRule(
                rule,
                f"never put to the test: {why}. Where the service cannot be brought to it, say so: "
                f"without={{{rule.title!r}: why}}",
            )
