"""Keys of front matter as attributes: what their values are, and how they are written. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any

from tasks.services.markdown import yaml_values
from tasks.services.markdown.file_links import FileLinks
from tasks.services.markdown.front_matter import Entry, FrontMatter, FrontMatterError, Items, Other, Scalar
from tasks.services.markdown.links import Links
from tasks.sides import Attribute, File, Kind, sorted_files
from tasks.values.canonical import same
from tasks.values.opaque import Opaque

#: Kinds that a key may be said to have, in the words of a table.
KINDS: Mapping[str, Kind] = {
    kind.value: kind
    for kind in (
        Kind.TEXT,
        Kind.FORMATTED,
        Kind.NUMBER,
        Kind.WHOLE,
        Kind.YES_NO,
        Kind.DATE,
        Kind.MOMENT,
        Kind.CHOICE,
        Kind.CHOICES,
        Kind.PRIORITY,
        Kind.ADDRESS,
        Kind.REFERENCE,
        Kind.FILE,
    )
}
#: What usual keys mean: by meaning, their names and the kinds that fit.
_USUAL: Mapping[str, tuple[tuple[str, ...], tuple[Kind, ...]]] = {
    "due": (("due", "due date", "due_date", "deadline"), (Kind.MOMENT, Kind.DATE)),
    "status": (("status",), (Kind.TEXT, Kind.CHOICE)),
    "done": (("done", "completed"), (Kind.YES_NO,)),
    "priority": (("priority",), (Kind.PRIORITY, Kind.CHOICE)),
    "tags": (("tags", "categories"), (Kind.CHOICES,)),
    "link": (("link", "url"), (Kind.ADDRESS,)),
}
#: What a key is guessed to be by the shapes of its values.
_GUESSED: Mapping[str, Kind] = {
    "text": Kind.TEXT,
    "number": Kind.NUMBER,
    "yes/no": Kind.YES_NO,
    "moment": Kind.MOMENT,
    "list": Kind.CHOICES,
}
#: Kinds whose values are lists.
_SEVERAL = (Kind.CHOICES, Kind.REFERENCE, Kind.FILE)
#: Keys that are lists to the programs that read them, whatever a file says.
_ALWAYS_LISTS = frozenset({"tags", "aliases", "cssclasses"})


@dataclass(frozen=True, slots=True)
class Setting:
    """What the values of all keys depend on."""

    #: The zone of moments that name none.
    zone: tzinfo
    links: Links
    files: FileLinks = field(default_factory=FileLinks)


def described(kinds: Mapping[str, Kind], zone: str) -> dict[str, Attribute]:
    """The keys as attributes."""
    meanings: dict[str, str] = {}
    for meaning, (names, fitting) in _USUAL.items():
        of_use = [key for name in names for key in kinds if key.casefold() == name and kinds[key] in fitting]
        meanings |= dict.fromkeys(of_use[:1], meaning)
    chosen = (Kind.CHOICE, Kind.CHOICES)
    return {
        key: Attribute(
            kind,
            new_options=kind in chosen,
            meaning=meanings.get(key, ""),
            form=zone if kind is Kind.MOMENT else "",
        )
        for key, kind in kinds.items()
    }


def shapes_of(matter: FrontMatter, leaving: Iterable[str]) -> dict[str, str]:
    """What the values of a note's front matter look like, by key; empty ones look like nothing."""
    skipped = frozenset(leaving)
    found: dict[str, str] = {}
    for key, entry in matter.entries.items():
        shape = _shape(key, entry.value)
        if shape and key not in skipped and key.strip() and key.isprintable():
            found[key] = shape
    return found


def _shape(key: str, value: Scalar | Items | Other) -> str:
    match value:
        case Other():
            return ""
        case Items():
            return "list"
        case Scalar() if key in _ALWAYS_LISTS:
            return "list"
        case Scalar(plain=True):
            shape = yaml_values.shape(value.text)
            return "" if shape == "empty" else shape
    return "text" if value.text else ""


