"""What the next run is to know, once this one has come to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from tasks.engine.outcome import Outcome
from tasks.engine.running import Running
from tasks.engine.views import SideView
from tasks.journal.contract import Base, Cursor, Memory
from tasks.merge import Held, Plan, asked_again, content_of, failed_again, left_again, pair_of
from tasks.sides import End


def memory_after(
    running: Running,
    base: Base,
    views: Mapping[End, SideView],
    plan: Plan,
    outcome: Outcome,
    now: datetime,
) -> Memory:
    """The memory that takes the place of the base's.

    Args:
        running: the run.
        base: what was remembered before it.
        views: both sides, as it read them.
        plan: what it did.
        outcome: what came of that.
        now: the time of failed objects.
    """
    cursors = {}
    for side, view in views.items():
        known = base.memory.cursors.get(side)
        if view.cursor is not None and (view.full or known is not None):
            listed_at = now if view.full or known is None else known.listed_at
            cursors[side] = Cursor(view.cursor, listed_at)
    complete = all(view.snapshot.partial is None for view in views.values())
    scope = running.scope() if complete or base.memory.scope is None else base.memory.scope
    held = _held_after(base, views, plan, outcome, now)
    return Memory(base.memory.forms, scope, cursors, held, running.remembered())


def _held_after(
    base: Base, views: Mapping[End, SideView], plan: Plan, outcome: Outcome, now: datetime
) -> tuple[Held, ...]:
    """What was left as it was, with when it is tried again."""
    snapshots = {side: view.snapshot for side, view in views.items()}
    before = {held.pair: held for held in base.memory.held}
    held: dict[tuple[str, str], Held] = {}
    for pair, reason in outcome.left.items():
        known = before.get(pair)
        content = content_of(pair, snapshots)
        waiting = known is not None and known.next_try > now and known.content == content
        again = asked_again if pair in outcome.unclear else left_again
        held[pair] = known if waiting and known else again(known, pair, reason, content, now)
    for pair, reason in outcome.failed.items():
        held[pair] = failed_again(before.get(pair), pair, reason, content_of(pair, snapshots), now)
    names = {pair_of(action): action.name for action in plan.actions if action.name}
    return tuple(replace(one, name=names.get(one.pair, one.name)) for one in held.values())
