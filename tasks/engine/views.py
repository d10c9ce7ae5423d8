"""Reading a side: its objects, as it gives them, to a snapshot for the merge."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tasks.engine.adapter import Adapter, text_id
from tasks.engine.calls import discard, exit_error
from tasks.errors import ItemError, PreconditionError, TaskDefinitionError
from tasks.merge import ID, End, Intent, Link, Policy, Record, Snapshot, in_question, left_sight
from tasks.sides import Side
from tasks.values.canonical import same
from tasks.values.plain import PLAIN

#: The types of most answers, which are neither awaited nor errors.
_THERE = PLAIN | {dict, datetime}

#: Objects that are converted in one go before the event loop has its turn again.
BATCH = 500


@dataclass(frozen=True, slots=True)
class SideView:
    """A side at one moment: the snapshot, and the side's own objects behind it."""

    adapter: Adapter
    snapshot: Snapshot
    #: The objects that were read; after a listing of changes, not all of the snapshot's.
    objects: dict[ID, Any]
    #: Where the changes start that this view may lack, by the side's own word.
    cursor: Any = None
    #: Whether everything was listed, not changes only.
    full: bool = True

    async def object(self, obj_id: ID, *, whole: bool = False) -> Any:
        """One object; if the listing of changes had not named it, made of what is known of it, or read now.

        Args:
            obj_id: its id.
            whole: whether more is asked of it than what is synced, so that it has to be read.

        Raises:
            PreconditionError: it is not as the snapshot says any more.
        """
        if obj_id in self.objects:
            return self.objects[obj_id]
        values = self.snapshot.records[obj_id].values
        known = NotImplemented if whole else await self.adapter.known(obj_id, values)
        if known is not NotImplemented:
            self.objects[obj_id] = known
            return known
        obj = await self.adapter.call(self.adapter.side.get, obj_id)
        where = self.adapter.label
        if obj is None:
            raise PreconditionError(f"{obj_id} is not in {where} any more; the next run takes it up")
        now, planned = await self.adapter.values(obj), values
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
        TaskDefinitionError: the mapping names an attribute that the objects do not have.
        SideError: the side cannot be read.
    """
    return await view_of(adapter, await adapter.call(adapter.side.list))


async def ask_for_missing(
    views: Mapping[End, SideView], links: Sequence[Link], policy: Policy, linked: int | None = None
) -> dict[End, SideView]:
    """The views with the word of each side on missing objects: those in whose place another one may be, and those
    that may only have left what the task takes.

    Args:
        views: both sides.
        links: the pairs of which an object may be missing.
        policy: what is synced.
        linked: how many pairs there are, where these are not all.

    Raises:
        SideError: a side cannot be asked.
    """
    elsewhere: dict[End, set[ID]] = {side: set() for side in views}
    moved: dict[End, set[ID]] = {side: set() for side in views}
    snapshots = {side: view.snapshot for side, view in views.items()}
    enough = max(policy.handful, policy.delete_share * (len(links) if linked is None else linked))
    wanted = dict.fromkeys(in_question(links, snapshots))
    may_have_moved = left_sight(links, snapshots, policy)
    gone_by_now = 0
    for side, missing_id in (*wanted, *(one for one in may_have_moved if one not in wanted)):
        if gone_by_now > enough and (side, missing_id) not in wanted:
            break  # a guard halts the run for so many deletions, and the services are spared
        try:
            adapter = views[side].adapter
            gone = await adapter.call(adapter.side.is_gone, missing_id)
        except ItemError:  # it does not say, and is asked again when its counterpart is to be deleted
            elsewhere[side].add(missing_id)
            continue
        if gone:
            gone_by_now += 1
        else:
            elsewhere[side].add(missing_id)
            moved[side].add(missing_id)
    keeps = {side for side in views if policy.leave_unlisted(side) == "keep"}
    return {
        side: replace(
            view,
            snapshot=replace(
                view.snapshot,
                elsewhere=frozenset(elsewhere[side]),
                moved=frozenset(() if side in keeps else moved[side]),
            ),
        )
        for side, view in views.items()
    }


async def ask_for_made(views: Mapping[End, SideView], intents: Sequence[Intent]) -> list[Intent]:
    """The intents with the word of each side on what a create made whose answer was lost.

    Raises:
        SideError: a side cannot be asked.
    """
    asked = []
    for intent in intents:
        made = None if intent.target_id else await _made_by(views[intent.side].adapter, intent.key)
        asked.append(intent if made is None else replace(intent, made_id=made))
    return asked


async def _made_by(adapter: Adapter, key: str) -> ID | None:
    try:
        made = await adapter.call(adapter.side.made, key)
    except ItemError:  # it does not say; what was made may still be known by its values
        return None
    return None if made is None or made is NotImplemented else text_id(made)


async def view_of(adapter: Adapter, listed: Sequence[Any]) -> SideView:
    """The view of a side that these objects give.

    Raises:
        TaskDefinitionError: they are not in a list.
    """
    if not isinstance(listed, Sequence) or isinstance(listed, str | bytes):
        raise TaskDefinitionError(
            f"task {adapter.task!r}: {adapter.side.spelled('list')} must return a list or a Listing, "
            f"not {type(listed).__name__}"
        )
    partial: str | None = getattr(listed, "partial", None)
    objects: dict[ID, Any] = {}
    records: dict[ID, Record] = {}
    outside: set[ID] = set()
    unreadable: dict[ID, str] = dict(getattr(listed, "unreadable", {}))
    hashes: dict[ID, set[str]] = {obj_id: set() for obj_id in unreadable}
    for start in range(0, len(listed), BATCH):
        batch = listed[start : start + BATCH]
        parts = await adapter.call(_ask_all, adapter.side, batch)
        try:
            for obj, part in zip(batch, parts, strict=True):
                try:
                    obj_id = text_id(await _answer(part["id"]))
                except ItemError as error:
                    partial = partial or f"an object has no id: {error}"
                    continue
                part["key"] = await _settled(part["key"])
                if obj_id in objects:  # which of the two is meant is not known; neither is touched
                    unreadable.setdefault(obj_id, f"two objects have the id {obj_id}")
                if obj_id in unreadable:
                    objects.setdefault(obj_id, obj)
                    known = hashes.setdefault(obj_id, set())
                    known |= {_known_hash(part), *_hash_of(records.pop(obj_id, None))}
                    continue
                objects[obj_id] = obj
                try:
                    part["values"] = await _answer(part["values"])
                    records[obj_id] = await _record(adapter, obj_id, part)
                    if not adapter.takes(part["values"]):
                        outside.add(obj_id)
                except ItemError as error:
                    unreadable[obj_id] = str(error)
                    hashes[obj_id] = {_known_hash(part)}
                else:
                    part.clear()  # all of it was awaited
        finally:
            discard(parts)  # after an error some are not awaited
    return SideView(
        adapter,
        Snapshot(
            adapter.end,
            records,
            partial,
            unreadable,
            {obj_id: frozenset(known - {""}) for obj_id, known in hashes.items()},
            outside=frozenset(outside),
        ),
        objects,
        getattr(listed, "cursor", None) if partial is None else None,
    )


def _ask_all(side: Side, objects: Sequence[Any]) -> list[dict[str, Any]]:
    """Call the four plain questions in the side's thread; coroutines come back as they are."""
    questions = (("id", side.id), ("key", side.key), ("edited", side.edited), ("values", side.values))
    return [_ask(questions, obj) for obj in objects]


