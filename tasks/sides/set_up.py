"""What a service may offer to whoever sets a sync up: what has to be asked first, and the places to choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

#: What was answered, by the names of the questions; besides, the options that the table has already.
Answers: TypeAlias = Mapping[str, str]
#: Shows a person a line or a few.
Tell: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Question:
    """Something that has to be known before the places can be listed."""

    #: A variable of `.env` where it is in capitals, else a word that only the set-up knows.
    name: str
    text: str
    #: Where the answer is to be found, in a few lines.
    told: str = ""
    #: Whether it is shown to nobody.
    secret: bool = False
    #: Whether it may be left empty.
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A place whose objects can be synced: a calendar, a table, a repository."""

    #: As people know it.
    title: str
    #: What the service's table says of it.
    options: Mapping[str, Any]
    #: What tells it from others of one title, such as its address.
    about: str = ""


@dataclass(frozen=True, slots=True)
class SetUp:
    """How a service is set up by asking."""

    #: What is to be asked, after the options that are known already.
    questions: Callable[[Answers], Sequence[Question]]
    #: Logs in and lists the places; plain or a coroutine. Raises `TaskError` with the mend where it cannot.
    places: Callable[[Answers, Tell], Any]
    #: What a place is called, such as `calendar`.
    noun: str = "place"
