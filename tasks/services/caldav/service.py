"""How calendars are named in a table of `lockstep.toml`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tasks.services.caldav.events import EVENT, Events, Shows
from tasks.services.caldav.set_up import EVENTS_SET_UP, TODOS_SET_UP
from tasks.services.caldav.todos import TODO, Todos
from tasks.sides import Service


class CalendarTable(BaseModel):
    """The to-dos of one calendar: `[sync.caldav]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    calendar: str = Field(description="the calendar's address, or with url its name as apps show it")
    url: str | None = Field(
        None, description="the server's address, or your mail address there, where calendar is a name"
    )
    username: str | None = Field(None, description="its user; without one, CALDAV_USERNAME")
    password: SecretStr | None = Field(None, description="the user's password; without one, CALDAV_PASSWORD")
    token: SecretStr | None = Field(
        None, description="a bearer token instead of user and password; without one, CALDAV_TOKEN"
    )
    token_file: str | None = Field(
        None, description="instead, a file of OAuth with client_id, client_secret and refresh_token"
    )
    floating_zone: str = Field("UTC", description="the zone of times that name none, such as Europe/Berlin")


class EventsTable(CalendarTable):
    """The events of one calendar: `[sync.caldav_events]`."""

    series: Shows = Field("first", description="which occurrence an event that recurs shows: first or next")


def _make_todos(table: CalendarTable) -> Todos:
    return Todos(
        table.calendar,
        url=table.url,
        username=table.username,
        password=table.password,
        token=table.token,
        token_file=table.token_file,
        floating_zone=table.floating_zone,
    )


def _make_events(table: EventsTable) -> Events:
    return Events(
        table.calendar,
        url=table.url,
        username=table.username,
        password=table.password,
        token=table.token,
        token_file=table.token_file,
        floating_zone=table.floating_zone,
        series=table.series,
    )


SERVICE = Service(
    name="caldav",
    label="CalDAV to-dos",
    table=CalendarTable,
    make=_make_todos,
    attributes=TODO,
    set_up=TODOS_SET_UP,
)
EVENTS_SERVICE = Service(
    name="caldav_events",
    label="CalDAV events",
    table=EventsTable,
    make=_make_events,
    attributes=EVENT,
    set_up=EVENTS_SET_UP,
)