def guessed(shapes: Iterable[Mapping[str, str]], before: Mapping[str, Kind]) -> dict[str, Kind]:
    """The kind of each key: what it was before as long as a value is of that kind, else what most values are."""
    counts: dict[str, Counter[str]] = {}
    for one in shapes:
        for key, shape in one.items():
            counts.setdefault(key, Counter())[shape] += 1
    found = dict(before)
    for key, seen in counts.items():
        if any(_GUESSED[shape] is before.get(key) for shape in seen):
            continue
        most = max(_GUESSED, key=lambda shape: seen[shape])  # of a tie, the first, which is text
        found[key] = _GUESSED[most]
    return dict(sorted(found.items()))


def read(kind: Kind, key: str, value: Scalar | Items | Other | None, setting: Setting) -> Any:
    """A value in the form of its kind, `Opaque` where it is none."""
    try:
        match value:
            case None:
                return _nothing(kind)
            case Other():
                return Opaque(f"{key} is {value.what}", odd=True)
            case Items() if kind is Kind.CHOICES:
                return tuple(sorted({one.text for one in value.scalars if not _is_empty(one)}))
            case Items() if kind is Kind.REFERENCE:
                links = (one.text for one in value.scalars if not _is_empty(one))
                return tuple(sorted({setting.links.target(one) for one in links}))
            case Items() if kind is Kind.FILE:
                return sorted_files(
                    setting.files.read(one.text) for one in value.scalars if not _is_empty(one)
                )
            case Items(scalars=()):
                return _nothing(kind)
            case Items():
                return Opaque(f"{key} is a list, where a {kind} is wanted", odd=True)
            case Scalar() if _is_empty(value):
                return _nothing(kind)
            case Scalar():
                return _read_scalar(kind, key, value, setting)
    except ValueError as error:
        return Opaque(f"{key} {error}", odd=True)


def _is_empty(scalar: Scalar) -> bool:
    return scalar.text in yaml_values.NULLS if scalar.plain else not scalar.text


def _nothing(kind: Kind) -> Any:
    return () if kind in _SEVERAL else None


def _read_scalar(kind: Kind, key: str, scalar: Scalar, setting: Setting) -> Any:
    text = scalar.text
    match kind:
        case Kind.NUMBER:
            return yaml_values.read_number(text.strip())
        case Kind.WHOLE:
            return yaml_values.read_whole(text.strip())
        case Kind.YES_NO:
            return yaml_values.read_yes_no(text)
        case Kind.DATE:
            return yaml_values.read_date(text)
        case Kind.MOMENT:
            return yaml_values.read_moment(text, setting.zone)
        case Kind.PRIORITY:
            number = yaml_values.read_whole(text.strip())
            if number not in range(1, 10):
                raise ValueError("is no priority from 1 to 9")
            return number
        case Kind.CHOICES:
            parts = text.split(",") if key == "tags" else [text]
            return tuple(sorted({part.strip() if key == "tags" else part for part in parts if part.strip()}))
        case Kind.REFERENCE:
            return (setting.links.target(text),)
        case Kind.FILE:
            return (setting.files.read(text),)
        case Kind.ADDRESS if len(text.splitlines()) > 1:
            raise ValueError("has several lines")
    return text


def write(kind: Kind, key: str, matter: FrontMatter, new: Any, setting: Setting) -> FrontMatter:
    """The front matter with a value set; one that is equal keeps the form that it has.

    Raises:
        ValueError: the value does not fit, or cannot be set without moving others.
    """
    entry = matter.entries.get(key)
    now = read(kind, key, entry.value if entry is not None else None, setting)
    if isinstance(now, Opaque):
        raise FrontMatterError(f"its {now.type}, and is not written over")
    wanted = _checked(kind, new)
    if same(now, wanted) or (not now and now is not False and now != 0 and wanted in (None, "", ())):
        return matter
    if kind in _SEVERAL:
        made = _write_items(kind, key, matter, entry, wanted, setting)
    elif wanted is None or wanted == "":
        made = matter.with_scalar(key, "")
    else:
        made = _write_scalar(kind, key, matter, entry, wanted, setting)
    shown = read(kind, key, made.get(key), setting)
    if not same(shown, wanted) and not (wanted in (None, "", ()) and shown in (None, "", ())):
        raise FrontMatterError(f"the value of {key} would be read as something else")
    return made


