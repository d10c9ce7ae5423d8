"""Carrying out a plan, one write at a time, with the base advanced after each proof."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import singledispatchmethod
from typing import Any

from tasks.engine.groups import by_pair, independent, is_quiet
from tasks.engine.outcome import Outcome, describe, kept_otherwise
from tasks.engine.snapshots import Adapter, SideView
from tasks.errors import (
    ItemError,
    LockLostError,
    OutcomeUnknownError,
    PreconditionError,
    SideError,
    StateError,
    TaskDefinitionError,
    TaskError,
    UnfitError,
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
    Effect,
    Intent,
    Link,
    Park,
    Plan,
    Restore,
    Side,
    Skip,
    Unlink,
    Update,
    Withdraw,
    pair_of,
)
from tasks.sync_task.task import ID, Progress
from tasks.values.canonical import same
from tasks.values.opaque import Opaque

#: Namespace of the keys of intents.
_WRITES = uuid.UUID("6f1d0c54-5b0e-4d9b-8a57-5e1f6a0b7c11")

#: Groups of actions that only the journal is asked for go side by side in so great a number, and share its turns.
_QUIET_AT_ONCE = 200


class Applier:
    """Carries out one plan.

    The actions of one pair follow each other; pairs go side by side, as many as the task allows. An error
    of one object ends its pair only; an error of a side, of the store or of the lock ends the run.
    """

    def __init__(
        self,
        adapters: Mapping[Side, Adapter],
        views: Mapping[Side, SideView],
        journal: Journal,
        *,
        check_lock: Callable[[], None],
        progress: Progress,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.clock = clock
        self.adapters = adapters
        self.views = views
        self.journal = journal
        self.check_lock = check_lock
        self.progress = progress
        self.task = adapters[Side.NOTION].task
        self.outcome = Outcome()
        self.links: dict[tuple[ID, ID], Link] = {}
        #: With what an object is linked, by its side and id.
        self.counterparts: dict[tuple[Side, ID], ID] = {}
        #: The keys of creates that earlier runs began, by their side and source. A request may be on its way still.
        self.begun: dict[tuple[Side, ID], str] = {}
        self.slots = {side: asyncio.Semaphore(max(1, self.task.concurrency)) for side in Side}

    async def run(self, plan: Plan, links: Mapping[tuple[ID, ID], Link]) -> Outcome:
        """Carry out the plan and say what came of it.

        Raises:
            SideError: a service cannot be reached any more.
            LockLostError: the node's lock is lost; nothing was written after that was known.
            StateError: the store cannot be written.
        """
        self.links = dict(links)
        for pair in links:
            self._pair_off(*pair)
        if plan.void:
            await self.journal.confirm(settle=plan.void)
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
        for some, at_once in ((quiet, _QUIET_AT_ONCE), (rest, 2 * max(1, self.task.concurrency))):
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
        await self._begin_both(group)
        failed: Action | None = None
        for action in group:
            if failed is not None and not independent(failed, action):
                return
            try:
                await self.do(action)
            except (SideError, LockLostError, StateError, TaskDefinitionError):
                raise
            except PreconditionError as error:  # edited in the meantime: no fault of the object
                self.outcome.failures.append(f"{describe(action)}: {error}")
                self.outcome.left[pair_of(action)] = str(error)
                return
            except TaskError as error:
                self._fail(action, str(error))
                failed = action
            except Exception as error:  # a task's own code may raise anything; the other pairs go on
                self._fail(action, f"{type(error).__name__}: {error}")
                failed = action

    def _fail(self, action: Action, reason: str) -> None:
        self.outcome.failures.append(f"{describe(action)}: {reason}")
        self.outcome.failed[pair_of(action)] = reason

    @singledispatchmethod
    async def do(self, action: Action) -> None:
        """Carry out one action."""
        raise TypeError(f"no way to carry out {type(action).__name__}")

    @do.register
    async def _adopt(self, action: Adopt) -> None:
        link = Link(action.notion_id, action.other_id, action.notion, action.other)
        settle = (action.intent,) if action.intent else ()
        await self._put(link, instead_of=action.instead_of, settle=settle)
        self.outcome.counts["linked"] += 1

    @do.register
    async def _agree(self, action: Agree) -> None:
        await self._advance(
            action.notion_id, action.other_id, action.notion, action.other, settle=action.intents
        )
        self.outcome.counts["agreed"] += 1

    @do.register
    async def _unlink(self, action: Unlink) -> None:
        for side, missing_id in ((Side.NOTION, action.notion_id), (Side.OTHER, action.other_id)):
            if not await self._is_gone(side, missing_id, pair_of(action)):
                return  # without the link it would count as new when it comes back into sight
        await self._drop(action.notion_id, action.other_id)
        self.outcome.counts["unlinked"] += 1

    @do.register
    async def _park(self, action: Park) -> None:
        link = self.links[action.notion_id, action.other_id]
        await self._put(replace(link, parked=action.sides))
        self.outcome.counts["parked" if action.sides else "taken_up_again"] += 1

    @do.register
    async def _skip(self, action: Skip) -> None:
        self.outcome.skipped.append(f"{action.side.label} {action.id}: {action.reason}")
        self.outcome.left[pair_of(action)] = action.reason
        self.outcome.held += action.failing

    @do.register
    async def _conflict(self, action: Conflict) -> None:
        await self.journal.keep_conflict(action)
        self.outcome.conflicts += 1
        if action.unresolved:
            self.outcome.unresolved += 1
            self.outcome.left[pair_of(action)] = action.reason
        elif action.rule == "method":
            await self._settle_by_method(action)

    async def _settle_by_method(self, conflict: Conflict) -> None:
        """Let the task's `resolve_conflict` decide, then see to it that both sides show what it says.

        It may have written one side or both by itself, or none.
        """
        name = conflict.attribute or ""
        ids = {Side.NOTION: conflict.notion_id, Side.OTHER: conflict.other_id}
        objs = {side: await self.views[side].object(ids[side]) for side in Side}
        method, other_name = self.task.resolve_conflict, self.task.attr_map[name]
        self.check_lock()
        caller = self.adapters[Side.NOTION].calls
        kept = await caller.apart(method, objs[Side.NOTION], objs[Side.OTHER], name, other_name)
        for side in Side:
            shown = (await self.adapters[side].values(objs[side]))[name]
            update = Update(
                side=side,
                notion_id=conflict.notion_id,
                other_id=conflict.other_id,
                changes={name: Change(shown, kept)},
                source={name: kept},
                reason=conflict.reason,
                name=conflict.name,
            )
            if same(shown, kept):
                await self._advance_by(update, {name: kept})
            else:
                await self.do(update)

    @do.register
    async def _create(self, action: Create) -> None:
        if action.instead_of is not None:
            if not await self._is_gone(action.side, action.instead_of, pair_of(action)):
                return
            if await self._is_out_of_the_trash(action, action.instead_of):
                return
        name = f"{self.task.name}/{action.side}/{action.source_id}/{action.instead_of or ''}"
        key, made_id, shown = await self._make(action, name, self.begun.get((action.side, action.source_id)))
        if self.counterparts.get((action.side, made_id), action.source_id) != action.source_id:
            # An earlier create of this key made it, and it belongs to another object by now.
            await self.journal.confirm(settle=(key,))
            key, made_id, shown = await self._make(action, f"{name}/besides {made_id}")
        self.outcome.names[action.side, made_id] = action.name
        self.outcome.notes += kept_otherwise(action.side, made_id, action.values, shown)
        source = action.source or action.values
        if action.side is Side.NOTION:
            link = Link(made_id, action.source_id, shown, source)
        else:
            link = Link(action.source_id, made_id, source, shown)
        old = self.links.get(pair_of(action)) if action.instead_of is not None else None
        await self._put(link, instead_of=old, settle=(key,))
        self.outcome.counts[f"{action.side}_created"] += 1

    async def _is_out_of_the_trash(self, action: Create, former_id: ID) -> bool:
        """Take a deleted object out of the trash rather than make a new one; whether there was one to take.

        Its link goes on. What was edited across is written to it at once where it shows the base still; all else
        is for the next run, which sees both.
        """
        adapter, link = self.adapters[action.side], self.links.get(pair_of(action))
        if link is None:
            return False
        async with self.slots[action.side]:
            self.check_lock()
            obj = await adapter.call("restore_obj", former_id)
        if obj is None or obj is NotImplemented:
            return False
        effect = Effect("create", action.side, former_id, action.source_id, {}, action.values, action.name)
        await self.journal.begin(None, effect)
        self.views[action.side].objects[former_id] = obj
        self.outcome.counts[f"{action.side}_restored"] += 1
        shown, base = await adapter.values(obj), link.base_on(action.side)
        across = link.base_on(action.side.opposite)
        changes = {
            name: Change(shown[name], value)
            for name, value in action.values.items()
            if name not in self.task.lossy
            and not isinstance(action.source[name], Opaque)
            and name in base
            and same(shown[name], base[name])
            and not same(action.source[name], across.get(name))
            and not same(shown[name], value)
        }
        if changes:
            await self.do(
                Update(
                    side=action.side,
                    notion_id=link.notion_id,
                    other_id=link.other_id,
                    changes=changes,
                    source={name: action.source[name] for name in changes},
                    reason=action.reason,
                    name=action.name,
                )
            )
        return True

    async def _make(
        self, action: Create, name: str, known_key: str | None = None
    ) -> tuple[str, ID, dict[str, Any]]:
        """Create an object; gives the key of the intent, the object's id, and what it shows.

        The key is made of the name, unless an earlier run began the same create under another one.
        """
        adapter = self.adapters[action.side]
        source_record = self.views[action.side.opposite].snapshot.records[action.source_id]
        intent = Intent(
            known_key or str(uuid.uuid5(_WRITES, name)),
            action.side,
            action.source_id,
            action.values,
            begun_at=self.clock(),
            hash=source_record.hash,
        )
        effect = Effect("create", action.side, None, action.source_id, {}, action.values, action.name)
        async with self._intended(intent, effect):
            made = await adapter.call("create_keyed", intent.key, adapter.native(action.values))
        if made is None:
            raise TaskDefinitionError(
                f"task {self.task.name!r}: {action.side}_create_obj must return the object that it made"
            )
        return intent.key, await adapter.id(made), await adapter.values(made)

    @do.register
    async def _update(self, action: Update) -> None:
        try:
            await self._write(action)
        except UnfitError as error:  # nothing was written: what fits is, and the rest is told
            adapter = self.adapters[action.side]
            unfit = {
                name for name in action.changes if error.attributes & adapter.native({name: None}).keys()
            }
            rest = {name: change for name, change in action.changes.items() if name not in unfit}
            if unfit and rest:
                await self._write(replace(action, changes=rest, intents=()))
            raise

    async def _write(self, action: Update) -> None:
        adapter = self.adapters[action.side]
        obj = await self.views[action.side].object(action.target_id)
        intent, effect = self._begun(action)
        wanted, key = dict(intent.values), intent.key
        async with self._intended(intent, effect):
            updated = await adapter.call("update_attrs", obj, adapter.native(wanted))
            if updated is NotImplemented:
                shown = {}
                for name, value in wanted.items():
                    self.check_lock()
                    try:
                        shown[name] = await self._update_one(adapter, obj, action, name)
                    except ItemError:  # the ones before were written, and those after it not even sent
                        await self._advance_by(action, shown)
                        await self.journal.begin(replace(intent, values={name: value}), effect)
                        raise
            else:
                shown = await adapter.values(updated) if updated is not None else wanted
                self.outcome.notes += kept_otherwise(action.side, action.target_id, wanted, shown)
        settled = {key, *action.intents}
        # An object that was not changed in place shows the old values still, and proves nothing.
        unproved = {name: new for name, new in wanted.items() if not same(shown[name], new)}
        if updated is NotImplemented and unproved:
            await self.journal.begin(replace(intent, values=unproved, answered=True))
            settled.discard(key)
        await self._advance_by(action, shown, settle=tuple(sorted(settled)))
        self.outcome.counts[f"{action.side}_updated"] += 1

    def _begun(self, action: Update) -> tuple[Intent, Effect]:
        """What is kept of an update before it is sent."""
        before = {name: change.old for name, change in action.changes.items()}
        after = {name: change.new for name, change in action.changes.items()}
        source_id = action.other_id if action.side is Side.NOTION else action.notion_id
        key = str(uuid.uuid5(_WRITES, f"{self.task.name}/{action.side}/{action.notion_id}/{action.other_id}"))
        effect = Effect("update", action.side, action.target_id, source_id, before, after, action.name)
        return Intent(key, action.side, source_id, after, action.target_id), effect

    async def _begin_both(self, group: list[Action]) -> None:
        """Keep the intents of both sides first where a new value is written to both.

        Else a crash between the two would leave the second one looking like an edit against the first.
        """
        updates = [action for action in group if isinstance(action, Update)]
        if len(updates) > 1 and updates[0].changes.keys() & updates[1].changes.keys():
            for action in updates:
                self.check_lock()
                await self.journal.begin(*self._begun(action))

    async def _advance_by(
        self, action: Update, shown: Mapping[str, Any], settle: tuple[str, ...] = ()
    ) -> None:
        """Take into the base what an update wrote, as its side shows it now."""
        written = {name: shown[name] for name in action.changes if name in shown}
        source = {name: action.source[name] for name in written if name in action.source}
        notion, other = (written, source) if action.side is Side.NOTION else (source, written)
        await self._advance(action.notion_id, action.other_id, notion, other, settle=settle)

    async def _update_one(self, adapter: Adapter, obj: Any, action: Update, name: str) -> Any:
        """Write a single attribute, for a task that knows no other way, and say what is shown then.

        An object that was not changed in place still shows the old value. That is kept: the next run finds
        both sides equal. The new value for a base would make an edit of what the service refuses to show.
        """
        ((native, value),) = adapter.native({name: action.changes[name].new}).items()
        await adapter.call("update_obj", obj, native, value)
        return (await adapter.values(obj))[name]

    @asynccontextmanager
    async def _intended(self, intent: Intent, effect: Effect) -> AsyncIterator[None]:
        """A write whose intent is kept before it is sent, and dropped when the service surely refused it."""
        await self.journal.begin(intent, effect)
        async with self.slots[intent.side]:
            self.check_lock()
            try:
                yield
            except OutcomeUnknownError:
                if intent.begun_at is not None:  # it may have been sent long after it was begun
                    await self.journal.begin(replace(intent, begun_at=self.clock()))
                raise
            except ItemError:
                await self.journal.confirm(settle=(intent.key,))
                raise

    @do.register
    async def _delete(self, action: Delete) -> None:
        if await self._is_gone(action.side.opposite, action.missing_id, pair_of(action)):
            await self._erase(action)
            await self._drop(action.notion_id, action.other_id)
            self.outcome.counts[f"{action.side}_deleted"] += 1

    @do.register
    async def _withdraw(self, action: Withdraw) -> None:
        # First: a link whose record is missing would delete the other one.
        await self._drop(action.notion_id, action.other_id)
        await self._erase(action)
        self.outcome.counts[f"{action.side}_deleted"] += 1

    @do.register
    async def _restore(self, action: Restore) -> None:
        adapter = self.adapters[action.side]
        effect = Effect("create", action.side, action.former_id or None, None, {}, action.values, action.name)
        await self.journal.begin(None, effect)
        async with self.slots[action.side]:
            self.check_lock()
            obj = await adapter.call("restore_obj", action.former_id) if action.former_id else None
            kind = "restored"
            if obj is None or obj is NotImplemented:
                self.check_lock()
                key = str(uuid.uuid5(_WRITES, f"{self.task.name}/{action.side}/again/{action.former_id}"))
                obj, kind = await adapter.call("create_keyed", key, adapter.native(action.values)), "created"
        if action.counterpart is not None:
            await self._link_again(action, action.counterpart, obj)
        self.outcome.counts[f"{action.side}_{kind}"] += 1

    async def _link_again(self, action: Restore, counterpart: ID, obj: Any) -> None:
        """Link an object that was brought back with what it was linked with; base is what both show."""
        adapter = self.adapters[action.side]
        ids = {action.side: await adapter.id(obj), action.side.opposite: counterpart}
        values = {
            action.side: await adapter.values(obj),
            action.side.opposite: self.views[action.side.opposite].snapshot.records[counterpart].values,
        }
        agreed = [
            name for name in self.task.attr_map if same(values[Side.NOTION][name], values[Side.OTHER][name])
        ]
        bases = {side: {name: values[side][name] for name in agreed} for side in Side}
        await self._put(Link(ids[Side.NOTION], ids[Side.OTHER], bases[Side.NOTION], bases[Side.OTHER]))

    async def _erase(self, action: Delete | Withdraw) -> None:
        obj = await self.views[action.side].object(action.target_id)
        source_id = action.other_id if action.side is Side.NOTION else action.notion_id
        effect = Effect("delete", action.side, action.target_id, source_id, action.values, {}, action.name)
        await self.journal.begin(None, effect)
        async with self.slots[action.side]:
            self.check_lock()
            await self.adapters[action.side].call("delete_obj", obj)

    async def _is_gone(self, side: Side, missing_id: ID, pair: tuple[ID, ID]) -> bool:
        """Ask a side whether an object was deleted; one that was only moved away is left as it is."""
        if await self.adapters[side].call("is_gone", missing_id):
            return True
        reason = (
            f"not listed any more, but {side.label} does not say that it was deleted (moved, archived, out of "
            "the filter, or no longer shared?); its counterpart stays"
        )
        self.outcome.skipped.append(f"{side.label} {missing_id}: {reason}")
        self.outcome.left[pair] = reason
        self.outcome.unclear.add(pair)
        return False

    # -- the base -----------------------------------------------------------------------------------------

    async def _advance(
        self,
        notion_id: ID,
        other_id: ID,
        notion: Mapping[str, Any],
        other: Mapping[str, Any],
        settle: tuple[str, ...] = (),
    ) -> None:
        link = self.links[notion_id, other_id]
        fresh = replace(link, notion={**link.notion, **notion}, other={**link.other, **other})
        await self._put(fresh, settle=settle)

    async def _put(self, link: Link, *, instead_of: Link | None = None, settle: tuple[str, ...] = ()) -> None:
        await self.journal.confirm(put=link, drop=instead_of, settle=settle)
        self.links[link.notion_id, link.other_id] = link
        self._pair_off(link.notion_id, link.other_id)

    def _pair_off(self, notion_id: ID, other_id: ID) -> None:
        self.counterparts[Side.NOTION, notion_id] = other_id
        self.counterparts[Side.OTHER, other_id] = notion_id

    async def _drop(self, notion_id: ID, other_id: ID) -> None:
        link = self.links.get((notion_id, other_id))
        if link is not None:
            await self.journal.confirm(drop=link)
            del self.links[notion_id, other_id]
            self.counterparts.pop((Side.NOTION, notion_id), None)
            self.counterparts.pop((Side.OTHER, other_id), None)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that ended the run."""
    found = errors.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
