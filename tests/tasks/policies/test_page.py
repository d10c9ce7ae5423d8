"""The page on policies says what the code does."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from typing import Any

import pytest

from tasks.merge import Deletion, Match, Window
from tasks.policies import Rules, Said, read_rules
from tasks.sides import End
from tests.docs.pages import ROOT, block

ENDS = {"notion": End.LEFT, "caldav": End.RIGHT}


def rules(key: str, block_of_toml: str, block_of_python: str) -> Rules:
    """The rules that a pair of blocks says."""
    table = tomllib.loads(block("policies.md", block_of_toml).text)
    given: dict[str, Any] = {}
    exec(block("policies.md", block_of_python).text, given)
    said = table.get("sync", table)
    assert given[key] == said[key]
    return read_rules({key: given[key]}, ENDS)


def test_the_rules_on_the_page_are_read_alike_in_both_languages() -> None:
    assert rules("delete", "[sync.delete]", "delete =").deletions == {
        End.LEFT: Deletion("mark", "Status", "Archived"),
        End.RIGHT: Deletion("unlink"),
    }


def test_a_mirror_on_the_page_is_read_alike_in_both_languages() -> None:
    table = tomllib.loads(block("policies.md", "# A mirror").text)["sync"][0]
    given: dict[str, Any] = {}
    exec(block("policies.md", "only_to =").text, given)
    assert {key: given[key] for key in table} == table
    mirror = read_rules(table, ENDS)
    assert (mirror.only_to, mirror.keeps_target_edits) == (End.RIGHT, False)


def test_matching_and_settling_are_read_alike_in_both_languages() -> None:
    table = tomllib.loads(block("policies.md", "[[sync]]").text)["sync"][0]
    given: dict[str, Any] = {}
    exec(block("policies.md", "match = ").text, given)
    assert {key: given[key] for key in table} == table
    read = read_rules(table, ENDS)
    assert (read.match, read.settle) == (Match(("Name", "due")), timedelta(seconds=30))
    assert read.creates == frozenset(End)


def test_a_first_sync_is_read_alike_in_both_languages() -> None:
    table = tomllib.loads(block("policies.md", "# Link only").text)["sync"][0]
    given: dict[str, Any] = {}
    exec(block("policies.md", "first_sync = ").text, given)
    assert {key: given[key] for key in table} == table
    assert read_rules(table, ENDS).spares == frozenset(End)


def test_what_is_taken_is_read_alike_in_both_languages() -> None:
    table = tomllib.loads(block("policies.md", "[sync]").text)["sync"]
    given: dict[str, Any] = {}
    exec(block("policies.md", "only = ").text, given)
    assert {key: given[key] for key in table} == table
    taken = read_rules(table, ENDS)
    assert taken.window == Window("due", timedelta(days=30), timedelta(days=180), undated=True)
    assert taken.filters == {End.LEFT: {"Status": ["Open", "Doing"]}}
    assert taken.leaves == read_rules({}, ENDS).leaves == dict.fromkeys(End, "unlink")


def test_status_columns_are_read_alike_in_both_languages() -> None:
    (columns,) = rules("columns", "[sync.columns.notion]", "columns =").columns.values()
    assert columns.attributes == {"address": "Counterpart", "synced": "Last synced", "state": "Sync"}
    assert not columns.eager


@pytest.mark.parametrize("key", Said.__annotations__)
def test_every_rule_is_on_the_page(key: str) -> None:
    assert f"`{key}`" in (ROOT / "docs/policies.md").read_text("utf-8")
