"""The keys of a table that say when its task runs: the same words for all kinds of tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tasks.errors import TaskDefinitionError
from tasks.schedule.period import read_period
from tasks.schedule.schedule import Schedule
from tasks.schedule.turns import checked

Period = Annotated[timedelta, BeforeValidator(read_period)]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class ScheduleKeys(BaseModel):
    """What a table says of its task: the name, and its schedule."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: Annotated[str, Field(min_length=1)]
    """what the task is called, everywhere"""
    every: Period | None = None
    """time between the starts of two runs"""
    cron: str | None = None
    """times of the calendar in five fields, in the place of a period"""
    timezone: str | None = None
    """in which `cron` and `quiet` are read; UTC unless given"""
    jitter: Period | None = None
    """by how much a start is put off at most"""
    quiet: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """when nothing is started, such as `22:00-06:00`"""
    catch_up: str = "once"
    """what becomes of turns that nobody could take: `once` or `skip`"""
    pause_after: Annotated[int, Field(ge=1, strict=True)] | None = None
    """failures in a row after which the task is paused"""
    in_total: Annotated[int, Field(ge=1, strict=True)] | None = None
    """how many runs there are in all"""

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        try:
            checked(self.timing)
        except TaskDefinitionError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def says_how_often(self) -> bool:
        """Whether there is a period, an expression or a total."""
        return self.every is not None or self.cron is not None or self.in_total is not None

    @property
    def timing(self) -> Schedule:
        """The schedule that they say; once, where they say none."""
        return Schedule(
            self.every,
            self.in_total,
            cron=self.cron,
            timezone=self.timezone or "",
            jitter=self.jitter or timedelta(0),
            quiet=self.quiet,
            catch_up=self.catch_up,
            pause_after=self.pause_after,
        )
