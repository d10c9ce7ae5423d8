"""Where a run keeps what must outlive it: links with their bases, begun creates, lost values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tasks.merge import Conflict, Intent, Link


@dataclass(frozen=True, slots=True)
class Base:
    """What is remembered of a task before a run."""

    links: Sequence[Link] = ()
    #: Creates and updates of earlier runs whose outcome is unknown.
    intents: Sequence[Intent] = ()


class Journal(Protocol):
    """Durable when a call returns; every call is one transaction.

    Raises:
        StateError: what is stored cannot be read or written.
        LockLostError: a newer session of the node has written here.
    """

    async def load(self) -> Base:
        """All links and open intents."""
        ...

    async def begin(self, intent: Intent) -> None:
        """Keep an intent before its write is sent; the same key replaces the earlier one."""
        ...

    async def confirm(
        self, *, put: Link | None = None, drop: Link | None = None, settle: Sequence[str] = ()
    ) -> None:
        """After a write was proved: keep a link with its new base, forget a link, close intents."""
        ...

    async def keep_conflict(self, conflict: Conflict) -> None:
        """Keep both values of a conflict before the losing one is overwritten; a repetition is kept once."""
        ...
