"""The tables of the two services in a `[[sync]]` table: which they are, which is left, and the sides that they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tasks.errors import TaskDefinitionError
from tasks.services.found import Found, service
from tasks.sides import Service, Side
from tasks.tables import mistakes

#: Stands left wherever it is one of two services, as people think of it first.
FIRST = "notion"
#: What the ends are called where one service stands at both of them.
SAME = ("first", "second")


@dataclass(frozen=True, slots=True)
class EndTable:
    """What a `[[sync]]` table says of one end, not read yet."""

    #: The service's name.
    service: str
    #: What conflict modes, directions and constants call this end.
    word: str
    values: Mapping[str, Any]

    @property
    def place(self) -> str:
        """What messages call it."""
        return self.service if self.word == self.service else f"{self.service} ({self.word})"


@dataclass(frozen=True, slots=True)
class MadeEnd:
    """An end whose side is made."""

    word: str
    service: Service
    side: Side


def of(tables: Mapping[str, Any]) -> tuple[EndTable, ...]:
    """The tables of services in the order of the ends.

    Arguments:
        tables: By service, a table, or a list of two where both ends are of one service.
    """
    named = [(name, table) for name, value in tables.items() for table in _each(value)]
    if len(named) == 2 and named[0][0] == named[1][0]:
        return tuple(EndTable(name, word, table) for word, (name, table) in zip(SAME, named, strict=True))
    named.sort(key=lambda one: one[0] != FIRST)  # the others keep the order of the file
    return tuple(EndTable(name, name, table) for name, table in named)


def is_table(value: Any) -> bool:
    """Whether a value may be what is said of a service."""
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)
    )


def make(end: EndTable, found: Mapping[str, Found], wrong: list[str]) -> MadeEnd | None:
    """The end with its side; `None` where that cannot be made, and the reasons are added to what is wrong.

    Raises:
        TaskDefinitionError: the service fails, which no other table would mend.
    """
    try:
        known = service(end.service, found)
    except TaskDefinitionError as error:
        wrong.append(str(error))
        return None
    try:
        return MadeEnd(end.word, known, known.make(known.table.model_validate(dict(end.values))))
    except ValidationError as error:
        wrong.extend(mistakes.of_model(error, known.table, end.place))
    except TaskDefinitionError as error:
        wrong.append(f"{end.place}: {error}")
    except Exception as error:
        by = " and ".join(found[end.service].distributions)
        # Without its text, which may hold a password.
        raise TaskDefinitionError(f"{end.place}: {by} makes no side of it: {type(error).__name__}") from error
    return None


def _each(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (value,) if isinstance(value, Mapping) else value
