"""What can go wrong while a task runs, told so that a person can mend it.

Every error here is foreseen: its message names the thing and the mend, and is all that a user sees.
"""

from __future__ import annotations

from collections.abc import Iterable


class TaskError(Exception):
    """Base of all foreseen errors of a task; its message is shown without a traceback."""


class TaskDefinitionError(TaskError):
    """A task is defined wrongly: a name used twice, an unknown attribute, a period that is not positive."""


class StateError(TaskError):
    """What a task remembered cannot be read or is not its to use."""


class SideError(TaskError):
    """A service refused or could not be reached; nothing more can be said of its objects in this run."""


class CursorExpiredError(TaskError):
    """A service does not know a cursor any more: the side has to be listed in full."""


class ItemError(TaskError):
    """One object could not be written; the others are not touched by it."""


class UnfitError(ItemError):
    """Some attributes of an update do not fit the object, and nothing was written: the others can be without them."""

    def __init__(self, message: str, attributes: Iterable[str]) -> None:
        super().__init__(message)
        #: By the names that the side uses.
        self.attributes = frozenset(attributes)


class PreconditionError(ItemError):
    """The object changed between reading and writing; the next run sees the new content."""


class OutcomeUnknownError(ItemError):
    """A write was sent and no answer came: it may have been applied."""


class LockLostError(TaskError):
    """This run no longer holds its node's lock and must not write."""


class ExitError(TaskError):
    """A task's code called `sys.exit`, as some libraries do where a login is missing."""
