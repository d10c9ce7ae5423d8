"""What is made of the code is as the code is now."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest

from config import Settings
from tasks.database.sql.declared import NodeTable
from tasks.tables.sync_table import SyncTable
from tests.docs.pages import ROOT


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(ROOT / "proof"), *sys.path])
    return importlib.import_module("reference")


def test_each_page_is_what_is_made_of_the_code(reference: ModuleType) -> None:
    for path, (text, made) in reference.pages().items():
        assert text == made, f"{path.name} is out of date: make reference"


def test_a_change_of_the_code_or_of_a_page_is_seen(
    reference: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings.model_fields["lease_seconds"], "default", 31.0)
    changed = [path.name for path, (text, made) in reference.pages().items() if text != made]
    assert changed == ["settings.md"]
    with pytest.raises(ValueError, match="the page lacks <!-- end of settings -->"):
        reference.between("<!-- settings: made by make reference -->", "settings", "")


@pytest.mark.parametrize("model", [Settings, SyncTable, NodeTable])
def test_each_key_says_what_it_means(model: type[Settings | SyncTable | NodeTable]) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_nothing_of_the_public_names_is_without_a_word(reference: ModuleType) -> None:
    page = reference.api_page()
    for module in reference.PUBLIC:
        assert f"## `{module}`" in page
    parts = page.split("\n### ")
    assert len(parts) > 100
    assert [part.splitlines()[0] for part in parts if len(part.splitlines()) < 3] == []
    assert " at 0x" not in page
