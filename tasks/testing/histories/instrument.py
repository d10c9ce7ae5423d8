"""A task's methods, wrapped from outside: what a run calls is counted, and can fail or end the process."""

from __future__ import annotations

import copy
import inspect
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from tasks.errors import CursorExpiredError, ItemError, OutcomeUnknownError, PreconditionError, SideError
from tasks.object_task import ObjectTask
from tasks.sides import Listing, Side, gathered, whole_of
from tasks.sync_task.overrides import Overrides
from tasks.sync_task.sides import METHODS
from tasks.sync_task.task import SyncTask, wrote
from tasks.testing.calling import answer, peek
from tasks.testing.equality import SIDES
from tasks.testing.histories.reading import ENDS
from tasks.testing.sides.trial import offers


class Crash(BaseException):
    """Stands for the end of the process; nothing that runs may catch it."""


class FaultKind(StrEnum):
    """What can happen at a write; a crash also at what the engine remembers."""

    NOT_APPLIED = "no answer, and not applied"
    APPLIED = "no answer, though applied"
    REFUSED = "refused"
    CHANGED = "refused, since it changed meanwhile"
    DOWN = "service down"
    CRASH_BEFORE = "crash before it"
    CRASH_AFTER = "crash after it"


#: Whether a side refuses to write an object, given its id or the values that it is to get.
Refusal: TypeAlias = Callable[[str, str | None, Mapping[str, Any]], bool]

T = TypeVar("T")

#: Methods of a side that write, and those of them that every task has.
WRITES = ("create", "update", "update_one", "delete", "restore")
NEEDED = ("create", "update_one", "delete")

