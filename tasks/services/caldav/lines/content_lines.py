"""iCalendar text as a tree of content lines, so that an edit touches the lines it means and no other.

A parser that builds typed values and writes them out again loses what it does not understand: the order of
properties, escapes in `X-` values, broken lines of other programs. Here a line that is not edited leaves as
it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeGuard

#: RFC 5545, 3.1: octets in a physical line, without its line break.
LINE_OCTETS = 75

#: Components inside one another; real calendars have three.
MOST_DEEP = 50

_NAME = re.compile(r"[A-Za-z0-9-]+(?=[;:])")
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^":;])*)')
_UID = re.compile(r"(?i:UID)(?:;[^:]*)?:(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\([nN\\;,])")
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Property:
    """One content line taken apart."""

    #: In upper case.
    name: str
    #: Names in upper case with the values as written, quotes included.
    params: tuple[tuple[str, str], ...]
    #: As written, escapes included.
    value: str

    @classmethod
    def parse(cls, line: str) -> Property:
        """Take a content line apart.

        Raises:
            ValueError: the line is not `NAME;PARAMETER=VALUE:VALUE`.
        """
        match = _NAME.match(line)
        if match is None:
            raise ValueError("one of its lines is not a property")  # the line may be private
        end = match.end()
        params: list[tuple[str, str]] = []
        while parameter := _PARAMETER.match(line, end):
            params.append((parameter[1].upper(), parameter[2]))
            end = parameter.end()
        if line[end : end + 1] != ":":
            raise ValueError(f"the parameters of {match[0]} cannot be read")
        return cls(match[0].upper(), tuple(params), line[end + 1 :])

    def param(self, name: str) -> str | None:
        """The value of a parameter without its quotes."""
        return next((value.strip('"') for key, value in self.params if key == name), None)

    def without(self, *names: str) -> tuple[tuple[str, str], ...]:
        """The parameters but these."""
        return tuple((key, value) for key, value in self.params if key not in names)

    def __str__(self) -> str:
        return self.name + "".join(f";{key}={value}" for key, value in self.params) + ":" + self.value


@dataclass
class Component:
    """`BEGIN:name` … `END:name`: content lines and components in the order in which they came."""

    name: str
    parts: list[str | Component] = field(default_factory=list)

    @classmethod
    def parse(cls, text: str) -> Component:
        """Read one component, usually a `VCALENDAR`.

        Raises:
            ValueError: `BEGIN` and `END` do not match, there is not exactly one component, or too many lie in one
                another.
        """
        root = cls("")
        path = [root]
        for line in _unfold(text):
            name, _, value = line.partition(":")
            match name.upper():
                case "BEGIN":
                    component = cls(value.strip().upper())
                    path[-1].parts.append(component)
                    path.append(component)
                    if len(path) > MOST_DEEP:
                        raise ValueError("its components lie too deep in one another")
                case "END":
                    if path.pop().name != value.strip().upper() or not path:
                        raise ValueError(f"END:{value.strip()[:40]} has no BEGIN")
                case _:
                    path[-1].parts.append(line)
        if len(path) > 1:
            raise ValueError(f"{path[-1].name} has no END")
        if len(root.parts) != 1 or not isinstance(root.parts[0], Component):
            raise ValueError("it is not one calendar")
        return root.parts[0]

    def components(self, *names: str) -> Iterator[Component]:
        """The components directly inside, all or those with one of these names."""
        for part in self.parts:
            if isinstance(part, Component) and (not names or part.name in names):
                yield part

    def properties(self, name: str) -> list[Property]:
        """All properties with this name.

        Raises:
            ValueError: one of them cannot be read.
        """
        return [Property.parse(part) for part in self.parts if _is_named(part, name)]

    def property(self, name: str) -> Property | None:
        """The first property with this name, if there is one.

        Raises:
            ValueError: it cannot be read.
        """
        return next((Property.parse(part) for part in self.parts if _is_named(part, name)), None)

    def filled(self, name: str) -> Property | None:
        """The first property with this name that has a value: an empty one says no more than none.

        Raises:
            ValueError: a property of this name cannot be read.
        """
        return next((prop for prop in self.properties(name) if prop.value.strip()), None)

    def put(self, name: str, new: Property | None) -> None:
        """Have `new` as the only property of this name, at the place of the first one; `None` removes all."""
        place = next((i for i, part in enumerate(self.parts) if _is_named(part, name)), None)
        if place is None:
            # Properties come before components in every component of RFC 5545.
            place = next((i for i, part in enumerate(self.parts) if isinstance(part, Component)), None)
            place = len(self.parts) if place is None else place
        before = self.parts[:place]
        after = [part for part in self.parts[place:] if not _is_named(part, name)]
        self.parts = [*before, *([str(new)] if new is not None else []), *after]

    def edit(self, name: str, change: Callable[[Property], Property | None]) -> None:
        """Change the properties of this name one by one; a line that stays equal stays as it is written."""
        parts: list[str | Component] = []
        for part in self.parts:
            if not _is_named(part, name):
                parts.append(part)
                continue
            old = Property.parse(part)
            new = change(old)
            if new is not None:
                parts.append(part if new == old else str(new))
        self.parts = parts

    def add(self, new: Property) -> None:
        """Have one more property, after the others of its name."""
        places = [i for i, part in enumerate(self.parts) if _is_named(part, new.name)]
        if not places:
            self.put(new.name, new)
            return
        self.parts.insert(places[-1] + 1, str(new))

    def to_text(self) -> str:
        """The component as iCalendar text, lines folded."""
        return "".join(_fold(line) + "\r\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"BEGIN:{self.name}"
        for part in self.parts:
            if isinstance(part, Component):
                yield from part._lines()
            else:
                yield part
        yield f"END:{self.name}"


def escape(text: str) -> str:
    """A value of type TEXT as it is written."""
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, written)
    return text


def unescape(written: str) -> str:
    """The text that a value of type TEXT means."""
    return clean(_ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], written))


def split_list(written: str) -> list[str]:
    """The texts of a value that is a list, such as that of `CATEGORIES`."""
    return [unescape(part) for part in split_raw(written) if part]


def split_raw(written: str) -> list[str]:
    """The parts of a value that is a list, as they are written."""
    parts = [""]
    escaped = False
    for sign in written:
        if sign == "," and not escaped:
            parts.append("")
            continue
        parts[-1] += sign
        escaped = sign == "\\" and not escaped
    return parts


def uids_in(text: str) -> list[str]:
    """The UIDs that stand in a text which may be no calendar as a whole."""
    lines = (_UID.fullmatch(line) for line in _unfold(text))
    found = (unescape(match[1].strip()) for match in lines if match is not None)
    return list(dict.fromkeys(uid for uid in found if uid))


def clean(text: str) -> str:
    """Text without what neither iCalendar nor XML can carry: control signs, halves of surrogate pairs."""
    return _UNSAFE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _is_named(part: str | Component, name: str) -> TypeGuard[str]:
    return (
        isinstance(part, str)
        and part[: len(name)].upper() == name
        and part[len(name) : len(name) + 1] in (";", ":")
    )


def _unfold(text: str) -> Iterator[str]:
    # Not `splitlines`, which also breaks at signs that are ordinary text here, such as U+2028.
    joined = re.sub(r"\r?\n[ \t]", "", text.removeprefix("\ufeff"))
    return (line for line in re.split(r"\r?\n", joined) if line.strip())


def _fold(line: str) -> str:
    octets = line.encode()
    if len(octets) <= LINE_OCTETS:
        return line
    pieces: list[str] = []
    start, room = 0, LINE_OCTETS
    while start < len(octets):
        end = min(start + room, len(octets))
        while end < len(octets) and octets[end] & 0xC0 == 0x80:  # never in the middle of a character
            end -= 1
        pieces.append(octets[start:end].decode())
        start, room = end, LINE_OCTETS - 1  # the space that continues a line counts too
    return "\r\n ".join(pieces)
