"""What docs/markdown.md says of the side is so."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tasks.services.markdown import SERVICE, Folder
from tasks.services.markdown.document import LARGEST
from tasks.services.markdown.fields import KINDS
from tasks.services.markdown.names import LONGEST
from tasks.services.options import options_of
from tasks.sides import GROUP
from tests.docs.pages import ROOT, block

PAGE = (ROOT / "docs/markdown.md").read_text("utf-8")


def test_the_side_on_the_page_is_made_alike(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "Notes").mkdir()
    (tmp_path / "Notes/a.md").write_text("x")
    text = block("markdown.md", "[sync.markdown]").text
    sides = [SERVICE.make(SERVICE.table.model_validate(tomllib.loads(text)["sync"]["markdown"]))]
    code: dict[str, object] = {}
    exec(block("markdown.md", "from tasks.services.markdown").text, code)
    assert isinstance(code["notes"], Folder)
    sides.append(code["notes"])
    described = []
    for side in sides:
        side.open()
        described.append((side.label, side.scope(), side.describe(), [note.path for note in side.list()]))
        side.close()
    assert described[0] == described[1]
    assert described[0][3] == ["a.md"]


def test_every_option_is_on_the_page_with_its_default() -> None:
    text = re.sub(r"^# (?=\w+ = )", "", block("markdown.md", "[sync.markdown]").text, flags=re.MULTILINE)
    shown = tomllib.loads(text)["sync"]["markdown"]
    options = {one.name: one for one in options_of(SERVICE.table)}
    assert shown.keys() == options.keys()
    said = {
        name: value for name, value in shown.items() if name not in ("folder", "fields", "new_in", "zone")
    }
    assert said == {name: options[name].default for name in said}


def test_the_service_is_announced() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    point = EntryPoint(SERVICE.name, project["entry-points"][GROUP][SERVICE.name], GROUP)
    assert point.load() is SERVICE
    assert all(field.description for field in SERVICE.table.model_fields.values())


def test_what_the_page_counts_and_names_is_so() -> None:
    words = PAGE.replace("\n", " ")
    assert f"more than {LONGEST} bytes" in words
    assert f"more than {LARGEST // 1_000_000} MB" in words
    kinds = " ".join(PAGE.partition("`fields` knows the kinds ")[2].partition(".")[0].split()).replace(
        " and ", ", "
    )
    assert kinds.split(", ") == list(KINDS)
