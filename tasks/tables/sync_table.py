"""What every `[[sync]]` table may say, whatever its services are."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tasks.schedule import read_period
from tasks.two_way import TwoWay


class SyncTable(BaseModel):
    """The keys of a `[[sync]]` table besides those of its two services."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Annotated[str, Field(min_length=1)]
    #: Time between the starts of two runs.
    every: Annotated[timedelta, BeforeValidator(read_period)] | None = None
    #: How many runs there are in all.
    in_total: Annotated[int, Field(ge=1, strict=True)] | None = None
    once: Annotated[bool, Field(strict=True)] = False
    #: `newer`, `error`, or the service whose value stays.
    conflict_mode: str = "newer"
    #: Whether an object that was edited on one side survives its deletion on the other.
    edit_beats_delete: Annotated[bool, Field(strict=True)] = True
    #: The shares of the linked objects that a run may delete, and on which it may overwrite an attribute.
    delete_share: Annotated[float, Field(ge=0, le=1)] = TwoWay.delete_share
    change_share: Annotated[float, Field(ge=0, le=1)] = TwoWay.change_share
    #: The right side's attributes by those of the left one; `None`: those that usually go together.
    map: dict[str, Any] | None = None
    #: What new objects get besides, by service and attribute.
    new: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_how_often(self) -> Self:
        if self.once and (self.every is not None or self.in_total is not None):
            raise ValueError("once = true does not go with every or in_total")
        if not self.once and self.every is None and self.in_total is None:
            raise ValueError('it does not say how often: add every = "5m", or once = true')
        return self

    def schedule(self, task: TwoWay) -> TwoWay:
        """Schedule a task as the table says."""
        if self.every is not None:
            task.run_every(seconds=int(self.every.total_seconds()))
        if self.in_total is not None:
            task.in_total(self.in_total)
        if self.once:
            task.run_once()
        return task.schedule()
