"""Status columns: attributes in which the task itself tells people how an object stands.

They go along with writes that are made anyway. Where a task wants it, they are also written where nothing else is, at
the end of a run, to objects of which they say something else than before. None of it is in the base, in a plan or among
effects, and what stands there is never read.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tasks.engine.bases import Bases
from tasks.engine.naming import tell
from tasks.engine.outcome import Outcome
from tasks.engine.running import Running
from tasks.engine.views import SideView
from tasks.errors import ItemError, OutcomeUnknownError, PreconditionError, UnfitError
from tasks.merge import NAMELESS, SETTLING, Conflict, Name, Plan, Skip, pair_of
from tasks.policies import StatusColumns
from tasks.sides import ID, End

log = logging.getLogger(__name__)

#: What an object says in its columns: the state, and why.
Status = tuple[str, str]
IN_STEP: Status = ("synced", "")


class Columns:
    """The status columns of one run."""

    def __init__(
        self,
        running: Running,
        views: Mapping[End, SideView],
        bases: Bases,
        outcome: Outcome,
        clock: Callable[[], datetime],
    ) -> None:
        self.columns = {end: one for end, one in running.sync.columns.items() if one.attributes}
        self.running = running
        self.adapters = running.adapters
        self.views = views
        self.bases = bases
        self.outcome = outcome
        self.clock = clock
        #: How objects stand by the plan, by end and id: conflicts, and what is left.
        self.conflicts: dict[tuple[End, ID], Status] = {}
        self.left: dict[tuple[End, ID], Status] = {}
        #: What was written in this run, and the object as it is since.
        self.said: dict[tuple[End, ID], Status] = {}
        self.latest: dict[tuple[End, ID], Any] = {}
        for one in running.sync.columns.values():
            outcome.notes += one.lost

    def read(self, plan: Plan) -> None:
        """Take from a plan how objects stand."""
        if not self.columns:
            return
        for action in plan.actions:
            if isinstance(action, Conflict):
                into, state = self.conflicts, "conflict"
            elif isinstance(action, Skip) and not action.failing and action.reason != SETTLING:
                into, state = self.left, "held"
            else:
                continue
            for key in self.both(pair_of(action)):
                known = into.get(key)
                reason = f"{known[1]}; {action.reason}" if known is not None else action.reason
                into[key] = (state, reason)

    def both(self, pair: tuple[ID, ID]) -> Iterator[tuple[End, ID]]:
        """Both ends of a pair of which maybe one is said."""
        for end, one in zip(End, pair, strict=True):
            found = one or self.bases.counterparts.get((end.opposite, pair[end is End.LEFT]), "")
            if found:
                yield end, found

    async def write(
        self,
        end: End,
        obj_id: ID,
        across: ID,
        name: Name,
        changes: Collection[str],
        send: Callable[[Mapping[str, Any]], Awaitable[Any]],
    ) -> Any:
        """The answer to a write that takes the columns along; where they are refused, to the write without them.

        Args:
            end: where it is written.
            obj_id: the object, empty for one that is made.
            across: its counterpart.
            name: what people call them.
            changes: the synced attributes that are written, by the side's own names.
            send: makes the write with these attributes besides.
        """
        if not self.columns:
            return await send({})
        columns, side = self.columns.get(end), self.adapters[end].side
        native = [self.running.mapping.name_at(end, one) for one in changes]
        if columns is None or not side.takes_along(native):
            answer = await send({})
            await self._note(end, obj_id, answer, None)
            return answer
        status = self.conflicts.get((end, obj_id)) or self.left.get((end, obj_id)) or IN_STEP
        along = await self._values(columns, end, across, name.title, status)
        try:
            answer = await send(along)
        except (PreconditionError, OutcomeUnknownError):
            raise
        except ItemError as error:
            if isinstance(error, UnfitError) and error.attributes - along.keys():
                raise
            self.running.check_lock()
            answer = await send({})  # where this is refused as well, the columns are not to blame
            self._leave_out(end, error)
            await self._note(end, obj_id, answer, None)
        else:
            await self._note(end, obj_id, answer, status)
        return answer

    async def _note(self, end: End, obj_id: ID, answer: Any, status: Status | None) -> None:
        """Keep what was written, where columns may be written once more at the end."""
        if answer is NotImplemented or not any(one.eager for one in self.columns.values()):
            return
        key = (end, obj_id or await self.adapters[end].id(answer))
        if status is not None:
            self.said[key] = status
        if answer is not None:
            self.latest[key] = answer

    async def write_alone(self, end: End, obj_id: ID, status: Status, *, synced: bool) -> Any:
        """Write the columns of an object that nothing else is written to.

        Args:
            end: where it is.
            obj_id: the object.
            status: what they say.
            synced: whether it was synced just now.

        Returns:
            The object as it is now; `None` where nothing was written.

        Raises:
            OutcomeUnknownError: they may have been written.
            SideError: the service cannot be reached any more.
            LockLostError: the node's lock is lost.
        """
        columns = self.columns.get(end)
        if columns is None:
            return None
        adapter, across = self.adapters[end], self.bases.counterparts.get((end, obj_id), "")
        name = self.outcome.names.get((adapter.label, obj_id), NAMELESS)
        try:
            obj = self.latest.get((end, obj_id)) or await self.views[end].object(obj_id)
            along = await self._values(
                columns, end, across, name.title if across else "", status, synced=synced
            )
            self.running.check_lock()
            answer = await adapter.update(obj, {}, along)
        except OutcomeUnknownError:
            raise
        except PreconditionError:
            return None  # the next run writes them
        except ItemError as error:
            self._leave_out(end, error)
            return None
        if answer is NotImplemented:  # each would be a write of its own
            return None
        return obj if answer is None else answer

    async def edited(self, end: End, obj: Any) -> str | None:
        """When an object was edited last by its side's word, ISO 8601."""
        adapter = self.adapters[end]
        try:
            edited = await adapter.call(adapter.side.edited, obj)
        except ItemError:
            return None
        return None if edited is None else _in_utc(edited).isoformat()

    def _leave_out(self, end: End, error: Exception) -> None:
        """Write the columns of an end no more in this run, and tell it once."""
        columns = self.columns.pop(end, None)
        if columns is not None:
            names = ", ".join(map(repr, columns.names))
            self.outcome.notes.append(
                f"the columns {names} of {self.adapters[end].label} were not written, and all else was: {error}"
            )

    async def _values(
        self,
        columns: StatusColumns,
        end: End,
        across: ID,
        title: str,
        status: Status,
        *,
        synced: bool = True,
    ) -> dict[str, Any]:
        return columns.values(
            address=await self._address(end.opposite, across),
            title=title,
            now=self.clock() if synced else None,
            state=status[0],
            reason=tell(status[1], self.outcome.names),
        )

    async def _address(self, end: End, obj_id: ID) -> str:
        """Where an object is to be found, if it was read; it is not asked for."""
        obj = self.latest.get((end, obj_id), self.views[end].objects.get(obj_id))
        adapter = self.adapters[end]
        if obj is None:
            return ""
        try:
            address = await adapter.call(adapter.side.address, obj)
        except Exception as error:  # no object is left for want of an address
            log.warning(
                "Task %r: %s fails: %s", adapter.task, adapter.side.spelled("address"), type(error).__name__
            )
            return ""
        return "" if address is None or address is NotImplemented else str(address)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
