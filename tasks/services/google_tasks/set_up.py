"""Setting Google Tasks up by asking: the consent in a browser, and the task lists of the account."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from tasks.services.google_tasks.consent import ask_consent
from tasks.services.google_tasks.side import Tasks, usual_token_file
from tasks.services.google_tasks.task_list import find_lists
from tasks.sides import Answers, Place, Question, SetUp, Tell

_CLIENT = Question(
    "client_secret",
    "File of the OAuth client",
    "In the Google Cloud console, enable the Tasks API, make an OAuth client of the type “desktop app” and download "
    "its JSON. Then a browser opens, in which you allow Lockstep to sync your tasks.",
)


def _file(answers: Answers) -> Path:
    said = answers.get("token_file")
    return Path(said).expanduser() if said else usual_token_file()


def _by_service_account(answers: Answers) -> bool:
    said = answers.get("service_account") or os.environ.get("GOOGLE_TASKS_SERVICE_ACCOUNT")
    return bool(said) and not answers.get("token_file")


def _questions(answers: Answers) -> Sequence[Question]:
    if _by_service_account(answers) or _file(answers).exists():
        return ()
    return (_CLIENT,)


def _log_in(answers: Answers, tell: Tell) -> None:
    ask_consent(Path(answers["client_secret"]).expanduser(), _file(answers), tell=tell)


async def _places(answers: Answers, tell: Tell) -> list[Place]:
    given = {name: answers.get(name) for name in ("token_file", "service_account", "subject", "base_url")}
    if answers.get("client_secret"):
        await asyncio.to_thread(_log_in, answers, tell)
    client = Tasks(**given).make_client()
    try:
        found = await find_lists(client)
    finally:
        await client.close()
    titles = [one.title for one in found]
    return [
        # By its title, as people write it, where that is the only one of its name.
        Place(one.title, {"list": one.title if titles.count(one.title) == 1 else one.id}, one.id)
        for one in found
    ]


SET_UP = SetUp(_questions, _places, "task list")
