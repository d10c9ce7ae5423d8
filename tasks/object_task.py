"""What all tasks share that keep objects of two sides in step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from config import get_settings
from tasks.conflict_modes import ConflictMode, checked_mode, checked_modes
from tasks.dispute import Dispute
from tasks.engine.report import Order, RunReport
from tasks.engine.run import run
from tasks.engine.sync import Progress, Sync, silent
from tasks.journal.contract import Journal
from tasks.local import run_as_scheduled
from tasks.policies import NO_RULES, Rules
from tasks.scheduled import Scheduled
from tasks.sides import End
from tasks.values.lossy import Lossy


class ObjectTask(Scheduled):
    """A task that keeps objects in step, and the rules by which it does.

    Raises:
        TaskDefinitionError: the name or the conflict mode does not fit.
    """

    #: Conflict modes of single attributes, by the left side's attribute: who owns a field has its word there.
    conflict_modes: Mapping[str, ConflictMode | str] = MappingProxyType({})
    #: Decides a conflict before any mode does: gives the value that stays, or `UNRESOLVED`. It must be pure.
    resolver: Callable[[Dispute], Any] | None = None
    #: Whether an object that was edited on one side survives its deletion on the other.
    edit_beats_delete: bool = True
    #: What it says besides: what a deletion does, and the like.
    rules: Rules = NO_RULES
    #: What one side cannot show in full, by the left side's attribute.
    lossy: Mapping[str, Lossy] = MappingProxyType({})
    #: A side that offers its changes is still listed in full this often.
    full_listing_every: timedelta = timedelta(hours=1)
    #: The share of the linked objects that one run may delete, and on which it may overwrite an attribute.
    delete_share: float = 0.5
    change_share: float = 0.5
    #: So many may be deleted or overwritten in any case.
    handful: int = 5
    #: The left side's attribute by which people call an object; `None`: the one whose name says so, such as `Name`,
    #: else the first.
    title_attr: str | None = None
    #: What a person may call the ends, besides `left` and `right`; the most telling word comes last.
    end_words: Mapping[str, End] = MappingProxyType({"notion": End.LEFT, "other": End.RIGHT})

    def __init__(self, name: str, conflict_mode: ConflictMode | str = ConflictMode.NEWER) -> None:
        super().__init__(name)
        self.conflict_mode = checked_mode(name, conflict_mode)
        self.state_path: Path = get_settings().state_dir / f"{name}.json"

    @abstractmethod
    def pairing(self) -> Sync:
        """Its two sides and what is kept in step, for one run."""

    def with_conflict_modes(self, modes: Mapping[str, ConflictMode | str]) -> Self:
        """Set the conflict modes of single attributes.

        Raises:
            TaskDefinitionError: an attribute or a mode is unknown.
        """
        self.conflict_modes = checked_modes(self.name, None, modes)
        return self

    async def run(
        self,
        journal: Journal,
        *,
        check_lock: Callable[[], None] = lambda: None,
        progress: Progress = silent,
        order: Order | None = None,
        dry_run: bool = False,
    ) -> RunReport:
        """Bring both sides together once; see `tasks.engine.run.run`.

        Raises:
            TaskError: the run could not be carried to its end; all that was confirmed is kept.
        """
        return await run(
            self.pairing(), journal, check_lock=check_lock, progress=progress, order=order, dry_run=dry_run
        )

    async def __call__(self) -> None:
        """Run as scheduled in this process, with the state in `state_path`.

        Raises:
            TaskError: a run failed; the state holds all that was confirmed before.
        """
        await run_as_scheduled(self)
