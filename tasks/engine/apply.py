"""Carrying out a plan, one write at a time, with the base advanced after each proof."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import singledispatchmethod

from tasks.engine.bases import Bases
from tasks.engine.groups import by_pair, independent, is_quiet, makes_only, writes_any, written_first
from tasks.engine.outcome import Outcome, apart, describe
from tasks.engine.parents_first import parents_first
from tasks.engine.proofs import batches, proof_of
from tasks.engine.referring import doubtful, what_follows
from tasks.engine.restoring import restore
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
from tasks.journal.ledger import LedgerEntry
from tasks.merge import (
    Action,
    Adopt,
    Agree,
    Change,
    Conflict,
    Create,
    Delete,
    Intent,
    Link,
    Mark,
    Park,
    Plan,
    Policy,
    Restore,
    Skip,
    Spare,
    Unlink,
    Update,
    Withdraw,
    check_guards,
    pair_of,
)
from tasks.sides import End
from tasks.values.canonical import same
from tasks.waits import Places, only_waiting

#: How many times as many creates are begun at once as other writes, where the journal is what they wait for.
AHEAD = 4


class Applier:
    """Carries out one plan.

    What only changes what is remembered comes first, many pairs in one transaction. Then both sides are written at
    once: the actions of one pair follow each other, and pairs go side by side, as many as each side allows. An error
    of one object ends its pair only; an error of a side, of the store or of the lock ends the run.
    """

    def __init__(
        self,
        running: Running,
        views: dict[End, SideView],
        policy: Policy,
        *,
        progress: Progress = silent,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.running = running
        self.views = views
        self.policy = policy
        self.progress = progress
        self.clock = clock
        self.outcome = Outcome()
        self.bases = Bases(running.journal)
        self.bases.doubtful = doubtful(running.mapping.by_links)
        self.writer = Writer(running, views, policy, self.bases, self.outcome, clock)

    def go_on_from(self, intents: Iterable[Intent]) -> None:
        """Let a create that an earlier run began have its key again."""
        self.writer.begun = {(one.side, one.source_id): one.key for one in intents if one.target_id is None}

    def keep_in(self, journal: Journal) -> None:
        """Keep what follows in another journal."""
        self.bases.journal = journal

    async def run(self, plan: Plan, links: Iterable[Link], *, follow: bool = True) -> Outcome:
        """Carry out the plan and say what came of it.

        Args:
            plan: what is to be done.
            links: all pairs with their bases.
            follow: whether what refers to objects that were made is written too, once these are linked.

        Raises:
            SideError: a service cannot be reached any more.
            LockLostError: the node's lock is lost; nothing was written after that was known.
            StateError: the store cannot be written.
        """
        self.bases.know(links)
        self.writer.columns.read(plan)
        if plan.void:
            await self.bases.journal.confirm(settle=plan.void)
        await self._carry_out_all(plan)
        after = follow and await what_follows(
            self.running,
            self.bases,
            {*self.outcome.failed, *self.outcome.left},
            self.views,
            self.policy,
        )
        if after and check_guards(after[0], self.bases.count, self.policy) is None:
            for end, view in after[1].items():
                self.views[end] = view
            await self._carry_out_all(after[0])
        return self.outcome

    async def _carry_out_all(self, plan: Plan) -> None:
        own = [name for name, one in self.running.mapping.by_links.items() if not one.task]
        groups = by_pair(plan.actions)
        total, done = len(plan.actions), 0
        self.progress("apply", 0, total)

        async def work(groups: Iterator[tuple[int, list[Action]]], places: Places) -> None:
            nonlocal done
            for number, group in groups:
                for other in waits[number]:
                    with only_waiting():
                        await ended[other].wait()
                try:
                    async with nullcontext() if makes_only(group) else places:
                        await self.carry_out(group)
                finally:
                    ended[number].set()
                done += len(group)
                self.progress("apply", done, total)

        quiet = [group for group in groups if is_quiet(group)]
        for batch in batches(quiet, self.bases.journal.batch):
            await self._keep(batch)
            done += sum(map(len, batch))
            self.progress("apply", done, total)
        # What an object refers to besides is written again with it, and must not be gone by then.
        others = [group for group in groups if not is_quiet(group)]
        first = [group for group in others if writes_any(group, own)]
        rest = [group for group in others if not writes_any(group, own)]
        for unordered in (first, rest):
            some, waits = parents_first(unordered, own)
            ended = [asyncio.Event() for _ in some]
            queues = {
                end: [(number, group) for number, group in enumerate(some) if written_first(group) is end]
                for end in End
            }
            try:
                async with asyncio.TaskGroup() as workers:
                    for end, numbered in queues.items():
                        queue, (few, many) = iter(numbered), self._at_once(end)
                        places = Places(few)
                        for _ in range(min(many, len(numbered))):
                            workers.create_task(work(queue, places))
            except BaseExceptionGroup as errors:  # the first is what ended the run
                raise _first(errors) from None

    def _at_once(self, end: End) -> tuple[int, int]:
        """Pairs that are under way at once, and how many with those that only make an object.

        While some are with the side, the journal keeps what the others need. What was read of an object must not be
        old when it is written. Nothing is read for a create, but where a listing may lack what was just made, it must
        not have been begun long before it is sent.
        """
        side = self.running.sync.sides[end]
        few = 2 * max(1, side.concurrency)
        return few, few if side.settling else AHEAD * few

    async def _keep(self, groups: Sequence[list[Action]]) -> None:
        """Groups that ask nothing of a service, in one transaction; each by itself where that is refused."""
        try:
            proofs = [proof_of(group, self.bases.links, self.bases.doubtful) for group in groups]
            await self.bases.keep([proof for proof in proofs if proof is not None])
        except (SideError, LockLostError, StateError, TaskDefinitionError):
            raise
        except Exception:  # then each is tried, and told where it fails
            for group in groups:
                await self.carry_out(group)
        else:
            for group in groups:
                for action in group:
                    self._kept(action)

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

    @do.register(Adopt | Agree | Park | Skip)
    async def _remember(self, action: Adopt | Agree | Park | Skip) -> None:
        proof = proof_of([action], self.bases.links, self.bases.doubtful)
        await self.bases.keep([proof] if proof else [])
        self._kept(action)

    @do.register
    async def _unlink(self, action: Unlink) -> None:
        for side, missing_id in zip(End, pair_of(action), strict=True):
            if side in action.missing and not await self.writer.is_gone(side, missing_id, pair_of(action)):
                return  # without the link it would count as new when it comes back into sight
        await self.bases.drop((action.left_id, action.right_id))
        self.outcome.counts["unlinked"] += 1

    def _kept(self, action: Action) -> None:
        """Count an action that asks nothing of a service, once it is kept."""
        match action:
            case Adopt():
                self.outcome.counts["linked"] += 1
            case Agree():
                self.outcome.counts["agreed"] += 1
            case Park(apart=True):
                self.outcome.notes += apart(action, self.policy.labels)
                self.outcome.counts["unlinked"] += 1
            case Park():
                self.outcome.counts["parked" if action.sides else "taken_up_again"] += 1
            case Skip():
                self.outcome.skipped.append(f"{self.policy.labels[action.side]} {action.id}: {action.reason}")
                self.outcome.left[pair_of(action)] = action.reason
                self.outcome.held += action.failing

    @do.register
    async def _spare(self, action: Spare) -> None:
        self.outcome.counts["spared"] += 1

    @do.register
    async def _conflict(self, action: Conflict) -> None:
        await self.bases.journal.keep_conflict(LedgerEntry.of(action, self.policy.labels))
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
    async def _mark(self, action: Mark) -> None:
        await self.writer.mark(action)

    @do.register
    async def _withdraw(self, action: Withdraw) -> None:
        await self.writer.withdraw(action)

    @do.register
    async def _restore(self, action: Restore) -> None:
        await restore(self.writer, action)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that ended the run."""
    found = errors.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
