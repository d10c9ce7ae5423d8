"""How a task list is named in `lockstep.toml`, and what its page says."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.services.google_tasks import ATTRIBUTES, SERVICE, Tasks
from tasks.sides import GROUP
from tests.docs.pages import block

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"list": ""}, "at least 1 character"),
        ({"lists": "x"}, "Extra inputs are not permitted"),
        ({"token_file": "a", "service_account": "b"}, "give one of token_file and service_account"),
    ],
)
def test_a_wrong_table_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        SERVICE.table.model_validate(given)


def test_the_service_is_announced() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    point = EntryPoint(SERVICE.name, project["entry-points"][GROUP][SERVICE.name], GROUP)
    assert point.load() is SERVICE


def test_every_key_of_the_table_says_what_it_is() -> None:
    assert all(field.description for field in SERVICE.table.model_fields.values())


def test_the_side_on_the_page_is_made_alike_in_both_languages() -> None:
    text = block("google-tasks.md", "[sync.google_tasks]").text
    side = SERVICE.make(SERVICE.table.model_validate(tomllib.loads(text)["sync"]["google_tasks"]))
    for key in ("token_file", "service_account"):
        toml = re.sub(rf"^# ({key} = )", r"\1", text, flags=re.MULTILINE)
        table = SERVICE.table.model_validate(tomllib.loads(toml)["sync"]["google_tasks"])
        assert vars(SERVICE.make(table)) != vars(side)
    toml = re.sub(r"^# (token_file = )", r"\1", text, flags=re.MULTILINE)
    side = SERVICE.make(SERVICE.table.model_validate(tomllib.loads(toml)["sync"]["google_tasks"]))
    names: dict[str, Any] = {}
    exec(block("google-tasks.md", "from tasks.services.google_tasks").text, names)
    assert isinstance(side, Tasks)
    assert vars(side) == vars(names["errands"])


def test_the_page_names_every_attribute_with_its_kind() -> None:
    page = (ROOT / "docs/google-tasks.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \| ([\w/ ]+) \| (.*) \|$", page, re.MULTILINE)
    assert [one[:2] for one in told] == [(name, one.kind.value) for name, one in ATTRIBUTES.items()]
    assert [name for name, _, words in told if words.endswith("only shown")] == [
        name for name, one in ATTRIBUTES.items() if not one.writable
    ]
