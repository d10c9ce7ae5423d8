"""Setting a calendar up by asking: the server or the mailbox, its user, and the calendars there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from tasks.errors import TaskDefinitionError
from tasks.services.caldav.collection.discovery import list_calendars
from tasks.services.caldav.entries.codec import Codec
from tasks.services.caldav.entries.event import EVENTS
from tasks.services.caldav.entries.todo import TODOS
from tasks.services.caldav.server.client import CalDAVClient
from tasks.services.caldav.server.oauth import TokenFile
from tasks.services.caldav.server.told import Told
from tasks.sides import Answers, Place, Question, SetUp, Tell

_USER, _PASSWORD = "CALDAV_USERNAME", "CALDAV_PASSWORD"
_ADDRESS = Question(
    "url",
    "Address of the calendar server, or your mail address there",
    "Such as https://cloud.example.org/remote.php/dav/, the address of one calendar, or anna@example.org.",
)
_SECOND_FACTOR = (
    "With a second factor, most servers ask for an app password, made in the settings of the account."
)


def _questions(answers: Answers) -> Sequence[Question]:
    if answers.get("token_file") or os.environ.get("CALDAV_TOKEN"):
        return (_ADDRESS,)
    return (
        _ADDRESS,
        Question(_USER, "User at the calendar server"),
        Question(_PASSWORD, "Password", _SECOND_FACTOR, secret=True),
    )


def _tokens(file: str) -> TokenFile:
    return TokenFile(Path(file).expanduser())


async def _places(codec: Codec, answers: Answers, tell: Tell) -> list[Place]:
    told = Told.of("any", answers["url"])
    file, token = answers.get("token_file"), os.environ.get("CALDAV_TOKEN")
    client = CalDAVClient(
        told.url,
        answers.get(_USER) or told.username,
        SecretStr(answers[_PASSWORD]) if answers.get(_PASSWORD) else told.password,
        token=SecretStr(token) if token and not file else None,
        tokens=_tokens(file) if file else None,
    )
    async with client:
        found = await list_calendars(client, codec, by_mail=told.by_mail)
    usable = [one for one in found if one.takes]
    if not usable:
        raise TaskDefinitionError(
            f"{client.server} shows this user no calendar that takes {codec.nouns}: make one there, with any app"
        )
    return [Place(one.name, {"calendar": one.href.rstrip("/") + "/"}, one.href) for one in usable]


TODOS_SET_UP = SetUp(_questions, partial(_places, TODOS), "calendar")
EVENTS_SET_UP = SetUp(_questions, partial(_places, EVENTS), "calendar")
