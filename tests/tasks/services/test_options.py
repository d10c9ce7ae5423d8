from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, SecretStr

from tasks.services.options import TableOption, options_of


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    depth: int


class Everything(BaseModel):
    place: str = Field(description="Where it is.")
    key: SecretStr = SecretStr("hidden-word")
    login: SecretStr | None = None
    file: Path = Path("here.txt")
    loud: bool = False
    few: Annotated[int, Field(ge=1)] = 3
    share: float = 0.5
    wait: timedelta = timedelta(seconds=30)
    mode: Literal["on", "off"] = "on"
    colour: Colour = Colour.RED
    tags: tuple[str, ...] = ()
    days: list[int] = Field(default_factory=lambda: [1, 2])
    either: int | str = 1
    names: dict[str, str] = Field(default_factory=dict)
    inner: Inner | None = None
    filter: dict[str, Any] | None = None
    other: Any = None
    called: str = Field("x", alias="as")


def test_the_types_are_told_in_words() -> None:
    told = {one.name: one.type for one in options_of(Everything)}
    assert told == {
        "place": "text",
        "key": "secret text",
        "login": "secret text",
        "file": "path",
        "loud": "true or false",
        "few": "whole number",
        "share": "number",
        "wait": "period",
        "mode": '"on" or "off"',
        "colour": '"red" or "blue"',
        "tags": "list of text",
        "days": "list of whole number",
        "either": "whole number or text",
        "names": "table of text",
        "inner": "table",
        "filter": "table",
        "other": "value",
        "as": "text",
    }


def test_what_holds_where_nothing_is_said() -> None:
    options = {one.name: one for one in options_of(Everything)}
    assert options["place"] == TableOption("place", "text", True, None, "Where it is.")
    assert [name for name, one in options.items() if one.required] == ["place"]
    assert {name: one.default for name, one in options.items() if one.default is not None} == {
        "file": "here.txt",
        "loud": False,
        "few": 3,
        "share": 0.5,
        "wait": "0:00:30",
        "mode": "on",
        "colour": "red",
        "days": [1, 2],
        "either": 1,
        "as": "x",
    }
    assert "hidden-word" not in str(options)
