"""The token of a data source of another workspace, which stands in a variable of its own."""

from __future__ import annotations

from typing import Any

import pytest

from config import get_settings
from tasks.errors import SideError, TaskDefinitionError
from tasks.services.found import services
from tasks.services.notion import DataSource
from tasks.tables.reading import read_table
from tests.tasks.services.notion.scripted_server import error, scripted_server

SOURCE = "0" * 32
WORK = "NOTION_TOKEN_WORK"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("NOTION_TOKEN", "ntn_home")
    monkeypatch.setenv(WORK, "ntn_work")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def end(**said: Any) -> dict[str, Any]:
    return {"data_source": SOURCE, **said}


def test_two_ends_of_a_table_have_a_token_each() -> None:
    table = {"name": "t", "once": True, "notion": [end(), end(token_variable=WORK)], "map": {"A": "B"}}
    sides = [*read_table(table, services()).task().sides.values()]
    tokens = [side.make_client()._notion.options.auth for side in sides]  # type: ignore[attr-defined]
    assert tokens == ["ntn_home", "ntn_work"]


def test_a_token_that_is_not_there_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WORK)
    with pytest.raises(SideError, match=r"^NOTION_TOKEN_WORK is not set"):
        DataSource(SOURCE, token_variable=WORK).make_client()
    monkeypatch.setenv(WORK, "ntn work")
    with pytest.raises(SideError, match=r"^NOTION_TOKEN_WORK holds signs"):
        DataSource(SOURCE, token_variable=WORK).make_client()


async def test_a_token_that_is_refused_is_named_by_its_variable() -> None:
    async with scripted_server() as server:
        server.will(error(401, "unauthorized", "API token is invalid."))
        async with DataSource(SOURCE, token_variable=WORK, base_url=server.url).make_client() as client:
            with pytest.raises(SideError, match="check NOTION_TOKEN_WORK"):
                await client.read("users/me", subject="who we are")


def test_a_variable_without_a_name_is_refused() -> None:
    table = {"name": "t", "once": True, "notion": [end(), end(token_variable="")], "map": {"A": "B"}}
    with pytest.raises(TaskDefinitionError, match="token_variable"):
        read_table(table, services())
