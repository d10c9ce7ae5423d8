"""Setting Notion up by asking: the token, and the data sources that it can see."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import SecretStr

from config import get_settings
from tasks.errors import SideError, TaskDefinitionError
from tasks.services.notion.api.answers import RefusedError
from tasks.services.notion.api.client import Json, NotionClient
from tasks.services.notion.api.queries import PAGE_SIZE
from tasks.services.notion.api.refusals import TOKEN_NAME
from tasks.services.notion.columns import rich_text
from tasks.sides import Answers, Place, Question, SetUp, Tell

HOW_TO_SHARE = (
    "share a database with the connection: open it as a page in Notion, and under ••• → Connections add the "
    "connection"
)
HOW_TO_GET = (
    "As owner of the workspace, open Settings → Connections in Notion and there the link to develop your own; make a "
    "new internal connection (formerly: integration) that may read, insert and update content, and copy its secret. "
    "Then open the database that is to be synced as a page, and under ••• → Connections add the new connection: "
    "without that, Notion shows no such database."
)


def _variable(answers: Answers) -> str:
    return answers.get("token_variable", TOKEN_NAME)


def _questions(answers: Answers) -> Sequence[Question]:
    return (Question(_variable(answers), "Token of Notion", HOW_TO_GET, secret=True),)


async def _places(answers: Answers, tell: Tell) -> list[Place]:
    name = _variable(answers)
    token = SecretStr(answers.get(name, ""))
    async with NotionClient(token, base_url=get_settings().notion_base_url, token_name=name) as client:
        found = [_place(source) for source in await _search(client) if not source.get("in_trash")]
    if not found:
        raise TaskDefinitionError(f"the token sees no database of Notion: {HOW_TO_SHARE}")
    return found


async def _search(client: NotionClient) -> list[Json]:
    """All data sources that are shared with the token, the one that was edited last first."""
    body: Json = {
        "filter": {"property": "object", "value": "data_source"},
        "sort": {"timestamp": "last_edited_time", "direction": "descending"},
        "page_size": PAGE_SIZE,
    }
    found: dict[str, Json] = {}
    cursor: str | None = None
    while True:
        asked = body if cursor is None else body | {"start_cursor": cursor}
        try:
            answer = await client.query("search", asked, subject="the databases of Notion")
        except RefusedError as error:
            raise SideError(f"Notion does not list the databases: {error}") from None
        found |= {one["id"]: one for one in answer.get("results", ()) if one.get("object") == "data_source"}
        following = answer.get("next_cursor") if answer.get("has_more") else None
        if following is None or following == cursor:
            return list(found.values())
        cursor = following


def _place(source: Json) -> Place:
    title = " ".join(rich_text.plain(source.get("title")).split()) or "(without a title)"
    return Place(title, {"data_source": source["id"]}, source.get("url") or source["id"])


SET_UP = SetUp(_questions, _places, "data source")
