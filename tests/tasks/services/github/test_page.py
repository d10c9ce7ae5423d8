"""What docs/github.md says of the side is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from tasks.services.github import ISSUE, SERVICE, Issues
from tasks.services.options import options_of
from tests.docs.pages import block

PAGE = Path(__file__).parents[4] / "docs/github.md"


def test_the_side_on_the_page_is_made_alike_in_both_languages() -> None:
    text = block("github.md", "[sync.github]").text
    for toml in (text, re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)):
        table = SERVICE.table.model_validate(tomllib.loads(toml)["sync"]["github"])
        side = SERVICE.make(table)
    names: dict[str, Any] = {}
    exec(block("github.md", "from tasks.services.github").text, names)
    assert isinstance(side, Issues)
    assert side.scope() == names["board"].scope()
    plain = SERVICE.table.model_validate(tomllib.loads(text)["sync"]["github"])
    defaults = table.model_dump(exclude={"token", "url"})
    assert defaults == plain.model_dump(
        exclude={"token", "url"}
    )  # what is commented out is what holds anyway


def test_the_test_on_the_page_passes() -> None:
    names: dict[str, Any] = {}
    exec(block("github.md", "import httpx").text, names)
    names["test_issues_are_a_side"]()


def test_the_page_names_every_attribute_with_its_kind() -> None:
    told = re.findall(r"^\| `(\w+)` \| ([\w/ ]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert told == [(name, attribute.kind.value) for name, attribute in ISSUE.items()]


def test_the_page_names_every_option() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [one.name for one in options_of(SERVICE.table) if one.name not in page] == []