def _ask(questions: Iterable[tuple[str, Callable[[Any], Any]]], obj: Any) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for name, ask in questions:
        try:
            answers[name] = ask(obj)
        except ItemError as error:
            answers[name] = error
    return answers


async def _answer(answer: Any) -> Any:
    if type(answer) in _THERE:
        return answer
    if isinstance(answer, ItemError):
        raise answer
    try:
        return await answer if inspect.isawaitable(answer) else answer
    except SystemExit as error:
        raise exit_error(error) from error


async def _record(adapter: Adapter, obj_id: ID, answers: Mapping[str, Any]) -> Record:
    values = adapter.common(answers["values"])
    edited: datetime | None = await _answer(answers["edited"])
    if edited is not None and edited.tzinfo is None:
        edited = edited.replace(tzinfo=UTC)
    key = await _answer(answers["key"]) if adapter.match is None else adapter.match.key(adapter.end, values)
    blank = adapter.mapping.blank(adapter.end, answers["values"], values)
    return Record(obj_id, values, _text_hash(key), edited, blank)


async def _settled(answer: Any) -> Any:
    """An answer that is there, or the error in its place."""
    try:
        return await _answer(answer)
    except ItemError as error:
        return error


def _known_hash(answers: Mapping[str, Any]) -> str:
    """The hash of an object that cannot be read otherwise; empty where that is not known either."""
    return "" if isinstance(answers["key"], ItemError) else _text_hash(answers["key"])


def _hash_of(record: Record | None) -> tuple[str, ...]:
    return () if record is None else (record.hash,)


def _text_hash(answer: Any) -> str:
    return "" if answer is None else str(answer)
