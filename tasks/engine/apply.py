"""Carrying out a plan, one write at a time, with the base advanced after each proof."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import singledispatchmethod

from tasks.engine.bases import Bases
from tasks.engine.groups import by_pair, independent, is_quiet
from tasks.engine.outcome import Outcome, describe
from tasks.engine.running import Running
from tasks.engine.sync import Progress, silent
from tasks.engine.views import SideView
from tasks.engine.writing import Writer
from tasks.errors import (
    LockLostError,
    PreconditionError,
    SideError,
    StateError,
    TaskDefinitionError,
    TaskError,
)
from tasks.journal.contract import Journal
from tasks.merge import (
    Action,
    Adopt,
    Agree,
    Change,
    Conflict,
    Create,
    Delete,
    Link,
    Park,
    Plan,
    Policy,
    Restore,
    Skip,
    Unlink,
    Update,
    Withdraw,
    pair_of,
)
from tasks.sides import End
from tasks.values.canonical import same

#: Groups of actions that only the journal is asked for go side by side in so great a number, and share its turns.
_QUIET_AT_ONCE = 200


class Applier:
    """Carries out one plan.

    The actions of one pair follow each other; pairs go side by side, as many as the sides allow. An error
    of one object ends its pair only; an error of a side, of the store or of the lock ends the run.
    """

    def __init__(
        self,
        running: Running,
        views: Mapping[End, SideView],
        policy: Policy,
        *,
        progress: Progress = silent,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.running = running
        self.views = views
        self.policy = policy
        self.progress = progress
        self.outcome = Outcome()
        self.bases = Bases(running.journal)
        self.writer = Writer(running, views, policy, self.bases, self.outcome, clock)
        self.at_once = 2 * max(1, *(side.concurrency for side in running.sync.sides.values()))

    def keep_in(self, journal: Journal) -> None:
        """Keep what follows in another journal."""
        self.bases.journal = journal

    async def run(self, plan: Plan, links: Iterable[Link]) -> Outcome:
        """Carry out the plan and say what came of it.

        Raises:
            SideError: a service cannot be reached any more.
            LockLostError: the node's lock is lost; nothing was written after that was known.
            StateError: the store cannot be written.
        """
        self.bases.know(links)
        if plan.void:
            await self.bases.journal.confirm(settle=plan.void)
        groups = by_pair(plan.actions)
        total, done = len(plan.actions), 0
        self.progress("apply", 0, total)

        async def work(groups: Iterator[list[Action]]) -> None:
            nonlocal done
            for group in groups:
                await self.carry_out(group)
                done += len(group)
                self.progress("apply", done, total)

        quiet = [group for group in groups if is_quiet(group)]
        rest = [group for group in groups if not is_quiet(group)]
        for some, at_once in ((quiet, _QUIET_AT_ONCE), (rest, self.at_once)):
            queue = iter(some)
            try:
                async with asyncio.TaskGroup() as workers:
                    for _ in range(min(at_once, len(some))):
                        workers.create_task(work(queue))
            except BaseExceptionGroup as errors:  # the first is what ended the run
                raise _first(errors) from None
        return self.outcome

    async def carry_out(self, group: list[Action]) -> None:
        """The actions of one pair. After one that fails, only what does not build on it."""
        await self.writer.begin_both(group)
        failed: Action | None = None
        for action in group:
            if failed is not None and not independent(failed, action):
                return
            try:
                await self.do(action)
            except (SideError, LockLostError, StateError, TaskDefinitionError):
                raise
            except PreconditionError as error:  # edited in the meantime: no fault of the object
                self.outcome.failures.append(f"{describe(action, self.policy.labels)}: {error}")
                self.outcome.left[pair_of(action)] = str(error)
                return
            except TaskError as error:
                self._fail(action, str(error))
                failed = action
            except Exception as error:  # a task's own code may raise anything; the other pairs go on
                self._fail(action, f"{type(error).__name__}: {error}")
                failed = action

    def _fail(self, action: Action, reason: str) -> None:
        self.outcome.failures.append(f"{describe(action, self.policy.labels)}: {reason}")
        self.outcome.failed[pair_of(action)] = reason

    @singledispatchmethod
    async def do(self, action: Action) -> None:
        """Carry out one action."""
        raise TypeError(f"no way to carry out {type(action).__name__}")

    @do.register
    async def _adopt(self, action: Adopt) -> None:
        link = Link(action.left_id, action.right_id, action.left, action.right)
        settle = (action.intent,) if action.intent else ()
        await self.bases.put(link, instead_of=action.instead_of, settle=settle)
        self.outcome.counts["linked"] += 1

    @do.register
    async def _agree(self, action: Agree) -> None:
        await self.bases.advance(pair_of(action), action.left, action.right, settle=action.intents)
        self.outcome.counts["agreed"] += 1

    @do.register
    async def _unlink(self, action: Unlink) -> None:
        for side, missing_id in ((End.LEFT, action.left_id), (End.RIGHT, action.right_id)):
            if not await self.writer.is_gone(side, missing_id, pair_of(action)):
                return  # without the link it would count as new when it comes back into sight
        await self.bases.drop((action.left_id, action.right_id))
        self.outcome.counts["unlinked"] += 1

    @do.register
    async def _park(self, action: Park) -> None:
        link = self.bases.links[action.left_id, action.right_id]
        await self.bases.put(replace(link, parked=action.sides))
        self.outcome.counts["parked" if action.sides else "taken_up_again"] += 1

    @do.register
    async def _skip(self, action: Skip) -> None:
        self.outcome.skipped.append(f"{self.policy.labels[action.side]} {action.id}: {action.reason}")
        self.outcome.left[pair_of(action)] = action.reason
        self.outcome.held += action.failing

    @do.register
    async def _conflict(self, action: Conflict) -> None:
        await self.bases.journal.keep_conflict(action)
        self.outcome.conflicts += 1
        if action.unresolved:
            self.outcome.unresolved += 1
            self.outcome.left[pair_of(action)] = action.reason
        elif action.rule == "method":
            await self._settle_by_method(action)

    async def _settle_by_method(self, conflict: Conflict) -> None:
        """Let the task itself decide, then see to it that both sides show what it says.

        It may have written one side or both by itself, or none.
        """
        name, own = conflict.attribute or "", self.running.sync.own
        if own is None:
            raise TypeError(f"task {self.running.sync.name!r} has no way to settle a conflict")
        ids = {End.LEFT: conflict.left_id, End.RIGHT: conflict.right_id}
        objs = {side: await self.views[side].object(ids[side]) for side in End}
        self.running.check_lock()
        kept = await self.running.caller.apart(own.resolve, objs[End.LEFT], objs[End.RIGHT], name)
        for side in End:
            shown = (await self.running.adapters[side].values(objs[side]))[name]
            update = Update(
                side=side,
                left_id=conflict.left_id,
                right_id=conflict.right_id,
                changes={name: Change(shown, kept)},
                source={name: kept},
                reason=conflict.reason,
                name=conflict.name,
            )
            if same(shown, kept):
                await self.writer.advance_by(update, {name: kept})
            else:
                await self.writer.update(update)

    @do.register
    async def _create(self, action: Create) -> None:
        await self.writer.create(action)

    @do.register
    async def _update(self, action: Update) -> None:
        await self.writer.update(action)

    @do.register
    async def _delete(self, action: Delete) -> None:
        await self.writer.delete(action)

    @do.register
    async def _withdraw(self, action: Withdraw) -> None:
        await self.writer.withdraw(action)

    @do.register
    async def _restore(self, action: Restore) -> None:
        await self.writer.restore(action)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that ended the run."""
    found = errors.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
