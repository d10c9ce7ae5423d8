"""The API that people write a sync with: one class, two sides."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self

from tasks.conflict_modes import ConflictMode, checked_modes
from tasks.errors import TaskDefinitionError
from tasks.journal.state import State
from tasks.object_task import ObjectTask
from tasks.sides import ID, Answer, check_lock
from tasks.sides.side import does_nothing, not_offered
from tasks.sync_task import steps
from tasks.sync_task.overrides import Overrides
from tasks.sync_task.pairing import MethodPairing
from tasks.sync_task.sides import hands_on


class SyncTask(ObjectTask):
    """What is kept in step, and how its two sides are read and written: a task whose sides are its own methods.

    Every abstract method may be a plain function or a coroutine. Plain ones run off the event loop, one
    thread per side, so that a client that is not thread-safe is safe here.

    `notion_to_dict` and `other_to_dict` give values in one common form: the values of a pair of attributes
    are equal when the sides agree.

    Raises:
        TaskDefinitionError: the name, the attributes or the conflict mode do not fit.
    """

    #: How coarse the sides' clocks are: edits closer than the coarser one count as simultaneous.
    notion_granularity: timedelta = timedelta(minutes=1)
    other_granularity: timedelta = timedelta(seconds=1)
    #: How long a listing of a side may lack what was just made there. Until then a create that was cut off is
    #: not made again.
    notion_settling: timedelta = timedelta(0)
    other_settling: timedelta = timedelta(0)
    #: Writes under way at once on each side, where the methods are coroutines.
    concurrency: int = 4

    def __init__(
        self, name: str, attr_map: dict[str, str], conflict_mode: ConflictMode | str = ConflictMode.NEWER
    ) -> None:
        super().__init__(name, conflict_mode)
        if not attr_map:
            raise TaskDefinitionError(
                f"task {name!r}: attr_map is empty, so there is nothing to keep in step"
            )
        twice = {other for other in attr_map.values() if list(attr_map.values()).count(other) > 1}
        if twice:
            raise TaskDefinitionError(
                f"task {name!r}: attr_map names {', '.join(sorted(twice))} more than once"
            )
        if self.title_attr is not None and self.title_attr not in attr_map:
            raise TaskDefinitionError(
                f"task {name!r}: title_attr is {self.title_attr!r}, which attr_map does not name"
            )
        self.attr_map = attr_map

    def pairing(self) -> MethodPairing:
        """Two sides made of its methods, for one run."""
        return MethodPairing(self, SyncTask)

    def with_conflict_modes(self, modes: Mapping[str, ConflictMode | str]) -> Self:
        """Set the conflict modes of single attributes.

        Raises:
            TaskDefinitionError: an attribute or a mode is unknown.
        """
        self.conflict_modes = checked_modes(self.name, self.attr_map, modes)
        return self

    # -- the two sides, to be written by a subclass -----------------------------------------------------

    @abstractmethod
    def get_notion_objects(self) -> Answer:
        """All Notion objects to sync, as a list or a `Listing`; a generator gives them page by page."""

    @abstractmethod
    def get_other_objects(self) -> Answer:
        """All objects of the other side to sync, as a list or a `Listing`; a generator gives them page by page."""

    @abstractmethod
    def notion_id(self, obj: Any) -> Answer:
        """The id of a Notion object."""

    @abstractmethod
    def other_id(self, obj: Any) -> Answer:
        """The id of an object of the other side."""

    @abstractmethod
    def notion_hash(self, obj: Any) -> Answer:
        """Equal for objects of both sides that are the same thing; pairs what is not linked yet."""

    @abstractmethod
    def other_hash(self, obj: Any) -> Answer:
        """Equal for objects of both sides that are the same thing; pairs what is not linked yet."""

    @abstractmethod
    def notion_timestamp(self, obj: Any) -> Answer:
        """When a Notion object was edited last; without a zone it is taken as UTC."""

    @abstractmethod
    def other_timestamp(self, obj: Any) -> Answer:
        """When an object of the other side was edited last; without a zone it is taken as UTC."""

    @abstractmethod
    def notion_to_dict(self, obj: Any) -> Answer:
        """A Notion object's values by Notion attribute, at least those of `attr_map`."""

    @abstractmethod
    def other_to_dict(self, obj: Any) -> Answer:
        """An object's values by attribute of the other side, at least those of `attr_map`."""

    @abstractmethod
    def notion_create_obj(self, **kwargs: Any) -> Answer:
        """Create a Notion object with these values and return it."""

    @abstractmethod
    def other_create_obj(self, **kwargs: Any) -> Answer:
        """Create an object of the other side with these values and return it."""

    @abstractmethod
    def notion_update_obj(self, obj: Any, attr: str, value: Any) -> Answer:
        """Set one attribute of a Notion object."""

    @abstractmethod
    def other_update_obj(self, obj: Any, attr: str, value: Any) -> Answer:
        """Set one attribute of an object of the other side."""

    @abstractmethod
    def notion_delete_obj(self, obj: Any) -> Answer:
        """Delete a Notion object."""

    @abstractmethod
    def other_delete_obj(self, obj: Any) -> Answer:
        """Delete an object of the other side."""

    # -- what a subclass may add -------------------------------------------------------------------------

    @does_nothing
    def open(self) -> Answer:
        """Make clients; called in the run's event loop before anything else."""
        return None

    @does_nothing
    def close(self) -> Answer:
        """Close clients; called when the run ends, however it ends."""
        return None

    @does_nothing
    def check(self) -> Answer:
        """Raise where the set-up cannot work, before anything is listed."""
        return None

    def before_write(self) -> None:
        """Make sure that this run may still write; an adapter that waits before it sends calls this then.

        Every write of a run is preceded by this check. A re-read, a back-off or a turn in a queue may come
        between, and the node's lock may be lost in that time.

        Raises:
            LockLostError: another run has taken the node over.
        """
        check_lock.get()()

    @hands_on
    def notion_create_keyed(self, key: str, values: dict[str, Any]) -> Answer:
        """Create a Notion object; a retry of the same create comes with the same key."""
        return self.notion_create_obj(**values)

    @hands_on
    def other_create_keyed(self, key: str, values: dict[str, Any]) -> Answer:
        """Create an object of the other side; a retry of the same create comes with the same key."""
        return self.other_create_obj(**values)

    def notion_update_attrs(self, obj: Any, changes: dict[str, Any]) -> Answer:
        """Set all changed attributes of a Notion object in one write and return it as it is now.

        Where this is not written, `notion_update_obj` is called once per attribute.
        """
        return NotImplemented

    def other_update_attrs(self, obj: Any, changes: dict[str, Any]) -> Answer:
        """Set all changed attributes of an object of the other side in one write and return it.

        Where this is not written, `other_update_obj` is called once per attribute.
        """
        return NotImplemented

    def notion_is_gone(self, obj_id: ID) -> Answer:
        """Whether Notion itself says that an object is deleted, asked before the other one is deleted."""
        return True

    def other_is_gone(self, obj_id: ID) -> Answer:
        """Whether the other side says that an object is deleted, asked before Notion's is deleted."""
        return True

    def notion_restore_obj(self, obj_id: ID) -> Answer:
        """Take a deleted Notion object out of the trash and return it; `None` where it is gone for good.

        Asked when a deletion is undone, or an edit beats it. Where this is not written, or it is gone, a new one is
        made of what was synced.
        """
        return NotImplemented

    def other_restore_obj(self, obj_id: ID) -> Answer:
        """Take a deleted object of the other side out of its trash and return it, in the same way."""
        return NotImplemented

    def notion_changes(self, cursor: Any) -> Answer:
        """What changed in Notion since a cursor, as `Changes`.

        A listing gives the first cursor. A side that offers this offers `notion_get_obj` as well.

        Raises:
            CursorExpiredError: the cursor is of no use any more.
        """
        return NotImplemented

    def other_changes(self, cursor: Any) -> Answer:
        """What changed on the other side since a cursor, as `Changes`.

        A listing gives the first cursor. A side that offers this offers `other_get_obj` as well.

        Raises:
            CursorExpiredError: the cursor is of no use any more.
        """
        return NotImplemented

    @not_offered
    def notion_get_obj(self, obj_id: ID) -> Answer:
        """One Notion object by its id, `None` where it is not there."""
        raise TaskDefinitionError(f"task {self.name!r} offers notion_changes, but no notion_get_obj")

    @not_offered
    def other_get_obj(self, obj_id: ID) -> Answer:
        """One object of the other side by its id, `None` where it is not there."""
        raise TaskDefinitionError(f"task {self.name!r} offers other_changes, but no other_get_obj")

    def notion_known_obj(self, obj_id: ID, values: Mapping[str, Any]) -> Answer:
        """A Notion object that did not change, made of its id and values, so that it need not be read for a write.

        Only for a side whose writes look by themselves whether the object is still like that; else it is read.
        """
        return NotImplemented

    def other_known_obj(self, obj_id: ID, values: Mapping[str, Any]) -> Answer:
        """An object of the other side, in the same way; the values are by Notion attribute."""
        return NotImplemented

    @does_nothing
    def notion_obj_title(self, obj: Any) -> Answer:
        """What people call a Notion object, as plans and lists shall show it; by default its `title_attr`.

        Asked only of objects that a plan names. Without an answer, also where it fails, the default holds.
        """
        return NotImplemented

    @does_nothing
    def other_obj_title(self, obj: Any) -> Answer:
        """What people call an object of the other side, in the same way."""
        return NotImplemented

    @does_nothing
    def notion_obj_address(self, obj: Any) -> Answer:
        """Where a person finds a Notion object, such as a link; none by default."""
        return NotImplemented

    @does_nothing
    def other_obj_address(self, obj: Any) -> Answer:
        """Where a person finds an object of the other side; none by default."""
        return NotImplemented

    def attr_forms(self) -> Mapping[str, str]:
        """The form in which an attribute's values are compared, by Notion attribute; asked after `check`.

        Values in another form than before are no edits: change the word when the form changes.
        """
        return {}

    @does_nothing
    def recall(self, remembered: Any, synced: Mapping[ID, Mapping[str, Any]]) -> Answer:
        """Take over what an earlier run left, maybe in another process; called before `check`.

        Args:
            remembered: what `remembered` gave, `None` before there was such a run.
            synced: the values that Notion showed when they were synced last, by Notion id and attribute.
        """
        return None

    def remembered(self) -> Any:
        """What a later run is to know of the set-up, a JSON value; asked when a run came to its end.

        It is lost with the task's state, and must not be needed for anything but asking less or noticing more.
        """
        return None

    def scope(self) -> str:
        """What the listings hold, in any words: place and filter; asked after `check`.

        What a listing of another scope than before does not hold was not deleted.
        """
        return ""

    # -- the steps of a sync, from state to state -----------------------------------------------------------

    def sync(self, state: State | None) -> State:
        """Bring both sides together once, from the state of the last time to the new one.

        Raises:
            StepError: some objects failed; its `state` holds what was agreed on all the same.
        """
        return steps.sync(self, state)

    def initial_sync(self, notion_objs: dict[ID, Any], other_objs: dict[ID, Any]) -> State:
        """Link what is the same thing on both sides and settle the differences of the pairs."""
        return self._step(State(), notion_objs, other_objs, "links")

    def sync_notion_created(self, state: State, notion_objs: dict[ID, Any]) -> State:
        """Create counterparts of Notion objects that are not in the state."""
        return self._step(state, notion_objs, None, "notion_created")

    def sync_other_created(self, state: State, other_objs: dict[ID, Any]) -> State:
        """Create counterparts of the other side's objects that are not in the state."""
        return self._step(state, None, other_objs, "other_created")

    def sync_notion_deleted(
        self, state: State, notion_objs: dict[ID, Any], other_objs: dict[ID, Any]
    ) -> State:
        """Carry deletions in Notion to the other side; an edit there beats them."""
        return self._step(state, notion_objs, other_objs, "notion_deleted")

    def sync_other_deleted(
        self, state: State, notion_objs: dict[ID, Any], other_objs: dict[ID, Any]
    ) -> State:
        """Carry deletions on the other side to Notion; an edit there beats them."""
        return self._step(state, notion_objs, other_objs, "other_deleted")

    def sync_state_changes(
        self, state: State, notion_objs: dict[ID, Any], other_objs: dict[ID, Any]
    ) -> State:
        """Carry edits of linked objects across, by three-way comparison with the state."""
        return self._step(state, notion_objs, other_objs, "changes")

    def resolve_conflict(self, notion_obj: Any, other_obj: Any, notion_attr: str, other_attr: str) -> Any:
        """Settle one attribute by the conflict mode: write the side that lost, return what stays.

        Raises:
            TaskDefinitionError: the attributes are no pair of `attr_map`.
        """
        if self.attr_map.get(notion_attr) != other_attr:
            raise TaskDefinitionError(
                f"task {self.name!r}: {notion_attr!r} and {other_attr!r} are no pair of attr_map"
            )
        return steps.resolve_conflict(self, notion_obj, other_obj, notion_attr)

    def _step(
        self,
        state: State,
        notion_objs: dict[ID, Any] | None,
        other_objs: dict[ID, Any] | None,
        part: str,
    ) -> State:
        return steps.step(self, state, notion_objs, other_objs, part)


def wrote(task: SyncTask, method: str) -> bool:
    """Whether a task, or a class that it builds on, wrote this method itself."""
    return Overrides(task, SyncTask).has(method)
