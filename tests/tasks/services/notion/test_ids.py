"""Ids are found in every form in which people copy them."""

from __future__ import annotations

import pytest

from tasks.errors import TaskDefinitionError
from tasks.services.notion.api.ids import parse_id

ID = "3839ce7b-60a4-802c-b152-000ba814957b"
PLAIN = ID.replace("-", "")


@pytest.mark.parametrize(
    "text",
    [
        ID,
        PLAIN,
        PLAIN.upper(),
        f"  {ID}\n",
        f"https://www.notion.so/{PLAIN}",
        f"https://www.notion.so/team/Tasks-of-the-decade-{PLAIN}?v=0bc7b2c3000000000000000000000000&pvs=4",
        f"https://app.notion.com/p/Tasks-{PLAIN}",
        f"https://app.notion.com/p/{ID}/",
        f"https://team.notion.site/Tasks-{PLAIN}#section",
    ],
)
def test_forms_of_an_id(text: str) -> None:
    assert parse_id(text) == ID


@pytest.mark.parametrize(
    "text", ["", "Tasks", PLAIN[:-1], "a" + PLAIN, "https://www.notion.so/Tasks", f"x?v={PLAIN}"]
)
def test_what_holds_no_id(text: str) -> None:
    with pytest.raises(TaskDefinitionError, match="holds no Notion id"):
        parse_id(text)