def _write_scalar(
    kind: Kind, key: str, matter: FrontMatter, entry: Entry | None, wanted: Any, setting: Setting
) -> FrontMatter:
    old = entry.value if entry is not None and isinstance(entry.value, Scalar) else None
    quote = old.style if old is not None and old.style in ("'", '"') else None
    match wanted:
        case str():
            block = yaml_values.write_lines(wanted, " " * matter.column + "  ", matter.line_end)
            if block is not None:
                try:
                    made = matter.with_scalar(key, block)
                except FrontMatterError:
                    made = None
                if made is not None and read(kind, key, made.get(key), setting) == wanted:
                    return made
            return matter.with_scalar(key, yaml_values.write_text(wanted, quote))
        case bool():
            written = "true" if wanted else "false"
        case date():
            with_zone = old is not None and yaml_values.says_zone(old.text)
            written = yaml_values.write_moment(wanted, setting.zone, with_zone=with_zone)
        case _:
            written = yaml_values.write_number(wanted)
    return matter.with_scalar(key, f"{quote}{written}{quote}" if quote else written)


def _write_items(
    kind: Kind, key: str, matter: FrontMatter, entry: Entry | None, wanted: tuple[Any, ...], setting: Setting
) -> FrontMatter:
    old: tuple[Scalar, ...] = ()
    if entry is not None and isinstance(entry.value, Items):
        old = entry.value.scalars
    elif entry is not None and isinstance(entry.value, Scalar) and not _is_empty(entry.value):
        old = (entry.value,)
    kept: list[Scalar] = []
    shown: set[Any] = set()
    for one in old:
        means = read(kind, key, one, setting)
        if not _is_empty(one) and len(means) == 1 and means[0] in wanted and one.style not in ("|", ">"):
            kept.append(one)
            shown |= set(means)
    block = entry is None or (isinstance(entry.value, Items) and not entry.value.flow)
    fresh = [name for name in wanted if name not in shown]
    if kind is Kind.REFERENCE:
        fresh = [setting.links.link(one) for one in fresh]
    if kind is Kind.FILE:
        fresh = [setting.files.written(one) for one in fresh]
    added = [
        yaml_values.write_text(name, None if kind is Kind.CHOICES else '"', in_flow=not block)
        for name in fresh
    ]
    return matter.with_items(key, kept, added)


def _texts(new: Any) -> tuple[str, ...]:
    names = tuple(sorted({str(name) for name in new or ()}))
    if not all(names):
        raise ValueError("an option has no name")
    return names


def _checked(kind: Kind, new: Any) -> Any:
    """The value in the form of the kind.

    Raises:
        ValueError: it has another form.
    """
    if isinstance(new, Enum):
        new = new.value
    check = _CHECKS.get(kind)
    if kind is Kind.FILE:
        if not all(isinstance(one, File) for one in new or ()):
            raise ValueError(f"{new!r:.60} is no {kind}")
        return sorted_files(new or ())
    if kind in (Kind.CHOICES, Kind.REFERENCE):
        return _texts(new)
    if new is None or new == "":
        return None
    if check is not None and not check(new):
        raise ValueError(f"{new!r:.60} is no {kind}")
    if isinstance(new, datetime):
        if new.utcoffset() is None:
            raise ValueError(f"{new.isoformat()} has no time zone")
        try:
            return new.astimezone(UTC)
        except OverflowError:
            raise ValueError(f"{new.isoformat()} is out of range") from None
    return new


def _is_number(new: Any) -> bool:
    return isinstance(new, int | float | Decimal) and not isinstance(new, bool) and isfinite(new)


_CHECKS: Mapping[Kind, Callable[[Any], bool]] = {
    Kind.TEXT: lambda new: isinstance(new, str),
    Kind.FORMATTED: lambda new: isinstance(new, str),
    Kind.CHOICE: lambda new: isinstance(new, str),
    Kind.NUMBER: _is_number,
    Kind.WHOLE: lambda new: isinstance(new, int) and not isinstance(new, bool),
    Kind.YES_NO: lambda new: isinstance(new, bool),
    Kind.DATE: lambda new: isinstance(new, date) and not isinstance(new, datetime),
    Kind.MOMENT: lambda new: isinstance(new, date),
    Kind.PRIORITY: lambda new: isinstance(new, int) and not isinstance(new, bool) and new in range(1, 10),
    Kind.ADDRESS: lambda new: isinstance(new, str) and len(new.splitlines()) < 2,
}