CRASHES = (FaultKind.CRASH_BEFORE, FaultKind.CRASH_AFTER)
_BEFORE: Mapping[FaultKind, Callable[[str], Exception]] = {
    FaultKind.NOT_APPLIED: OutcomeUnknownError,
    FaultKind.REFUSED: ItemError,
    FaultKind.CHANGED: PreconditionError,
    FaultKind.DOWN: SideError,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault at the n-th write of a run, a crash at its n-th effect, each counted from 1.

    Effects are writes and what the engine remembers.
    """

    at: int
    kind: FaultKind

    def __str__(self) -> str:
        return f"{self.kind}, at its {'effect' if self.kind in CRASHES else 'write'} {self.at}"


class Instrument:
    """Stands before one task: the engine runs `wrapped`, everybody else uses the task itself."""

    def __init__(self, task: ObjectTask) -> None:
        self.task = task
        self.sides = task.pairing().sides
        #: Effects of the run so far, and writes among them.
        self.effects = 0
        self.writes = 0
        self.dead = False
        self.faults: Mapping[tuple[bool, int], FaultKind] = {}
        self.tried = 0
        #: Ids that a side's partial listing leaves out.
        self.hidden: Mapping[str, frozenset[str]] = {}
        #: Sides whose listing fails.
        self.down: Sequence[str] = ()
        #: Whether a side refuses to write an object, given its id or the values that it is to get.
        self.refuses: Refusal = _nothing
        #: What happened in the run, in words.
        self.trace: list[str] = []
        self.fired: Counter[str] = Counter()
        #: Own steps call plain methods and cannot await.
        self.own_steps = isinstance(task, SyncTask) and Overrides(task, SyncTask).any
        self.wrapped = self._wrap()

    def start(
        self,
        faults: Sequence[Fault] = (),
        hidden: Mapping[str, frozenset[str]] | None = None,
        down: Sequence[str] = (),
        refuses: Refusal | None = None,
    ) -> None:
        """Begin a run, with these faults to come."""
        self.dead = False
        self.effects = self.writes = self.tried = 0
        self.faults = {(fault.kind in CRASHES, fault.at): fault.kind for fault in faults}
        self.hidden, self.down, self.refuses = hidden or {}, down, refuses or _nothing
        self.trace = []

    @contextmanager
    def effect(self, what: str, *, write: bool = False, refused: bool = False) -> Iterator[None]:
        """One effect of the run, with the fault that is due at it."""
        if self.dead:  # other calls of a process that has ended
            raise Crash
        self.effects += 1
        self.tried += write
        fault = self.faults.get((True, self.effects))
        if fault is None and write:
            fault = self.faults.get((False, self.tried))
        if fault is not None:
            self.fired[fault.value] += 1
        if write or fault is not None:
            self.trace.append(what + (f" ({fault.value})" if fault else " (refused)" if refused else ""))
        if fault is FaultKind.CRASH_BEFORE:
            self.dead = True
            raise Crash
        if fault is not None and fault in _BEFORE:
            raise _BEFORE[fault](fault.value)
        if refused:
            self.fired["object refused"] += 1
            raise ItemError("the service refuses this object")
        self.writes += write
        yield
        if fault is FaultKind.CRASH_AFTER:
            self.dead = True
            raise Crash
        if fault is FaultKind.APPLIED:
            raise OutcomeUnknownError(fault.value)

    # -- wrapping -----------------------------------------------------------------------------------------

    def _wrap(self) -> ObjectTask:
        """The same task with other sides, or other methods: its own calls among them stay as they are."""
        if isinstance(self.task, SyncTask):
            methods: dict[str, Any] = {}
            for word in SIDES:
                methods |= self._methods_of(self.task, word)
            return _twin(self.task, methods)
        sides = self.task.pairing().sides
        wrapped = {end: _twin(sides[end], self._methods(sides[end], word)) for word, end in ENDS.items()}

        def pairing() -> Any:
            sync: Any = self.task.pairing()
            sync.sides = wrapped
            return sync

        twin = copy.copy(self.task)
        vars(twin)["pairing"] = pairing
        return twin

    def _methods_of(self, task: SyncTask, word: str) -> dict[str, Any]:
        """What stands for a task's methods of one side, by their names."""
        methods, side = {}, self.sides[ENDS[word]]
        for name, spelled in METHODS.items():
            method = spelled.format(word)
            if name in WRITES and (name in NEEDED or wrote(task, method)):
                methods[method] = self._write(getattr(side, name), word, name)
        create = f"{word}_create_obj"
        methods[create] = self._write(getattr(task, create), word, "create_obj")
        listing, changes = f"get_{word}_objects", f"{word}_changes"
        own = getattr(task, listing)
        methods[listing] = self._paging(own, word) if side.lists_in_pages else self._listing(own, word)
        if wrote(task, changes):
            methods[changes] = self._changes(getattr(task, changes), word)
        return methods

    def _methods(self, side: Side, word: str) -> dict[str, Any]:
        """What stands for the methods of a side, by their names."""
        one_by_one = offers(side, "update_one")
        has = {"update": not one_by_one, "update_one": one_by_one, "restore": offers(side, "restore")}
        methods = {
            name: self._write(getattr(side, name), word, name) for name in WRITES if has.get(name, True)
        }
        methods["list"] = self._listing(side.list, word)
        if side.lists_in_pages:
            methods["pages"] = self._paging(side.pages, word)
        if offers(side, "changes"):
            methods["changes"] = self._changes(side.changes, word)
        return methods

    def _fitting(self, raw: Any, inline: Any, plain: Any) -> Any:
        """Plain methods are called in the event loop too, so that a history is the same each time."""
        return plain if self.own_steps and not inspect.iscoroutinefunction(raw) else inline

    def _write(self, raw: Any, side: str, name: str) -> Any:
        def around(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> AbstractContextManager[None]:
            obj_id, values = self._subject(side, name, args, kwargs)
            what = f"{name.split('_', 1)[0]} in {side} {obj_id or ''}".strip()
            if name.startswith("update"):
                what += f" ({', '.join(values)})"
            return self.effect(what, write=True, refused=self.refuses(side, obj_id, values))

        async def inline(_: Any, /, *args: Any, **kwargs: Any) -> Any:
            with around(args, kwargs):
                return await answer(raw(*args, **kwargs))

        def plain(_: Any, /, *args: Any, **kwargs: Any) -> Any:
            with around(args, kwargs):
                return raw(*args, **kwargs)

        return self._fitting(raw, inline, plain)

    def _subject(
        self, side: str, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[str | None, Mapping[str, Any]]:
        """Which object a call is about: its id where it has one, and the values by the side's own names."""
        match name:
            case "create":
                return None, args[1]
            case "create_obj":
                return None, kwargs
            case "restore":
                return str(args[0]), {}
        obj_id = str(peek(self.sides[ENDS[side]].id(args[0])))
        if name == "update":
            return obj_id, args[1]
        return obj_id, {args[1]: args[2]} if name == "update_one" else {}

    def _listing(self, raw: Any, side: str) -> Any:
        def before() -> None:
            if side in self.down:
                self.trace.append(f"the listing of {side} fails")
                self.fired["listing fails"] += 1
                raise SideError("service down")

        def after(listed: Any) -> Any:
            hidden = self.hidden.get(side)
            if not hidden:
                return listed
            self.trace.append(f"the listing of {side} is partial")
            self.fired["partial listing"] += 1
            id_of = self.sides[ENDS[side]].id
            seen = [obj for obj in listed if str(peek(id_of(obj))) not in hidden]
            return Listing(seen, partial="cut off by the kit")

        async def inline(_: Any, /) -> Any:
            before()
            return after(await answer(raw()))

        def plain(_: Any, /) -> Any:
            before()
            return after(raw())

        return self._fitting(raw, inline, plain)

    def _paging(self, raw: Any, side: str) -> Any:
        """Pages of single objects, so that each run compares many; faults strike as in a listing at once."""

        async def pages(_: Any, /) -> AsyncIterator[Listing]:
            async def listed() -> Listing:
                made = await answer(raw())
                return await gathered(made) if isinstance(made, AsyncIterable) else whole_of(made)

            self.fired["listed in pages"] += 1
            for page in _single(await self._listing(listed, side)(self)):
                yield page

        def plain_pages(_: Any, /) -> Iterator[Listing]:
            self.fired["listed in pages"] += 1
            yield from _single(self._listing(lambda: whole_of(raw()), side)(self))

        return plain_pages if self.own_steps and inspect.isgeneratorfunction(raw) else pages

    def _changes(self, raw: Any, side: str) -> Any:
        async def inline(_: Any, cursor: Any, /) -> Any:
            if self.hidden.get(side) or side in self.down:
                raise CursorExpiredError("the kit asks for a full listing")
            self.fired["changes read"] += 1
            return await answer(raw(cursor))

        return inline


def _single(whole: Listing) -> Iterator[Listing]:
    """A listing in pages of one object each."""
    for obj in whole:
        yield Listing([obj])
    yield Listing(partial=whole.partial, cursor=whole.cursor, unreadable=whole.unreadable)


def _twin(one: T, methods: Mapping[str, Any]) -> T:
    """The same object, of a kind of its own that has these methods."""
    kind = type(one)
    twin: T = object.__new__(type(kind.__name__, (kind,), dict(methods)))
    twin.__dict__ = one.__dict__
    return twin


def _nothing(side: str, obj_id: str | None, values: Mapping[str, Any]) -> bool:
    return False
