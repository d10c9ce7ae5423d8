"""Reading a side: its objects, as the task gives them, to a snapshot for the merge."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tasks.engine.calls import Calls, discard, exit_error
from tasks.errors import ItemError, PreconditionError, TaskDefinitionError
from tasks.merge import Link, Record, Side, Snapshot, in_question
from tasks.sync_task.task import ID, SyncTask
from tasks.values.canonical import canonical, same

#: Objects that are converted in one go before the event loop has its turn again.
BATCH = 500


@dataclass(frozen=True, slots=True)
class Adapter:
    """One side of a task: the same methods under the same names for both."""

    task: SyncTask
    side: Side
    calls: Calls

    def method(self, name: str) -> Any:
        """The task's method of this side, as `id` for `notion_id` or `other_id`."""
        if name == "get_objects":
            return self.task.get_notion_objects if self.side is Side.NOTION else self.task.get_other_objects
        return getattr(self.task, f"{self.side.value}_{name}")

    async def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """What the method returns, awaited if need be."""
        return await self.calls.call(self.side, self.method(name), *args, **kwargs)

    def native(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by this side's own attribute names."""
        if self.side is Side.NOTION:
            return dict(values)
        return {self.task.attr_map[name]: value for name, value in values.items()}

    def common(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The synced values of this side by Notion attribute.

        Raises:
            TaskDefinitionError: the object has no such attribute.
            ItemError: a value is of a type that cannot be kept.
        """
        result = {}
        for notion_name, other_name in self.task.attr_map.items():
            name = notion_name if self.side is Side.NOTION else other_name
            if name not in values:
                raise TaskDefinitionError(
                    f"task {self.task.name!r}: attr_map names {name!r}, which {self.side.value}_to_dict does not "
                    f"give; it gives {', '.join(sorted(map(str, values))) or 'nothing'}"
                )
            try:
                canonical(values[name])
            except TypeError as error:
                raise ItemError(f"attribute {name!r}: {error}") from error
            result[notion_name] = values[name]
        return result

    async def id(self, obj: Any) -> ID:
        """The id of an object, as text."""
        return _text_id(await self.call("id", obj))

    async def values(self, obj: Any) -> dict[str, Any]:
        """The synced values of an object by Notion attribute."""
        return self.common(await self.call("to_dict", obj))


@dataclass(frozen=True, slots=True)
class SideView:
    """A side at one moment: the snapshot, and the task's own objects behind it."""

    adapter: Adapter
    snapshot: Snapshot
    #: The objects that were read; after a listing of changes, not all of the snapshot's.
    objects: dict[ID, Any]
    #: Where the changes start that this view may lack, by the side's own word.
    cursor: Any = None
    #: Whether everything was listed, not changes only.
    full: bool = True

    async def object(self, obj_id: ID) -> Any:
        """One object; if the listing of changes had not named it, made of what is known of it, or read now.

        Raises:
            PreconditionError: it is not as the snapshot says any more.
        """
        if obj_id in self.objects:
            return self.objects[obj_id]
        known = await self.adapter.call("known_obj", obj_id, self.snapshot.records[obj_id].values)
        if known is not NotImplemented:
            self.objects[obj_id] = known
            return known
        obj = await self.adapter.call("get_obj", obj_id)
        where = self.adapter.side.label
        if obj is None:
            raise PreconditionError(f"{obj_id} is not in {where} any more; the next run takes it up")
        now, planned = await self.adapter.values(obj), self.snapshot.records[obj_id].values
        changed = sorted(name for name in now if not same(now[name], planned[name]))
        if changed:
            raise PreconditionError(
                f"{obj_id} was edited in {where} meanwhile ({', '.join(changed)}); the next run takes it up"
            )
        self.objects[obj_id] = obj
        return obj


async def read_side(adapter: Adapter) -> SideView:
    """List a side and convert what it lists.

    Raises:
        TaskDefinitionError: `attr_map` names an attribute that the objects do not have.
        SideError: the side cannot be read.
    """
    return await view_of(adapter, await adapter.call("get_objects"))


async def ask_for_missing(views: Mapping[Side, SideView], links: Sequence[Link]) -> dict[Side, SideView]:
    """The views with the word of each side on missing objects in whose place another one may be.

    Raises:
        SideError: a side cannot be asked.
    """
    elsewhere: dict[Side, set[ID]] = {side: set() for side in views}
    for side, missing_id in in_question(links, {side: view.snapshot for side, view in views.items()}):
        try:
            gone = await views[side].adapter.call("is_gone", missing_id)
        except ItemError:  # it does not say, and is asked again when its counterpart is to be deleted
            gone = False
        if not gone:
            elsewhere[side].add(missing_id)
    return {
        side: replace(view, snapshot=replace(view.snapshot, elsewhere=frozenset(elsewhere[side])))
        for side, view in views.items()
    }


async def view_of(adapter: Adapter, listed: Sequence[Any]) -> SideView:
    """The view of a side that these objects give.

    Raises:
        TaskDefinitionError: they are not in a list.
    """
    if not isinstance(listed, Sequence) or isinstance(listed, str | bytes):
        raise TaskDefinitionError(
            f"task {adapter.task.name!r}: get_{adapter.side.value}_objects must return a list or a Listing, "
            f"not {type(listed).__name__}"
        )
    partial: str | None = getattr(listed, "partial", None)
    objects: dict[ID, Any] = {}
    records: dict[ID, Record] = {}
    unreadable: dict[ID, str] = dict(getattr(listed, "unreadable", {}))
    hashes: dict[ID, set[str]] = {obj_id: set() for obj_id in unreadable}
    for start in range(0, len(listed), BATCH):
        batch = listed[start : start + BATCH]
        parts = await adapter.calls.call(
            adapter.side, lambda batch=batch: [_ask(adapter, obj) for obj in batch]
        )
        try:
            for obj, part in zip(batch, parts, strict=True):
                try:
                    obj_id = _text_id(await _answer(part["id"]))
                except ItemError as error:
                    partial = partial or f"an object has no id: {error}"
                    continue
                part["hash"] = await _settled(part["hash"])
                if obj_id in objects:  # which of the two is meant is not known; neither is touched
                    unreadable.setdefault(obj_id, f"two objects have the id {obj_id}")
                if obj_id in unreadable:
                    objects.setdefault(obj_id, obj)
                    known = hashes.setdefault(obj_id, set())
                    known |= {_known_hash(part), *_hash_of(records.pop(obj_id, None))}
                    continue
                objects[obj_id] = obj
                try:
                    records[obj_id] = await _record(adapter, obj_id, part)
                except ItemError as error:
                    unreadable[obj_id] = str(error)
                    hashes[obj_id] = {_known_hash(part)}
        finally:
            discard(parts)  # after an error some are not awaited
    return SideView(
        adapter,
        Snapshot(
            adapter.side,
            records,
            partial,
            unreadable,
            {obj_id: frozenset(known - {""}) for obj_id, known in hashes.items()},
        ),
        objects,
        getattr(listed, "cursor", None) if partial is None else None,
    )


def _ask(adapter: Adapter, obj: Any) -> dict[str, Any]:
    """Call the four plain questions in the side's thread; coroutines come back as they are."""
    answers: dict[str, Any] = {}
    for name in ("id", "hash", "timestamp", "to_dict"):
        try:
            answers[name] = adapter.method(name)(obj)
        except ItemError as error:
            answers[name] = error
    return answers


async def _answer(answer: Any) -> Any:
    if isinstance(answer, ItemError):
        raise answer
    try:
        return await answer if inspect.isawaitable(answer) else answer
    except SystemExit as error:
        raise exit_error(error) from error


def _text_id(answer: Any) -> ID:
    """An id as it is kept: a UUID or a number would not be found again under what was read back."""
    if answer is None or answer == "":
        raise ItemError("its id is empty")
    return str(answer)


async def _record(adapter: Adapter, obj_id: ID, answers: Mapping[str, Any]) -> Record:
    values = adapter.common(await _answer(answers["to_dict"]))
    edited: datetime | None = await _answer(answers["timestamp"])
    if edited is not None and edited.tzinfo is None:
        edited = edited.replace(tzinfo=UTC)
    return Record(obj_id, values, _text_hash(await _answer(answers["hash"])), edited)


async def _settled(answer: Any) -> Any:
    """An answer that is there, or the error in its place."""
    try:
        return await _answer(answer)
    except ItemError as error:
        return error


def _known_hash(answers: Mapping[str, Any]) -> str:
    """The hash of an object that cannot be read otherwise; empty where that is not known either."""
    return "" if isinstance(answers["hash"], ItemError) else _text_hash(answers["hash"])


def _hash_of(record: Record | None) -> tuple[str, ...]:
    return () if record is None else (record.hash,)


def _text_hash(answer: Any) -> str:
    return "" if answer is None else str(answer)
