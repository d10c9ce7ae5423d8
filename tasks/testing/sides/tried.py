"""The values that are tried of an attribute, by its kind: usual ones, nasty ones, and unfit ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from tasks.errors import TaskDefinitionError
from tasks.sides import Attribute, File, Kind, State, sorted_files
from tasks.values.date_range import DateRange

#: How many names objects can have.
NAMES = 16
#: How many options of an attribute are tried.
OPTIONS = 5

_BERLIN = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, slots=True)
class Tried:
    """What is tried of one attribute."""

    #: Kept as they are by every service that has the kind.
    usual: Sequence[Any]
    #: Kept, refused, or rewritten into what stays the same from then on.
    nasty: Sequence[Any] = ()
    #: Of the type of the kind, and yet no value of it: refused, or turned into one.
    unfit: Sequence[Any] = ()


#: What texts are made of that come back wrong where somebody forgot to quote, cut, encode or count.
NASTY_TEXTS = (
    "two\nlines",
    "ends with a line\n",
    "\r\nother line ends\r",
    "  spaces around  ",
    "a tab\there",
    " ",
    "quotes \" ' ` and a back\\slash",
    "commas, semicolons; colons: and = signs",
    "<b>&amp; mark-up</b> [link](x) **bold** # _not_",
    "null",
    "0012",
    "1e5",
    "=1+1",
    "decomposed: e\u0301, composed: é",
    "family: \U0001f469\u200d\U0001f469\u200d\U0001f467, flag: \U0001f1ea\U0001f1fa",
    "right to left: \u202eabc\u202c שלום",
    "no break:\u00a0, no width:\u200b, line:\u2028",
    "long " * 600,
    "nothing: \x00",
    "half a pair: \ud800",
)

_MOMENTS = (
    datetime(2026, 3, 29, 1, 59, tzinfo=_BERLIN),
    datetime(2026, 3, 29, 3, 0, tzinfo=_BERLIN),
    datetime(2026, 10, 25, 2, 30, tzinfo=_BERLIN),
    datetime(2026, 10, 25, 2, 30, tzinfo=_BERLIN, fold=1),
    datetime(2026, 1, 1, 0, 0, tzinfo=timezone(timedelta(hours=14))),
    datetime(2025, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-11))),
    datetime(2026, 6, 1, 12, 0, tzinfo=ZoneInfo("Asia/Kolkata")),
    datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC),
    datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, tzinfo=UTC),
    datetime(2028, 2, 29, 0, 0, tzinfo=UTC),
    date(2026, 3, 2),
    date(2028, 2, 29),
)

_LINK = File.link("a.pdf", "https://example.org/a.pdf")

_BY_KIND: Mapping[Kind, Tried] = {
    Kind.TEXT: Tried(("a", "Ab", "two words", "ö", ""), (None, *NASTY_TEXTS)),
    Kind.FORMATTED: Tried(
        ("a", "two words", "ö", ""),
        (None, "**bold** and *slanted*", "# Head\n\n- one\n- two", "`code`", "a\n\nb", *NASTY_TEXTS),
    ),
    Kind.NUMBER: Tried((1, 2.5, 7, 0), (-1.5, 1e-7, 123456789.25, -0.0, None)),
    Kind.WHOLE: Tried((1, 2, 7, 0), (-1, 2**31, None)),
    Kind.YES_NO: Tried((True, False), (None,)),
    Kind.DATE: Tried(
        (date(2026, 3, 2), date(2028, 2, 29), None),
        (date(1969, 12, 31), date(1900, 1, 1), date(9999, 12, 31)),
    ),
    Kind.MOMENT: Tried(
        (datetime(2026, 3, 2, 9, 30, tzinfo=UTC), datetime(2026, 4, 5, 17, 0, tzinfo=UTC), None),
        _MOMENTS,
    ),
    Kind.SPAN: Tried(
        (DateRange(date(2026, 3, 2)), DateRange(date(2026, 3, 2), date(2026, 3, 4)), None),
        (
            DateRange(datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
            DateRange(_MOMENTS[0], _MOMENTS[1], "Europe/Berlin"),
            DateRange(_MOMENTS[2], _MOMENTS[3], "Europe/Berlin"),
            DateRange(date(2026, 3, 2), date(2026, 3, 2)),
        ),
    ),
    Kind.PRIORITY: Tried((1, 5, 9), (2, 3, 4, 6, 7, 8, None), (0, 10)),
    Kind.ADDRESS: Tried(
        ("https://example.org/a", "https://example.org/b?c=d&e=%20#f", None),
        ("https://example.org/ö", "https://example.org/" + "a" * 1500, ""),
    ),
    Kind.PERSON: Tried(((),)),
    Kind.FILE: Tried(
        ((), (_LINK,), sorted_files((_LINK, File.link("b", "https://example.org/c?d=e")))),
        ((File.link("odd | name [1]", "https://example.org/"),), None),
    ),
    Kind.REFERENCE: Tried(((),)),
    Kind.OPAQUE: Tried(()),
}

_ADDRESSES = {
    "mail": ("a@example.org", "b.c@example.org", None),
    "phone": ("+49 30 901820", "112", None),
}


def tried_of(attribute: Attribute) -> Tried:
    """What is tried of an attribute where nobody says otherwise."""
    match attribute.kind:
        case Kind.CHOICE:
            return _choice(attribute)
        case Kind.CHOICES:
            return _choices(attribute)
        case Kind.STATE:
            states = [option.state for option in attribute.options if option.state is not None]
            usual = tuple(dict.fromkeys(states)) or (State.OPEN, State.DONE)
            return Tried(usual, (*(one for one in State if one not in usual), None))
        case Kind.ADDRESS if attribute.meaning in _ADDRESSES:
            return Tried(_ADDRESSES[attribute.meaning], ("",))
    return _BY_KIND[attribute.kind]


def _choice(attribute: Attribute) -> Tried:
    names = tuple(option.name for option in attribute.options)
    fresh = ("Quite new", "ö") if attribute.new_options else ()
    closed = () if attribute.new_options or not names else ("no such option",)
    nasty = ("commas, inside", "  spaces around  ", "a" * 150) if attribute.new_options else ()
    return Tried((*names[:OPTIONS], *fresh), (*nasty, None), closed)


def _choices(attribute: Attribute) -> Tried:
    names = sorted(option.name for option in attribute.options)[:OPTIONS]
    names += ["quite new", "ö"] if attribute.new_options else []
    names = sorted(names)
    usual = [(), *((name,) for name in names[:2]), tuple(names[:2]), tuple(names)]
    closed = () if attribute.new_options or not names else (("no such option",),)
    nasty = (("commas, inside",), ("  spaces around  ",), ("A", "a")) if attribute.new_options else ()
    return Tried(tuple(dict.fromkeys(usual)), (*nasty, None), closed)


@dataclass(frozen=True, slots=True)
class Samples:
    """What the objects of a check are made of, by the side's own names."""

    #: The attribute that tells objects apart, and values of it, of which no two objects share one.
    key: str
    names: Sequence[Any]
    #: What is tried of every other attribute.
    tried: Mapping[str, Tried]
    #: What new objects get besides.
    constants: Mapping[str, Any] = field(default_factory=dict)
    #: What the side says of the attributes that are synced; empty where it does not know their kinds.
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    #: Attributes of which the side is known to show less than it is given.
    coarse: Collection[str] = ()

    @property
    def exact(self) -> bool:
        """Whether the usual values are such as a side has to show as it was given them."""
        return bool(self.attributes)

    @property
    def synced(self) -> tuple[str, ...]:
        """The attributes that are read."""
        return tuple(self.attributes) or self.watched

    @property
    def watched(self) -> tuple[str, ...]:
        """The attributes that are written, and that nothing else may change."""
        return (self.key, *self.tried)

    def filled(self, number: int, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """All values of a new object, of which the key is that of a number."""
        first = {name: tried.usual[0] for name, tried in self.tried.items()}
        return {**self.constants, self.key: self.names[number % len(self.names)], **first, **(values or {})}


def samples_of(
    label: str,
    attributes: Mapping[str, Attribute],
    *,
    only: Sequence[str] | None = None,
    values: Mapping[str, Sequence[Any]] | None = None,
    key: str | None = None,
    constants: Mapping[str, Any] | None = None,
) -> Samples:
    """What is tried of a side that says what its attributes are.

    Args:
        label: what the side is called.
        attributes: what it describes.
        only: the attributes that are synced; by default all.
        values: values by attribute, where the usual ones do not do.
        key: the attribute that tells objects apart; by default the one that means `title`.
        constants: what new objects get besides.

    Raises:
        TaskDefinitionError: a name is unknown, too few values are given, or none can tell objects apart.
    """
    given, constants = dict(values or {}), dict(constants or {})
    named = {*given, *(only or ()), *({key} if key else ())}
    unknown = sorted(named - attributes.keys())
    if unknown:
        raise TaskDefinitionError(
            f"{label} describes no {', '.join(unknown)}; it describes {', '.join(attributes)}"
        )
    few = sorted(name for name, tried in given.items() if len(tried) < 2)
    if few:
        raise TaskDefinitionError(f"give at least two values of {', '.join(few)} to try")
    able = [name for name, one in attributes.items() if one.writable and one.kind is not Kind.OPAQUE]
    key = key or _title(attributes, able)
    if key is None:
        raise TaskDefinitionError(
            f"{label} has no attribute of texts that can be written: name one with key="
        )
    wanted = [name for name in able if name not in constants and (only is None or name in only)]
    tried = {name: _tried(attributes[name], given.get(name)) for name in wanted if name != key}
    tried = {name: one for name, one in tried.items() if len(one.usual) > 1}
    synced = {name: one for name, one in attributes.items() if only is None or name in (*only, key)}
    return Samples(key, names_of(label, key, given.get(key)), tried, constants, synced)


def _tried(attribute: Attribute, given: Sequence[Any] | None) -> Tried:
    usual = tried_of(attribute)
    return usual if given is None else Tried(tuple(given), (), usual.unfit)


def _title(attributes: Mapping[str, Attribute], able: Sequence[str]) -> str | None:
    titles = [name for name in able if attributes[name].meaning == "title"]
    texts = [name for name in able if attributes[name].kind is Kind.TEXT]
    return next(iter([*titles, *texts]), None)


def names_of(label: str, key: str, given: Sequence[Any] | None) -> tuple[Any, ...]:
    """Values of the attribute that tells objects apart, so that no two objects share one."""
    if given is None:
        return tuple(f"K{number} {'abcd'[number % 4]}" for number in range(NAMES))
    if all(isinstance(value, str) for value in given):
        return tuple(_marked(str(given[n % len(given)]), f"k{n}") for n in range(NAMES))
    if len(given) < NAMES:
        raise TaskDefinitionError(
            f"{label}: {key!r} tells objects apart, so give at least {NAMES} values of it"
        )
    return tuple(given[:NAMES])


def _marked(text: str, mark: str) -> str:
    """A text of an object's own; a mail address stays one."""
    return f"{mark}.{text}" if "@" in text else f"{text} {mark}"
