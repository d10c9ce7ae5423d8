"""One line of a todo.txt file: a task, as people and their apps write it.

    (A) 2026-11-20 Water the plants +garden @home due:2026-11-30 id:4f1c
    x 2026-11-29 2026-11-20 Water the plants +garden @home due:2026-11-30 pri:A id:4f1c

What is marked at the end belongs to no sentence: projects (`+`), contexts (`@`), and pairs such as `due:…`. What is
marked within the sentence is part of it. Pairs that are not known here stay as they are. A tag has `_` for each blank.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date

_PRIORITY = re.compile(r"\(([A-Z])\)")
_MARKED = re.compile(r"[+@]\S+|[a-z]+:(?!//)\S+")


@dataclass(frozen=True, slots=True)
class Line:
    """A task."""

    text: str
    done: bool = False
    #: A letter; where a task is done it stands in the pair `pri`.
    priority: str = ""
    created: date | None = None
    completed: date | None = None
    due: date | None = None
    projects: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    id: str = ""
    #: Pairs that are not known here.
    more: tuple[str, ...] = ()
    #: As it stands in the file; empty for one that was made or changed.
    raw: str = field(default="", compare=False)

    def __str__(self) -> str:
        if self.raw:
            return self.raw
        head = ["x"] if self.done else [f"({self.priority})"] if self.priority else []
        days = [str(day) for day in (self.completed, self.created) if day]
        tags = [
            f"{sign}{name}" for sign, names in (("+", self.projects), ("@", self.contexts)) for name in names
        ]
        tags = [tag.replace(" ", "_") for tag in tags]
        pairs = {"due": self.due, "pri": self.priority if self.done else "", "id": self.id}
        known = [f"{key}:{value}" for key, value in pairs.items() if value]
        return " ".join([*head, *days, self.text, *tags, *self.more, *known])

    def with_id(self, new: str) -> Line:
        """The same line with another id, and nothing else in it touched."""
        before, _, after = self.raw.rpartition(f" id:{self.id}") if self.id else (self.raw, "", "")
        return replace(self, id=new, raw=f"{(before + after).rstrip()} id:{new}")


def read_line(raw: str) -> Line:
    """The task of a line that is not empty."""
    words = raw.split(" ")
    end = len(words)
    while end > 1 and (not words[end - 1] or _MARKED.fullmatch(words[end - 1])):
        end -= 1
    words, marked = words[:end], [word for word in words[end:] if word]
    done = _take(words, words[0] == "x") is not None
    given = _PRIORITY.fullmatch(words[0])
    priority = given[1] if given and _take(words, True) else ""
    days = [_day(day) for _ in range(2 if done else 1) if (day := _take(words, _day(words[0]) is not None))]
    pairs = dict(word.split(":", 1) for word in marked if _is_known(word, done))
    known = {f"{key}:{value}" for key, value in pairs.items()}
    return Line(
        text=" ".join(words).strip(),
        done=done,
        priority=pairs.get("pri", priority),
        created=days[-1] if days and (not done or len(days) > 1) else None,
        completed=days[0] if days and done else None,
        due=_day(pairs.get("due", "")),
        projects=_tags(marked, "+"),
        contexts=_tags(marked, "@"),
        id=pairs.get("id", ""),
        more=tuple(word for word in marked if word[0] not in "+@" and word not in known),
        raw=raw,
    )


def _tags(marked: list[str], sign: str) -> tuple[str, ...]:
    return tuple(sorted({word[1:].replace("_", " ") for word in marked if word[0] == sign}))


def _take(words: list[str], wanted: bool) -> str | None:
    """Take the first word off where it is wanted; the last one is the text, whatever it looks like."""
    return words.pop(0) if wanted and len(words) > 1 else None


def _is_known(word: str, done: bool) -> bool:
    """Whether a word at the end is a pair that is read here."""
    key, _, value = word.partition(":")
    match key:
        case "id":
            return True
        case "due":
            return _day(value) is not None
        case "pri":
            return done and re.fullmatch("[A-Z]", value) is not None
        case _:
            return False


def _day(text: str) -> date | None:
    """The day that a word says."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None
