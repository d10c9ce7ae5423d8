"""Setting GitHub up by asking: the token, and the repositories that it can see."""

from __future__ import annotations

import os
from collections.abc import Sequence

from pydantic import SecretStr

from tasks.errors import TaskDefinitionError
from tasks.services.github.client import Client
from tasks.services.github.login import TokenLogin
from tasks.services.github.repository import GITHUB, read_all
from tasks.sides import Answers, Place, Question, SetUp, Tell

_TOKEN = "GITHUB_TOKEN"  # noqa: S105 - it is a name
_HELP = (
    "On GitHub, Settings → Developer settings → Personal access tokens → Fine-grained tokens: make one for the "
    "repository, with the permission Issues: Read and write."
)


def _questions(answers: Answers) -> Sequence[Question]:
    if not answers.get(_TOKEN) and os.environ.get("GH_TOKEN"):
        return ()
    return (Question(_TOKEN, "Token of GitHub", _HELP, secret=True),)


async def _places(answers: Answers, tell: Tell) -> list[Place]:
    token = SecretStr((answers.get(_TOKEN) or os.environ.get("GH_TOKEN") or "").strip())
    url = answers.get("url")
    client = Client(url or GITHUB, TokenLogin(token))
    try:
        found = await read_all(client, "user/repos", {"sort": "updated"}, "the repositories", needed=True)
    finally:
        await client.close()
    usable = [one for one in found if one.get("has_issues") and not one.get("archived")]
    if not usable:
        raise TaskDefinitionError(
            "the token sees no repository with issues: make one for the repository, with the permission Issues"
        )
    return [
        Place(str(one["full_name"]), {"repository": str(one["full_name"])}, str(one.get("html_url", "")))
        for one in usable
    ]


SET_UP = SetUp(_questions, _places, "repository")
