"""What a side says of its attributes: the kind of value, whether it can be written, what may be chosen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a value is, whatever the service calls it. Each kind has one form in Python; empty is `None`."""

    #: `str`, also of several lines; an empty text counts as empty.
    TEXT = "text"
    #: `str` of Markdown.
    FORMATTED = "formatted text"
    #: `int`, `float` or `Decimal`.
    NUMBER = "number"
    #: `int`.
    WHOLE = "whole number"
    #: `bool`.
    YES_NO = "yes/no"
    #: `date`.
    DATE = "date"
    #: `datetime` with a zone, or a `date` where no time of day is said.
    MOMENT = "moment"
    #: `DateRange`.
    SPAN = "span"
    #: `str`, the name of an option.
    CHOICE = "choice"
    #: `tuple` of the names of options, sorted.
    CHOICES = "choices"
    #: `State`.
    STATE = "state"
    #: `int` from 1, the most urgent, to 9.
    PRIORITY = "priority"
    #: `str` in one line: a URL, a mail address, a phone number.
    ADDRESS = "address"
    #: `tuple` of ids of people, sorted.
    PERSON = "person"
    #: `tuple` of `File`, sorted by name, then by content (`sorted_files`).
    FILE = "file"
    #: `tuple` of ids of other objects, sorted.
    REFERENCE = "reference"
    #: `Opaque`: seen, never written.
    OPAQUE = "opaque"


class State(StrEnum):
    """How far something is."""

    OPEN = "not started"
    ACTIVE = "in progress"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Option:
    """What may be chosen of an attribute."""

    name: str
    #: How far something is that has it, where the service says so.
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom an attribute may name."""

    id: str
    #: The mail address by which other services may know them too.
    mail: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a side's objects."""

    kind: Kind
    #: Whether it can be written; else it goes to the other side only.
    writable: bool = True
    #: What may be chosen, in the service's order; of kinds that are chosen from.
    options: tuple[Option, ...] = ()
    #: Whether the service makes an option that is written and does not exist.
    new_options: bool = False
    #: What it is to people wherever they have one: `title`, `notes`, `due`, `status`, `done`, `priority`, `tags`,
    #: `link`, … Attributes of two sides with one meaning are mapped to each other where nobody says otherwise.
    meaning: str = ""
    #: Whether times are kept to the minute only, or a moment loses its time of day.
    whole_minutes: bool = False
    #: Of moments that always have a time of day: the zone at whose midnight a date is kept; empty: it stays a date.
    midnight_in: str = ""
    #: A word for the form in which its values are compared; another word than before makes the base void.
    form: str = ""
    #: What a person can say so that it is of another kind, where it cannot be synced as it is.
    mend: str = ""
    #: Of people: who is known there, with their mail addresses, as far as the service tells them.
    people: tuple[Person, ...] = ()
    #: Of people: whether their ids are their mail addresses.
    by_mail: bool = False
    #: Of references: whether it refers to one object at most.
    single: bool = False
    #: Of references to objects of another place than the side's own: that place, in words that `Side.places` of it has.
    refers_to: tuple[str, ...] = ()
