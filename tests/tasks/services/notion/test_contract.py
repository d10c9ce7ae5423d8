"""A data source keeps the contract of a side, at the local workspace."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from sandbox.notion import Sandbox
from tasks.services.notion import DataSource, LocalThrottle, NotionClient
from tasks.testing import Rule, check_side
from tests.tasks.services.notion.conftest import NO_TLS, TOKEN

COLUMNS: dict[str, Any] = {
    "Name": {"title": {}},
    "Notes": {"rich_text": {}},
    "Effort": {"number": {"format": "number"}},
    "Done": {"checkbox": {}},
    "Area": {"select": {"options": [{"name": "Home"}]}},
    "Tags": {"multi_select": {"options": []}},
    "State": {"status": {"options": [{"name": "To do"}, {"name": "Doing"}, {"name": "Ready"}]}},
    "Due": {"date": {}},
    "When": {"date": {}},
    "Link": {"url": {}},
    "Mail": {"email": {}},
    "Files": {"files": {}},
}

WITHOUT = {"create once": "Notion has no place for a key: what may have been made is looked for"}


class Near(DataSource):
    """A data source of a workspace on this machine, which needs no patience."""

    url = ""

    def make_client(self) -> NotionClient:
        return NotionClient(
            SecretStr(TOKEN),
            base_url=self.url,
            throttle=LocalThrottle(10_000, 10_000),
            transport=httpx.AsyncHTTPTransport(verify=NO_TLS),
        )


def test_a_data_source_keeps_the_contract_of_a_side(
    workspace: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that few rows give a cursor, too.
    monkeypatch.setattr("tasks.services.notion.rows.listing.PAGE_SIZE", -1)
    source = workspace.person("Ada").create_data_source("Chores", COLUMNS)

    def side() -> DataSource:
        near = Near(source, date_ranges=["When"])
        near.url = workspace.url
        return near

    report = check_side(side, advance=workspace.workspace.clock.advance, without=WITHOUT, steps=20)
    assert report.ok, report.text
    assert set(Rule) - report.reached.keys() == {Rule.CREATE_ONCE, Rule.MADE}
