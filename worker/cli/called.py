"""Objects as people call them, in lists: by title, and told apart where two have the same."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from tasks.merge import NAMELESS, Name
from worker.telling.screen import printable, short

#: Columns for who asks for ids.
IDS = ("Left id", "Right id")
#: Of a title in a table.
LONGEST = 40
#: Letters of an id that tell two objects of one title apart.
_LETTERS = (4, 6, 8, 12)

_LINK = re.compile(r"https?://[!-~]+")


@dataclass(frozen=True, slots=True)
class Called:
    """One object in a list."""

    pair: tuple[str, str]
    name: Name = NAMELESS
    #: What stands for it where it has no title; by default its ids.
    else_: str = ""
    #: Names of different tasks are never mixed up.
    task: str = ""

    @property
    def title(self) -> str:
        """Its title in one line that no terminal misunderstands; empty where there is none."""
        return " ".join(printable(self.name.title).split())

    @property
    def ids(self) -> str:
        """Its ids on both sides."""
        return " / ".join(part for part in self.pair if part)


def labels(objects: Sequence[Called]) -> list[Text]:
    """What each object of a list is called there; a click on it leads to its address, where the terminal knows that."""
    alike: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for one in objects:
        if one.title:
            alike[one.task, short(one.title, LONGEST)][_id(one)] = None
    marks = {key: _marks(list(ids)) for key, ids in alike.items() if len(ids) > 1}
    made = []
    for one in objects:
        title = short(one.title, LONGEST)
        mark = marks.get((one.task, title), {}).get(_id(one), "")
        label = Text(f"{title} {mark}".rstrip() if title else short(one.else_ or one.ids, 80))
        if _LINK.fullmatch(one.name.address):
            label.stylize(Style(link=one.name.address))
        made.append(label)
    return made


def ids_of(one: Called) -> tuple[str, str]:
    """The cells of the columns `IDS`."""
    return one.pair[0] or "-", one.pair[1] or "-"


def _id(one: Called) -> str:
    return one.pair[0] or one.pair[1]


def _marks(ids: Sequence[str]) -> dict[str, str]:
    """A short part of each id that only this one has: its begin, or its end."""
    for letters in _LETTERS:
        for made in (
            {one: f"({one[:letters]}…)" if len(one) > letters else f"({one})" for one in ids},
            {one: f"(…{one[-letters:]})" if len(one) > letters else f"({one})" for one in ids},
        ):
            if len(set(made.values())) == len(ids):
                return made
    return {one: f"({one})" for one in ids}
