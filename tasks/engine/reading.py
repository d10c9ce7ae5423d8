"""Reading a side: its objects, as it gives them, to a view of it.

A listing that comes in pages is compared page by page with what is remembered: of an object that shows what both
sides agreed on, no more is kept than its record, which shares its values with the link.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from tasks.engine.adapter import Adapter, text_id
from tasks.engine.calls import discard, exit_error
from tasks.engine.views import SideView
from tasks.errors import ItemError, TaskDefinitionError
from tasks.merge import ID, Record, Snapshot, Values, shows_base
from tasks.sides import Side
from tasks.values.canonical import same
from tasks.values.plain import PLAIN

#: The types of most answers, which are neither awaited nor errors.
_THERE = PLAIN | {dict, datetime}

#: Objects that are converted in one go before the event loop has its turn again.
BATCH = 500

#: Objects that are kept though nothing changed of them. With as many a place is small, and to have all of them at hand
#: is worth more than their memory: nothing has to be asked for again, and a plan can say where each is.
KEPT = 1_000

#: What an object showed when both sides agreed last; `None` where it is not linked.
BaseOf = Callable[[ID], Values | None]

#: What is asked of an object, in the order in which the answers are needed.
_QUESTIONS = "id", "key", "values", "edited"

_END = object()


async def read_side(adapter: Adapter, base_of: BaseOf | None = None) -> SideView:
    """List a side and convert what it lists.

    Args:
        adapter: the side.
        base_of: what is remembered of its objects; `None` where each is needed as the side gives it.

    Raises:
        TaskDefinitionError: the mapping names an attribute that the objects do not have.
        SideError: the side cannot be read.
    """
    side = adapter.side
    pages = await adapter.call(side.pages) if side.lists_in_pages else NotImplemented
    if pages is NotImplemented:
        return await view_of(adapter, await adapter.call(side.list))
    reading = _Reading(adapter, base_of if side.has_get else None)
    async with aclosing(_each(adapter, pages)) as each:
        async for page in each:
            await reading.take(page, "pages")
    return reading.view()


async def view_of(adapter: Adapter, listed: Sequence[Any]) -> SideView:
    """The view of a side that these objects give.

    Raises:
        TaskDefinitionError: they are not in a list.
    """
    reading = _Reading(adapter, None)
    await reading.take(listed, "list")
    return reading.view()


async def _each(adapter: Adapter, pages: Any) -> AsyncGenerator[Any]:
    """The pages of a side, one after the other; a plain iterator goes on in the side's own thread."""
    if isinstance(pages, AsyncIterator):
        try:
            async for page in pages:
                yield page
        finally:
            if inspect.isasyncgen(pages):
                await pages.aclose()
        return
    if not isinstance(pages, Iterator):
        raise TaskDefinitionError(
            f"task {adapter.task!r}: {adapter.side.spelled('pages')} must return an iterator of lists or Listings, "
            f"not {type(pages).__name__}"
        )
    try:
        while (page := await adapter.call(next, pages, _END)) is not _END:
            yield page
    finally:
        if inspect.isgenerator(pages):
            await adapter.call(pages.close)


