"""What the engine is told of a task: two sides, what is kept in step, and by which rules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from tasks.journal.contract import Base
from tasks.mapping import Mapping as Attributes
from tasks.merge import Filter, Match, Plan, Policy
from tasks.policies import StatusColumns
from tasks.sides import Attribute, End, Labels, Side

#: Called as a run goes on: phase, how much is done, of how much.
Progress = Callable[[str, int, int], None]


def silent(phase: str, done: int, total: int) -> None:
    """A progress that nobody watches."""


class OwnSteps(Protocol):
    """Steps of a run that a task has written itself. A run is a `Running`, what carries out a plan an `Applier`."""

    @property
    def whole(self) -> bool:
        """Whether it does all of a run itself."""
        ...

    @property
    def steps(self) -> Collection[str]:
        """The steps in a run that it does itself."""
        ...

    def sync(self, running: Any, base: Base, policy: Policy, clock: Callable[[], datetime]) -> Awaitable[Any]:
        """Do all of a run; gives the `Outcome` and what is to be remembered. What was agreed on is in the journal."""
        ...

    def apply(
        self, applier: Any, plan: Plan, running: Any, base: Base, listed_at: datetime
    ) -> Awaitable[None]:
        """Carry out a plan part by part; its own parts are left to it."""
        ...

    def resolve(self, left: Any, right: Any, name: str) -> Any:
        """The value of an attribute that stays, by the task's own word; asked where the policy says so."""
        ...


class Sync(Protocol):
    """A task, as the engine sees it."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def sides(self) -> Mapping[End, Side]:
        """What is kept in step."""
        ...

    @property
    def labels(self) -> Labels:
        """What people call the sides."""
        ...

    @property
    def full_listing_every(self) -> timedelta:
        """How often a side that offers its changes is listed in full."""
        ...

    @property
    def own(self) -> OwnSteps | None:
        """What it does itself."""
        ...

    def names_at(self, end: End) -> Mapping[str, str]:
        """What an end calls the attributes of the merge, as far as that is known before the sides are described."""
        ...

    def mapped(self, described: Mapping[End, Mapping[str, Attribute]]) -> Attributes:
        """Which attribute goes to which, as both sides have described them."""
        ...

    def writes(self, end: End) -> bool:
        """Whether objects of an end may be written at all."""
        ...

    @property
    def match(self) -> Match | None:
        """By which values objects are paired that were never linked; `None`: by the keys of the sides."""
        ...

    def filters(self, end: End) -> tuple[Filter, ...]:
        """What is taken of an end."""
        ...

    def scope(self) -> str:
        """What the task itself takes of what the sides list, in any words."""
        ...

    def also_read(self, end: End) -> Collection[str]:
        """What is read at an end besides what is mapped, by the end's own names."""
        ...

    @property
    def columns(self) -> Mapping[End, StatusColumns]:
        """Where it tells people of the sync, once the sides are described."""
        ...

    def recall_columns(self, known: Mapping[End, Collection[str]]) -> None:
        """Take over which status columns fitted in earlier runs."""
        ...

    def policy(self, mapping: Attributes, *, scope_changed: bool = False) -> Policy:
        """By which rules its sides are brought together."""
        ...

    def turns(self, task: str) -> bool:
        """Whether the ends of a task by whose links references go across stand the other way round."""
        ...

    def title_of(self, mapping: Attributes) -> str:
        """The attribute by which people call an object, as the merge names it."""
        ...

    def recall_pairs(self, remembered: Any) -> None:
        """Take over what `remembered_pairs` gave in an earlier run; `None` before there was one."""
        ...

    def remembered_pairs(self) -> Any:
        """What a later run is to know of the choice of attributes, a JSON value."""
        ...
