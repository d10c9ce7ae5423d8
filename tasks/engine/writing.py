"""Writing to a side: the intent is kept before it is sent, and the base advanced by what is shown then."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from tasks.engine.adapter import Adapter
from tasks.engine.bases import Bases
from tasks.engine.carrying import carried
from tasks.engine.columns import Columns
from tasks.engine.outcome import Outcome, apart, kept_otherwise
from tasks.engine.referring import as_written, with_made
from tasks.engine.running import Running
from tasks.engine.views import SideView
from tasks.errors import ItemError, OutcomeUnknownError, UnfitError
from tasks.merge import (
    Action,
    Change,
    Create,
    Delete,
    Effect,
    Intent,
    Link,
    Mark,
    Policy,
    Update,
    Withdraw,
    pair_of,
)
from tasks.sides import ID, End
from tasks.values.canonical import same
from tasks.values.file import holds_files
from tasks.values.opaque import Opaque
from tasks.waits import Places

#: Namespace of the keys of intents.
WRITES = uuid.UUID("6f1d0c54-5b0e-4d9b-8a57-5e1f6a0b7c11")


class Writer:
    """The writes of one run."""

    def __init__(
        self,
        running: Running,
        views: Mapping[End, SideView],
        policy: Policy,
        bases: Bases,
        outcome: Outcome,
        clock: Callable[[], datetime],
    ) -> None:
        self.running = running
        self.task = running.sync.name
        self.adapters = running.adapters
        self.check_lock = running.check_lock
        self.views = views
        self.policy = policy
        self.bases = bases
        self.outcome = outcome
        self.clock = clock
        self.columns = Columns(running, views, bases, outcome, clock)
        #: The keys of creates that earlier runs began, by their side and source. A request may be on its way still.
        self.begun: dict[tuple[End, ID], str] = {}
        self.slots = {end: Places(max(1, side.concurrency)) for end, side in running.sync.sides.items()}

    async def create(self, action: Create) -> None:
        """Make a counterpart, or take the former one out of the trash."""
        if action.instead_of is not None:
            if not await self.is_gone(action.side, action.instead_of, pair_of(action)):
                return
            if await self._is_out_of_the_trash(action, action.instead_of):
                return
        action = with_made(action, self.running, self.bases, self.policy)
        if not any(map(holds_files, action.values.values())):
            await self._create(action, ())
            return
        adapter, across = self.adapters[action.side], self.adapters[action.side.opposite]
        try:
            async with carried(across, action.source_id, adapter, None, action.values) as files:
                await self._create(files.create(action), ())
        except UnfitError as error:  # files that cannot be carried keep nothing else back
            if not error.attributes or not all(holds_files(action.values.get(n)) for n in error.attributes):
                raise
            kept = {name: value for name, value in action.values.items() if name not in error.attributes}
            async with carried(across, action.source_id, adapter, None, kept) as files:
                await self._create(files.create(replace(action, values=kept)), error.attributes)
            raise

    async def _create(self, action: Create, without: Collection[str]) -> None:
        """Make a counterpart.

        Args:
            action: what is made.
            without: attributes that are left out, and written by a later run: both sides count as having agreed on
                what the new object shows of them.
        """
        name = f"{self.task}/{action.side}/{action.source_id}/{action.instead_of or ''}"
        key, made_id, shown = await self._make(action, name, self.begun.get((action.side, action.source_id)))
        if await self.bases.counterpart(action.side, made_id) not in (None, action.source_id):
            # An earlier create of this key made it, and it belongs to another object by now.
            await self.bases.journal.confirm(settle=(key,))
            key, made_id, shown = await self._make(action, f"{name}/besides {made_id}")
        label = self.adapters[action.side].label
        self.outcome.names[label, made_id] = action.name
        self.outcome.notes += self._kept_otherwise(action.side, made_id, action.values, shown)
        source = {**(action.source or action.values), **{name: shown[name] for name in without}}
        if action.side is End.LEFT:
            link = Link(made_id, action.source_id, shown, source)
        else:
            link = Link(action.source_id, made_id, source, shown)
        old = self.bases.links.get(pair_of(action)) if action.instead_of is not None else None
        await self.bases.put(link, instead_of=old, settle=(key,))
        self.outcome.counts[f"{action.side}_created"] += 1

    async def _is_out_of_the_trash(self, action: Create, former_id: ID) -> bool:
        """Take a deleted object out of the trash rather than make a new one; whether there was one to take.

        Its link goes on. What was edited across is written to it at once where it shows the base still; all else
        is for the next run, which sees both.
        """
        adapter, link = self.adapters[action.side], self.bases.links.get(pair_of(action))
        if link is None:
            return False
        async with self.slots[action.side]:
            self.check_lock()
            obj = await adapter.restore(former_id)
        if obj is None or obj is NotImplemented:
            return False
        effect = Effect("create", action.side, former_id, action.source_id, {}, action.values, action.name)
        await self.bases.journal.begin(None, effect)
        self.views[action.side].objects[former_id] = obj
        self.outcome.counts[f"{action.side}_restored"] += 1
        shown, base = await adapter.values(obj), link.base_on(action.side)
        across = link.base_on(action.side.opposite)
        edited = {
            name
            for name in action.values
            if not same(action.source[name], across.get(name)) and not same(shown[name], action.values[name])
        }
        changes = {
            name: Change(shown[name], action.values[name])
            for name in edited
            if name not in self.policy.lossy
            and not isinstance(action.source[name], Opaque)
            and name in base
            and same(shown[name], base[name])
        }
        if edited - changes.keys():  # the next changes will not tell of what was edited across
            self.outcome.left[pair_of(action)] = "it came out of the trash otherwise than both sides had it"
        if changes:
            await self.update(
                Update(
                    side=action.side,
                    left_id=link.left_id,
                    right_id=link.right_id,
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
            known_key or str(uuid.uuid5(WRITES, name)),
            action.side,
            action.source_id,
            action.values,
            begun_at=self.clock(),
            hash=source_record.hash,
        )
        effect = Effect("create", action.side, None, action.source_id, {}, action.values, action.name)
        async with self._intended(intent, effect):
            made = await self.columns.write(
                action.side,
                "",
                action.source_id,
                action.name,
                action.values,
                partial(adapter.create, intent.key, action.values, action.defaults),
            )
        made_id, shown = await adapter.made(made)
        self.views[action.side].objects[made_id] = made
        return intent.key, made_id, as_written(action.side, action.values, shown)

    async def update(self, action: Update) -> None:
        """Write the changed attributes, those that fit where some do not."""
        try:
            await self._write(action)
        except UnfitError as error:  # nothing was written: what fits is, and the rest is told
            rest = {name: change for name, change in action.changes.items() if name not in error.attributes}
            if rest and len(rest) < len(action.changes):
                await self._write(replace(action, changes=rest, intents=()))
            raise

    async def _write(self, action: Update) -> None:
        adapter, across = self.adapters[action.side], self.adapters[action.side.opposite]
        obj = await self.views[action.side].object(action.target_id)
        source_id = action.right_id if action.side is End.LEFT else action.left_id
        values = {name: change.new for name, change in action.changes.items()}
        async with carried(across, source_id, adapter, obj, values) as files:
            await self._write_to(obj, files.update(action))

    async def _write_to(self, obj: Any, action: Update) -> None:
        adapter = self.adapters[action.side]
        intent, effect = self._begun(action)
        wanted, key = {name: change.new for name, change in action.changes.items()}, intent.key
        async with self._intended(intent, effect):
            updated = await self.columns.write(
                action.side,
                action.target_id,
                intent.source_id,
                action.name,
                wanted,
                partial(adapter.update, obj, wanted),
            )
            if updated is NotImplemented:
                shown = {}
                for name, value in wanted.items():
                    self.check_lock()
                    try:
                        shown[name] = await self._update_one(adapter, obj, action, name)
                    except ItemError:  # the ones before were written, and those after it not even sent
                        await self.advance_by(action, shown)
                        await self.bases.journal.begin(replace(intent, values={name: value}), effect)
                        raise
            else:
                shown = await adapter.values(updated) if updated is not None else wanted
                if updated is not None:
                    self.views[action.side].objects[action.target_id] = updated
                self.outcome.notes += self._kept_otherwise(action.side, action.target_id, wanted, shown)
        settled = {key, *action.intents}
        # An object that was not changed in place shows the old values still, and proves nothing.
        unproved = {name: new for name, new in wanted.items() if not same(shown[name], new)}
        if updated is NotImplemented and unproved:
            await self.bases.journal.begin(replace(intent, values=unproved, answered=True))
            settled.discard(key)
        await self.advance_by(action, shown, settle=tuple(sorted(settled)))
        self.outcome.counts[f"{action.side}_updated"] += 1

    def _begun(self, action: Update) -> tuple[Intent, Effect]:
        """What is kept of an update before it is sent."""
        before = {name: change.old for name, change in action.changes.items()}
        after = {name: change.new for name, change in action.changes.items()}
        source_id = action.right_id if action.side is End.LEFT else action.left_id
        key = str(uuid.uuid5(WRITES, f"{self.task}/{action.side}/{action.left_id}/{action.right_id}"))
        effect = Effect("update", action.side, action.target_id, source_id, before, after, action.name)
        # Of files that both sides changed, what is shown after this write is not agreed on yet.
        agreed = {name: value for name, value in after.items() if name not in action.own}
        return Intent(key, action.side, source_id, agreed, action.target_id), effect

    async def begin_both(self, group: list[Action]) -> None:
        """Keep the intents of both sides first where a new value is written to both.

        Else a crash between the two would leave the second one looking like an edit against the first.
        """
        updates = [action for action in group if isinstance(action, Update)]
        if len(updates) > 1 and updates[0].changes.keys() & updates[1].changes.keys():
            for action in updates:
                self.check_lock()
                await self.bases.journal.begin(*self._begun(action))

    async def advance_by(
        self, action: Update, shown: Mapping[str, Any], settle: tuple[str, ...] = ()
    ) -> None:
        """Take into the base what an update wrote, as its side shows it now."""
        written = {name: shown[name] for name in action.changes if name in shown}
        written |= {name: own.base(written[name]) for name, own in action.own.items() if name in written}
        source = {name: action.source[name] for name in written if name in action.source}
        left, right = (written, source) if action.side is End.LEFT else (source, written)
        await self.bases.advance((action.left_id, action.right_id), left, right, settle=settle)

    async def _update_one(self, adapter: Adapter, obj: Any, action: Update, name: str) -> Any:
        """Write a single attribute, for a side that knows no other way, and say what is shown then.

        An object that was not changed in place still shows the old value. That is kept: the next run finds
        both sides equal. The new value for a base would make an edit of what the service refuses to show.
        """
        await adapter.update_one(obj, name, action.changes[name].new)
        return (await adapter.values(obj))[name]

    @asynccontextmanager
    async def _intended(self, intent: Intent, effect: Effect) -> AsyncIterator[None]:
        """A write whose intent is kept before it is sent, and dropped when the service surely refused it."""
        await self.bases.journal.begin(intent if intent.values else None, effect)
        async with self.slots[intent.side]:
            self.check_lock()
            try:
                yield
            except OutcomeUnknownError:
                if intent.begun_at is not None:  # it may have been sent long after it was begun
                    await self.bases.journal.begin(replace(intent, begun_at=self.clock()))
                raise
            except ItemError:
                await self.bases.journal.confirm(settle=(intent.key,))
                raise

    async def delete(self, action: Delete) -> None:
        """Delete what was deleted across, if that is so."""
        across = action.side.opposite
        if action.left_scope or await self.is_gone(across, action.missing_id, pair_of(action)):
            await self._erase(action)
            await self.bases.drop((action.left_id, action.right_id))
            self.outcome.counts[f"{action.side}_deleted"] += 1

    async def mark(self, action: Mark) -> None:
        """Mark what was deleted across, if that is so, and let the pair go apart."""
        across = action.side.opposite
        if not await self.is_gone(across, action.missing_id, pair_of(action)):
            return
        adapter, link = self.adapters[action.side], self.bases.links[pair_of(action)]
        obj = await self.views[action.side].object(action.target_id, whole=True)
        before = await adapter.values(obj)
        if not await adapter.has(obj, action.attribute, action.value):
            if action.synced_as is not None:
                name = action.synced_as
                after = {name: adapter.mapping.common_of(action.side, name, action.value)}
                old = {name: before[name]}
                effect = Effect("update", action.side, action.target_id, action.missing_id, old, after)
                await self.bases.journal.begin(None, replace(effect, name=action.name))
            async with self.slots[action.side]:
                self.check_lock()
                obj = await adapter.mark(obj, action.attribute, action.value)
        shown = await adapter.values(obj)
        base = dict(link.base_on(action.side))
        if action.synced_as is not None:  # when the other one is back, the mark is no edit of a person's
            base[action.synced_as] = shown[action.synced_as]
        bases = {action.side: base, across: link.base_on(across)}
        await self.bases.put(
            replace(
                link, left=bases[End.LEFT], right=bases[End.RIGHT], parked=frozenset({across}), apart=True
            )
        )
        self.outcome.notes += apart(action, self.policy.labels)
        self.outcome.counts[f"{action.side}_marked"] += 1

    async def withdraw(self, action: Withdraw) -> None:
        """Take back what an earlier run made."""
        # First: a link whose record is missing would delete the other one.
        await self.bases.drop((action.left_id, action.right_id))
        await self._erase(action)
        self.outcome.counts[f"{action.side}_deleted"] += 1

    async def _erase(self, action: Delete | Withdraw) -> None:
        obj = await self.views[action.side].object(action.target_id)
        source_id = action.right_id if action.side is End.LEFT else action.left_id
        effect = Effect("delete", action.side, action.target_id, source_id, action.values, {}, action.name)
        await self.bases.journal.begin(None, effect)
        adapter = self.adapters[action.side]
        async with self.slots[action.side]:
            self.check_lock()
            await adapter.delete(obj)

    async def is_gone(self, side: End, missing_id: ID, pair: tuple[ID, ID]) -> bool:
        """Ask a side whether an object was deleted; one that was only moved away is left as it is."""
        adapter = self.adapters[side]
        if await adapter.call(adapter.side.is_gone, missing_id):
            return True
        reason = (
            f"not listed any more, but {adapter.label} does not say that it was deleted (moved, archived, out of "
            "the filter, or no longer shared?); its counterpart stays"
        )
        self.outcome.skipped.append(f"{adapter.label} {missing_id}: {reason}")
        self.outcome.left[pair] = reason
        self.outcome.unclear.add(pair)
        return False

    def _kept_otherwise(
        self, end: End, obj_id: ID, written: Mapping[str, Any], shown: Mapping[str, Any]
    ) -> list[str]:
        labels = self.policy.labels
        return kept_otherwise(labels[end], labels[end.opposite], obj_id, written, shown)
