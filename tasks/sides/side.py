"""One end of a sync, as an object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from tasks.errors import ItemError, TaskDefinitionError
from tasks.sides.ends import ID
from tasks.values.file import File

#: What a method of a side may return: its value, or a coroutine that does.
Answer: TypeAlias = Any

#: Raises `LockLostError` when the run that is going on may not write any more.
check_lock: ContextVar[Callable[[], None]] = ContextVar("check_lock", default=lambda: None)

Method = TypeVar("Method", bound=Callable[..., Any])


def not_offered(method: Method) -> Method:
    """Marks a method of the contract that raises: a side without one of its own does not offer it."""
    method.not_offered = True  # type: ignore[attr-defined]
    return method


def does_nothing(method: Method) -> Method:
    """Marks a method of the contract that is there to be overridden: it is called where one stands, in no thread."""
    method.does_nothing = True  # type: ignore[attr-defined]
    return method


class Side(ABC):
    """The objects of one service that are synced: how they are read and written.

    One class for each service, one instance for each end of a sync. Every method may be a plain function or a
    coroutine. Plain ones run off the event loop, one thread per side, so that a client that is not thread-safe is
    safe here; `id`, `key`, `edited`, `values`, `title` and `address` are asked of many objects in one go.

    `tests` of a side begin with `tasks.testing.check_side`, which holds it to what is said here.
    """

    #: What people call it, inside a sentence: "Notion", "the calendar Errands".
    label: str = "the service"
    #: How coarse its clock is: edits closer than the coarser one of both sides count as simultaneous.
    granularity: timedelta = timedelta(seconds=1)
    #: How long a listing may lack what was just made. Until then a create that was cut off is not made again.
    #: With 0 more creates are begun ahead of their calls, as a listing tells of each whether it was made.
    settling: timedelta = timedelta(0)
    #: Writes under way at once, where the methods are coroutines.
    concurrency: int = 4

    @property
    def login_expires(self) -> datetime | None:
        """When the login expires that a person has to make anew, with its zone; `None` where that is not known.

        Asked at the end of a run, before `close`: most services tell it with an answer, if they do.
        """
        return None

    @property
    def full_label(self) -> str:
        """What it is called in messages about the set-up, where that says more, such as the place by its title."""
        return self.label

    # -- a run --------------------------------------------------------------------------------------------

    @does_nothing
    def open(self) -> Answer:
        """Make clients; called in the run's event loop before anything else."""
        return None

    @does_nothing
    def close(self) -> Answer:
        """Close clients; called when the run ends, however it ends, also where `open` failed."""
        return None

    @does_nothing
    def recall(self, remembered: Any, synced: Mapping[ID, Mapping[str, Any]]) -> Answer:
        """Take over what an earlier run left, maybe in another process; called before `describe`.

        Args:
            remembered: what `remembered` gave; `None` before there was such a run.
            synced: by id, the values that the side showed when its objects were synced last. They are looked up when
                they are asked for: ask for single objects, as the values of all may be many.
        """
        return None

    @does_nothing
    def reach(self) -> Answer:
        """Ask the service for something that needs the login, where `describe` and `check` may do without.

        Called before `describe` where a person wants to know whether all is well, and in no run.

        Raises:
            SideError: the service cannot be reached, or refuses the login.
        """
        return None

    @abstractmethod
    def describe(self) -> Answer:
        """The attributes that its objects have, by name: `{name: Attribute}`.

        Raises:
            SideError: the service cannot be reached, or refuses the login.
        """

    @does_nothing
    def check(self, attributes: Collection[str]) -> Answer:
        """Raise where the set-up cannot work, before anything is listed.

        Args:
            attributes: the names of those that are synced, or that the task filters or marks by; no others need to be
                read.

        Raises:
            TaskDefinitionError: one cannot be synced, or is not what it was.
            SideError: the service cannot be reached, or the place is not there.
        """
        return None

    @does_nothing
    def accept(self, attributes: Collection[str]) -> Answer:
        """Be told of attributes that writes may take along, though they are not synced; called after `check`.

        In them the task tells people of the sync. Nobody reads them: what a person does there is no edit, and no
        precondition of a write. `create` and `update` get them with other values; `update` also alone.

        Raises:
            SideError: the service cannot be reached.
        """
        return None

    def takes_along(self, changes: Collection[str]) -> bool:
        """Whether an update of these attributes takes accepted ones along without a request more."""
        return True

    def scope(self) -> str:
        """What the listings hold, in any words: place and filter; asked after `check`.

        What a listing of another scope than before does not hold was not deleted.
        """
        return ""

    @property
    def places(self) -> Collection[str]:
        """Words by which references from elsewhere name what is listed here, as far as they are known."""
        return ()

    def remembered(self) -> Any:
        """What a later run is to know, a JSON value; asked when a run came to its end.

        It can be lost, and must not be needed for anything but asking less or noticing more.
        """
        return None

    # -- reading ------------------------------------------------------------------------------------------

    @abstractmethod
    def list(self) -> Answer:
        """All objects, as a list or a `Listing`."""

    @property
    def lists_in_pages(self) -> bool:
        """Whether `pages` speaks for `list`: not where that was written anew since."""
        written = (getattr(part, "__dict__", {}) for part in (self, *type(self).__mro__))
        last = next(names for names in written if "pages" in names or "list" in names)
        return last.get("pages", Side.pages) is not Side.pages

    @does_nothing
    def pages(self) -> Answer:
        """The same objects page by page, for a place that may hold very many.

        An iterator, plain or asynchronous, of lists or `Listing`s, such as a generator. No object is in two of them.
        Where any is partial the whole is; the cursor is that of the last one that has one. Where `get` is offered, of
        a page no object is kept that is as it was when both sides agreed last. A class that overrides `list` alone is
        asked by that.
        """
        return NotImplemented

    def changes(self, cursor: Any) -> Answer:
        """What changed since a cursor, as `Changes`; a listing gives the first one. Offered together with `get`.

        Raises:
            CursorExpiredError: the cursor is of no use any more.
        """
        return NotImplemented

    @property
    def has_get(self) -> bool:
        """Whether one object can be read by its id."""
        return not getattr(self.get, "not_offered", False)

    @not_offered
    def get(self, obj_id: ID) -> Answer:
        """One object by its id, `None` where it is not there."""
        raise TaskDefinitionError(f"{type(self).__name__} offers changes, but no get")

    def known(self, obj_id: ID, values: Mapping[str, Any]) -> Answer:
        """An object that did not change, made of its id and values, so that it need not be read for a write.

        Only for a side whose writes look by themselves whether the object is still like that; else it is read.
        """
        return NotImplemented

    def is_gone(self, obj_id: ID) -> Answer:
        """Whether the service itself says that an object is deleted, asked before its counterpart is."""
        return True

    def gone_among(self, attribute: str, ids: Collection[ID]) -> Answer:
        """Those of these ids to which an attribute referred that the service says are deleted, maybe of another place.

        Asked when references to them are gone: one that the service took away with its object is nobody's edit.
        """
        return ()

    def concerns(self, event: Mapping[str, Any]) -> bool:
        """Whether an event that the service sent is about what is listed here; then a run follows soon."""
        return False

    # -- one object ---------------------------------------------------------------------------------------

    @abstractmethod
    def id(self, obj: Any) -> Answer:
        """Its id, which stays the same for as long as the object lives."""

    @abstractmethod
    def key(self, obj: Any) -> Answer:
        """Equal for objects of both sides that are the same thing; pairs what is not linked yet."""

    @abstractmethod
    def edited(self, obj: Any) -> Answer:
        """When it was edited last, `None` where that is not known; without a zone it is taken as UTC."""

    @abstractmethod
    def values(self, obj: Any) -> Answer:
        """Its values by attribute, at least those that are synced.

        Raises:
            ItemError: they cannot be read; the object is left as it is.
        """

    @does_nothing
    def title(self, obj: Any) -> Answer:
        """What people call it, asked only of objects that a plan names; by default its title attribute."""
        return NotImplemented

    @does_nothing
    def address(self, obj: Any) -> Answer:
        """Where a person finds it, such as a link; nowhere by default."""
        return NotImplemented

    # -- files: of a side with attributes of that kind ------------------------------------------------------

    def read_file(self, obj_id: ID, file: File, path: Path) -> Answer:
        """Write the bytes of a file that an object shows into `path`, an empty file of this machine.

        Raises:
            ItemError: it is not there any more, is not what it was, or has more bytes than may be carried.
        """
        raise ItemError(f"{self.label} gives no bytes of files: {file.name}")

    def lacks_files(self, obj: Any, attribute: str, files: Sequence[File]) -> Answer:
        """Which of these files have to come with their bytes, so that an attribute can be set to all of them.

        The write that follows gets each of those with its `path`. All others are links, or known to this side by
        their content.

        Args:
            obj: the object; `None` for one that is to be made.
            attribute: its attribute.
            files: all that it is to have.

        Raises:
            ItemError: one cannot be taken, which is said before any bytes are carried.
        """
        return [file for file in files if file.address is None]

    # -- writing ------------------------------------------------------------------------------------------

    @abstractmethod
    def create(self, key: str, values: dict[str, Any]) -> Answer:
        """Create an object and return it; a retry of the same create comes with the same key.

        Raises:
            ItemError: the service does not take it.
            OutcomeUnknownError: it may have been made.
        """

    @abstractmethod
    def update(self, obj: Any, changes: dict[str, Any]) -> Answer:
        """Set the changed attributes in one write and return the object as it is now.

        A side that can only set them one by one returns `NotImplemented`, and has `update_one`.

        Raises:
            PreconditionError: the object changed since it was read.
            UnfitError: some values do not fit; nothing was written.
            OutcomeUnknownError: it may have been written.
        """

    def update_one(self, obj: Any, attribute: str, value: Any) -> Answer:
        """Set one attribute of an object, in place."""
        raise TaskDefinitionError(f"{type(self).__name__}.update must return the object as it is now")

    @abstractmethod
    def delete(self, obj: Any) -> Answer:
        """Delete an object, into the trash where there is one.

        Raises:
            PreconditionError: the object changed since it was read.
        """

    def made(self, key: str) -> Answer:
        """The id of what a create with this key made, if it made anything; `None` where that is not known.

        Asked when the answer of a create was lost: its object may have been edited since, and be known neither by
        its values nor by its own key.
        """
        return NotImplemented

    def restore(self, obj_id: ID) -> Answer:
        """Take a deleted object out of the trash, under its old id, and return it; `None` where it is gone for good.

        Asked when a deletion is undone, or an edit beats it. Where this is not written, or it is gone, a new one is
        made of what was synced.
        """
        return NotImplemented

    def before_write(self) -> None:
        """Make sure that this run may still write; a side that waits before it sends calls this then.

        Every write of a run is preceded by this check. A re-read, a back-off or a turn in a queue may come
        between, and the node's lock may be lost in that time.

        Raises:
            LockLostError: another run has taken the node over.
        """
        check_lock.get()()

    def spelled(self, method: str) -> str:
        """How the author of the side knows a method, for messages about a mistake in it."""
        return f"{type(self).__name__}.{method}"
