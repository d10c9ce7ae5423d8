"""How to-dos of a calendar are named in a table of `lockstep.toml`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tasks.services.caldav.todos import TODO, Todos
from tasks.sides import Service


class CalendarTable(BaseModel):
    """One calendar: `[sync.caldav]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    calendar: str = Field(description="the calendar's address")
    username: str | None = Field(None, description="its user; without one, CALDAV_USERNAME")
    password: SecretStr | None = Field(None, description="the user's password; without one, CALDAV_PASSWORD")
    floating_zone: str = Field("UTC", description="the zone of times that name none, such as Europe/Berlin")


def _make(table: CalendarTable) -> Todos:
    return Todos(
        table.calendar,
        username=table.username,
        password=table.password,
        floating_zone=table.floating_zone,
    )


SERVICE = Service(name="caldav", label="CalDAV to-dos", table=CalendarTable, make=_make, attributes=TODO)