class _Reading:
    """What was read of a side so far."""

    def __init__(self, adapter: Adapter, base_of: BaseOf | None) -> None:
        self._adapter = adapter
        self._base_of = base_of
        self._partial: str | None = None
        self._cursor: Any = None
        self._objects: dict[ID, Any] = {}
        self._records: dict[ID, Record] = {}
        self._outside: set[ID] = set()
        self._unreadable: dict[ID, str] = {}
        #: The hashes of what cannot be read, as far as they are known.
        self._hashes: dict[ID, set[str]] = {}

    async def take(self, listed: Any, method: str) -> None:
        """Take in a listing, or a page of one.

        Raises:
            TaskDefinitionError: it is no list, or an object lacks what the mapping names.
        """
        if not isinstance(listed, Sequence) or isinstance(listed, str | bytes):
            raise TaskDefinitionError(
                f"task {self._adapter.task!r}: {self._adapter.side.spelled(method)} must "
                f"{'return' if method == 'list' else 'give'} a list or a Listing, not {type(listed).__name__}"
            )
        self._partial = self._partial or getattr(listed, "partial", None)
        cursor = getattr(listed, "cursor", None)
        self._cursor = self._cursor if cursor is None else cursor
        for obj_id, why in getattr(listed, "unreadable", {}).items():
            self._leave(obj_id, why)
        for start in range(0, len(listed), BATCH):
            await self._convert(listed[start : start + BATCH])

    def view(self) -> SideView:
        """The side by what was read."""
        return SideView(
            self._adapter,
            Snapshot(
                self._adapter.end,
                self._records,
                self._partial,
                self._unreadable,
                {obj_id: frozenset(known - {""}) for obj_id, known in self._hashes.items()},
                outside=frozenset(self._outside),
            ),
            self._objects,
            self._cursor if self._partial is None else None,
        )

    async def _convert(self, batch: Sequence[Any]) -> None:
        parts = await self._adapter.call(_ask_all, self._adapter.side, batch)
        there = [_THERE.issuperset(map(type, part.values())) for part in parts]
        try:
            for obj, part, is_there in zip(batch, parts, there, strict=True):
                if not is_there:
                    await self._wait_for(part)
                self._take_one(obj, part)
        finally:
            if not all(there):
                discard(parts)  # after an error some are not awaited

    async def _wait_for(self, part: dict[str, Any]) -> None:
        """Put the answers to what was asked of an object in their places, as far as they are needed."""
        for name in _QUESTIONS:
            part[name] = await _settled(part[name])
            if isinstance(part[name], ItemError) and name != "key":
                return
            if name == "key" and (str(part["id"]) in self._records or str(part["id"]) in self._unreadable):
                return

    def _take_one(self, obj: Any, part: dict[str, Any]) -> None:
        try:
            obj_id = text_id(_said(part["id"]))
        except ItemError as error:
            self._partial = self._partial or f"an object has no id: {error}"
            return
        if obj_id in self._records:  # which of the two is meant is not known; neither is touched
            self._leave(obj_id, f"two objects have the id {obj_id}")
        if obj_id in self._unreadable:
            self._objects.setdefault(obj_id, obj)
            self._hashes.setdefault(obj_id, set()).add(_known_hash(part))
            return
        try:
            record = _record(self._adapter, obj_id, part)
            if not self._adapter.takes(part["values"]):
                self._outside.add(obj_id)
        except ItemError as error:
            self._objects[obj_id] = obj
            self._leave(obj_id, str(error))
            self._hashes[obj_id].add(_known_hash(part))
            return
        part.clear()  # all of it was awaited
        base = self._base_of(obj_id) if self._base_of is not None else None
        if base is not None and record.values.keys() == base.keys() and shows_base(record.values, base, base):
            record = Record(obj_id, base, record.hash, record.edited, record.blank)
        self._records[obj_id] = record
        if len(self._objects) < KEPT or base is None or not _is_base(record.values, base):
            self._objects[obj_id] = obj

    def _leave(self, obj_id: ID, why: str) -> None:
        """Note that an object cannot be read; what was read of it before is only known by its hash."""
        self._unreadable.setdefault(obj_id, why)
        former = self._records.pop(obj_id, None)
        known = self._hashes.setdefault(obj_id, set())
        if former is not None:
            known.add(former.hash)


def _is_base(values: Values, base: Values) -> bool:
    """Whether values mean the same as those of the last agreement."""
    if values is base:
        return True
    return values.keys() == base.keys() and all(same(value, base[name]) for name, value in values.items())


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


def _said(answer: Any) -> Any:
    """An answer that is there, or that is an error.

    Raises:
        ItemError: it is one.
    """
    if isinstance(answer, ItemError):
        raise answer
    return answer


def _record(adapter: Adapter, obj_id: ID, answers: Mapping[str, Any]) -> Record:
    native = _said(answers["values"])
    values = adapter.common(native)
    edited: datetime | None = _said(answers["edited"])
    if edited is not None and edited.tzinfo is None:
        edited = edited.replace(tzinfo=UTC)
    key = _said(answers["key"]) if adapter.match is None else adapter.match.key(adapter.end, values)
    blank = adapter.mapping.blank(adapter.end, native, values)
    return Record(obj_id, values, _text_hash(key), edited, blank)


async def _settled(answer: Any) -> Any:
    """An answer once it is there, or the error in its place."""
    try:
        return await answer if inspect.isawaitable(answer) else answer
    except ItemError as error:
        return error
    except SystemExit as error:
        raise exit_error(error) from error


def _known_hash(answers: Mapping[str, Any]) -> str:
    """The hash of an object that cannot be read otherwise; empty where that is not known either."""
    return "" if isinstance(answers["key"], ItemError) else _text_hash(answers["key"])


def _text_hash(answer: Any) -> str:
    return "" if answer is None else str(answer)
