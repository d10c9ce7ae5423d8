"""A task without a state whose objects are linked under a name that no task has any more: it was renamed."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence

from tasks.engine.report import RunReport
from tasks.journal.contract import Journal
from tasks.merge import Adopt, Create, End, Plan, Skip, Spare
from tasks.scheduled import Scheduled, all_tasks
from worker.store import Store
from worker.telling.numbers import some


def former_names(task: Scheduled, store: Store) -> list[str]:
    """Names that have links but no task any more, before the first run of a task; most often none."""
    if not store.is_blank(task.name):
        return []
    return sorted(store.links.tasks() - {each.name for each in all_tasks} - {task.name})


async def first_run(
    task: Scheduled, store: Store, journal: Journal, names: Sequence[str]
) -> RunReport | None:
    """The end of a first run of a task that seems to have had one of these names; `None` where it may go on.

    Both sides are listed, and nothing is written: a link is of the same sides when both of its ids are there.
    """
    report = await task.run(journal, dry_run=True)
    seen = _seen(report.plan)
    for name in names:
        base = await asyncio.to_thread(store.links.load, name)
        common = sum(
            link.left_id in seen[End.LEFT] and link.right_id in seen[End.RIGHT] for link in base.links
        )
        begun = sum(intent.source_id in seen[intent.side.opposite] for intent in base.intents)
        if common or begun:
            return RunReport("halted", _told(name, task.name, common, begun), report.plan)
    return None


def _told(old: str, new: str, common: int, begun: int) -> str:
    found = (
        f"has {some(common, 'link')} of the same objects"
        if common
        else f"has begun {some(begun, 'write')} for them"
    )
    return (
        f"this task has no links yet, but {old!r}, which is not defined any more, {found}; nothing was written. "
        f"If it is the same task under another name, this keeps its links: {command(old, new)}"
    )


def command(old: str, new: str) -> str:
    """The command that keeps a task's links, as a shell takes it."""
    return f"lockstep rename {shlex.quote(old)} {shlex.quote(new)}"


def _seen(plan: Plan) -> dict[End, set[str]]:
    """The ids on both sides that a first plan names: of what it would link, carry across or leave."""
    seen: dict[End, set[str]] = {side: set() for side in End}
    for action in plan.actions:
        match action:
            case Adopt():
                seen[End.LEFT].add(action.left_id)
                seen[End.RIGHT].add(action.right_id)
            case Create():
                seen[action.side.opposite].add(action.source_id)
            case Spare():
                seen[action.side].add(action.id)
            case Skip():
                seen[action.side].add(action.id)
                for side, known in zip(End, action.pair or (), strict=False):
                    seen[side].add(known)
    return seen
