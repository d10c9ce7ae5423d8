"""What every `[[sync]]` table may say, whatever its services are."""

from __future__ import annotations

from typing import Annotated, Any, Self, cast

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from config import checks
from tasks.policies import Said
from tasks.schedule.table import Period, ScheduleKeys
from tasks.two_way import TwoWay


def _checked_ping(url: str) -> str:
    return checks.ping(url)


class SyncTable(ScheduleKeys):
    """The keys of a `[[sync]]` table besides those of its two services."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    once: Annotated[bool, Field(strict=True)] = False
    """one run, also across restarts"""
    conflict_mode: str = "newer"
    """`newer`, `error`, or the service whose value stays"""
    edit_beats_delete: Annotated[bool, Field(strict=True)] = True
    """whether an object that was edited on one side survives its deletion on the other"""
    delete_share: Annotated[float, Field(ge=0, le=1)] = TwoWay.delete_share
    """the share of the linked objects that a run may delete"""
    change_share: Annotated[float, Field(ge=0, le=1)] = TwoWay.change_share
    """the share of them on which it may overwrite or blank an attribute"""
    handful: Annotated[int, Field(ge=0, strict=True)] = TwoWay.handful
    """so many of each are allowed in any case"""
    full_listing_every: Period | None = None
    """how often sides that say what changed are listed in full; each hour unless given"""
    map: dict[str, Any] | None = None
    """the right side's attributes by those of the left one; without it those that usually go together"""
    only_to: str | None = None
    """the only service that is written"""
    target_edits: str | None = None
    """what becomes of edits there: `overwrite` or `keep`"""
    delete: dict[str, Any] | None = None
    """what a deletion does to the object across, by the service to which it would go"""
    only: dict[str, Any] | None = None
    """which objects are taken, by their values"""
    window: dict[str, Any] | None = None
    """which objects are taken, by time"""
    leave: str | dict[str, Any] | None = None
    """what becomes of a pair of which one object leaves those that are taken"""
    match: str | list[str] | dict[str, Any] | None = None
    """by which attributes objects are the same thing"""
    create: str | None = None
    """where new objects are made"""
    first_sync: str | None = None
    """the same of what is there when the task syncs first: `both`, `neither`, `to_notion` and the like"""
    settle: str | None = None
    """how long an edit waits before it goes across"""
    ping: Annotated[str, AfterValidator(_checked_ping)] | None = None
    """address of a check of Healthchecks that hears of each run"""
    columns: dict[str, Any] | None = None
    """attributes in which Lockstep itself tells of the sync, by service"""
    new: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """what new objects get besides, by service and attribute"""

    @model_validator(mode="after")
    def _says_how_often(self) -> Self:
        if self.once and self.says_how_often:
            raise ValueError("once = true does not go with every, cron or in_total")
        if not self.once and not self.says_how_often:
            raise ValueError(
                'it does not say how often: add every = "5m", cron = "0 9 * * mon-fri", or once = true'
            )
        return self

    @property
    def said(self) -> Said:
        """Its rules besides the mapping, as `TwoWay` takes them."""
        given = {name: getattr(self, name) for name in Said.__annotations__}
        return cast("Said", {name: value for name, value in given.items() if value is not None})

    def schedule(self, task: TwoWay) -> TwoWay:
        """Schedule a task as the table says."""
        task.ping = self.ping
        return task.runs(self.timing).schedule()
