"""What a run is asked for, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from tasks.engine.outcome import Outcome
from tasks.engine.views import SideView
from tasks.journal.contract import Base
from tasks.merge import Create, Plan, Policy, Skip, Snapshot
from tasks.sides import End


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended."""

    #: `succeeded`, `failed`, `conflicts`, `incomplete`, `halted`, `planned`, or `skipped` where nothing halts, but
    #: the plan that was to be carried out is not the one to make now. Incomplete is a run that did all it could,
    #: while a side did not list everything or named objects that cannot be read.
    status: str
    #: Why it did not succeed, or what it had to leave out; empty when there is nothing to say.
    reason: str
    #: Not in its repr, nor is what came of it: they are long, and hold what people wrote.
    plan: Plan = field(repr=False)
    outcome: Outcome = field(default_factory=Outcome, repr=False)
    #: When the logins of its sides expire, by what people call the side, as far as that is known.
    expires: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def foreseen(self) -> Mapping[str, int]:
        """How much a run that wrote nothing would do, by kind."""
        return self.outcome.counts or self.plan.counts()


class Planner(Protocol):
    """Makes the plan of a run that is no ordinary sync, from both sides listed in full."""

    def __call__(self, base: Base, views: Mapping[End, SideView], policy: Policy) -> Plan:
        """What is to be done."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is to do, and how far it may go."""

    #: Stop before anything is written.
    dry_run: bool = False
    #: Carry out this plan, by its digest, whatever a guard says of it, and no other one.
    plan_id: str | None = None
    #: Asked right before that: whether it may be let through still.
    approve: Callable[[], bool] = lambda: True
    #: Instead of the ordinary merge.
    planner: Planner | None = None
    #: Why a plan that writes is to be let through by a person first, whatever it is; empty: it need not be.
    careful: str = ""
    #: The time by which failed objects are tried again.
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def report_of(plan: Plan, outcome: Outcome) -> RunReport:
    """How a run ended whose plan was carried out."""
    if outcome.failures:
        return RunReport("failed", _first_of(outcome.failures), plan, outcome)
    if outcome.held:
        some = "1 object is" if outcome.held == 1 else f"{outcome.held} objects are"
        first = next((f": {skip.reason}" for skip in plan.of(Skip) if skip.failing), "")
        return RunReport("failed", f"{some} left out after failures{first}", plan, outcome)
    if outcome.unresolved:
        attributes = "1 attribute" if outcome.unresolved == 1 else f"{outcome.unresolved} attributes"
        return RunReport("conflicts", f"{attributes} edited on both sides and left as before", plan, outcome)
    if outcome.missed:
        return RunReport("incomplete", "; ".join(outcome.missed), plan, outcome)
    return RunReport("succeeded", _first_of(outcome.notes), plan, outcome)


def _first_of(lines: Sequence[str]) -> str:
    """The first of several lines, and how many more there are."""
    more = len(lines) - 1
    return "".join(lines[:1]) + (f" (and {more} more)" if more > 0 else "")


def odd_values(plan: Plan) -> list[str]:
    """A line on the objects of which a value cannot be read."""
    odd = [(skip.side, skip.id, skip.reason) for skip in plan.of(Skip) if skip.odd]
    odd += [(new.side.opposite, new.source_id, new.odd) for new in plan.of(Create) if new.odd]
    if not odd:
        return []
    some = "1 object has a value" if len(odd) == 1 else f"{len(odd)} objects have values"
    which = "" if len(odd) == 1 else "the first is "
    side, obj_id, reason = odd[0]
    return [f"{some} that cannot be read: {which}{plan.labels[side]} {obj_id}, {reason}"]


def missed_by(label: str, snapshot: Snapshot) -> Iterator[str]:
    """What a side did not show, in a line each."""
    unreadable = snapshot.unreadable
    if snapshot.partial:
        yield (
            f"the listing of {label} is partial ({snapshot.partial}), so nothing new was made there and no deletion "
            "there was carried across"
        )
    if unreadable:
        first = min(unreadable)
        one = len(unreadable) == 1
        some, them, which = (
            ("1 object", "it", "") if one else (f"{len(unreadable)} objects", "them", "the first is ")
        )
        yield f"{some} of {label} cannot be read, and nothing is done to {them}: {which}{first}, {unreadable[first]}"
