"""Options that stand for options: the same name, or what the user says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tasks.mapping.case import Case, Found, told
from tasks.mapping.converter import Way
from tasks.mapping.texts import clean, line
from tasks.mapping.words import read_name
from tasks.sides import Attribute, End, Kind
from tasks.values.opaque import Opaque


def tag(name: str) -> str:
    """A name as all services take it: in one line, and without commas, which some put between names."""
    return " ".join(clean(name).replace(",", ";").split())


def _folded(name: str) -> str:
    return tag(name).casefold()


@dataclass(slots=True)
class Names:
    """Which name of the left end is which of the right one; the common form is the left end's.

    Names that nothing is said of are themselves.
    """

    #: What two names have in common that are one.
    fold: Callable[[str], str]
    right_of: dict[str, str] = field(default_factory=dict)
    left_of: dict[str, str] = field(default_factory=dict)

    def add(self, left: str, right: str) -> None:
        """Say that two names stand for each other; what was said first stays."""
        if self.fold(left) not in self.right_of:
            self.right_of[self.fold(left)] = right
            self.left_of.setdefault(self.fold(right), left)

    def from_right(self, name: str) -> str:
        """The common form of a name of the right end."""
        return self._settled(self.left_of.get(self.fold(name), name))

    def from_left(self, name: str) -> str:
        """The common form of a name of the left end: the first one that stands for the same."""
        return self.from_right(self.to_right(name))

    def to_right(self, common: str) -> str:
        """The right end's name."""
        return self.right_of.get(self.fold(common), common)

    def _settled(self, name: str) -> str:
        """A name that is on its way to itself: a free one may be what another one stands for."""
        right = self.to_right(name)
        return self.left_of.get(self.fold(right), right)


def _free(attribute: Attribute) -> bool:
    """Whether an end takes any name."""
    return attribute.new_options or attribute.kind not in (Kind.CHOICE, Kind.CHOICES)


def _names_of(case: Case, fold: Callable[[str], str]) -> tuple[Names, dict[str, str]]:
    """Which names stand for each other, and those that the user gave."""
    given = case.given(End.LEFT, read_name)
    case.check_options(End.RIGHT, given.values())
    names = Names(fold)
    for left, right in given.items():
        names.add(left, right)
    there = {fold(option.name): option.name for option in case.right.options}
    for option in case.left.options:
        if fold(option.name) in there:
            names.add(option.name, there[fold(option.name)])
    for attribute, other in ((case.right, case.left), (case.left, case.right)):
        for option in attribute.options:
            if _free(other) and fold(option.name) not in names.left_of:
                names.add(option.name, option.name)
    return names, given


def _one(case: Case, names: Names, end: End) -> Callable[[str], Any]:
    """The common form of one name of an end; `Opaque` where the other end has none for it."""
    other = case.at(end.opposite)
    taken = {names.fold(option.name) for option in other.options}
    where = case.called(end.opposite)

    def common(name: str) -> Any:
        found = names.from_left(name) if end is End.LEFT else names.from_right(name)
        there = names.to_right(found) if end is End.LEFT else found
        if not _free(other) and names.fold(there) not in taken:
            return Opaque(f"option {name!r}, for which {where} has none", odd=True)
        return found

    return common


def _single(case: Case, names: Names, end: End) -> Way:
    one = _one(case, names, end)

    def common(value: Any) -> Any:
        name = line(value)
        return None if name is None else one(name)

    def native(common: Any, current: Any) -> Any:
        return common if common is None or end is End.LEFT else names.to_right(common)

    return Way(common, native, coarse=bool(case.pair.values) or _free(case.at(end)))


def _several(case: Case, names: Names, end: End) -> Way:
    one = _one(case, names, end)

    def common(value: Any) -> Any:
        found = [one(tag(name)) for name in value or () if tag(name)]
        return next((name for name in found if isinstance(name, Opaque)), None) or tuple(sorted(set(found)))

    def native(common: Any, current: Any) -> Any:
        """The names; those that are there already as they are spelt there, be it in several ways."""
        spelt: dict[str, list[str]] = {}
        for name in current or ():
            if tag(name):
                spelt.setdefault(str(one(tag(name))), []).append(name)
        new = (lambda name: name) if end is End.LEFT else names.to_right
        return tuple(sorted({own for name in common or () for own in spelt.get(name, [new(name)])}))

    return Way(common, native, coarse=True)


def _listed(way: Way) -> Way:
    """Several names as a text, with commas between them."""

    def common(value: Any) -> Any:
        return way.common(_split(value))

    def native(common: Any, current: Any) -> str:
        return ", ".join(way.native(common, _split(current)))

    return Way(common, native, coarse=True)


def _split(text: Any) -> list[str]:
    return [part for part in clean(text or "").replace("\n", ",").split(",") if part.strip()]


def _lone(way: Way) -> Way:
    """Several names, of which the other end takes one."""

    def common(value: Any) -> Any:
        names = [name for name in value or () if tag(name)]
        if len(names) > 1:
            return Opaque("several options, where only one can be chosen", odd=True)
        return way.common(names[0] if names else None)

    def native(common: Any, current: Any) -> Any:
        return () if common is None else (way.native(common, None),)

    return Way(common, native, coarse=True)


def name_for_name(case: Case) -> Found:
    """One option or a text at each end."""
    names, given = _names_of(case, _folded)
    return Found(
        case.ways(_single(case, names, case.first), _single(case, names, case.second)), told=told(given)
    )


def names_for_names(case: Case) -> Found:
    """Several options at each end."""
    names, given = _names_of(case, tag)
    return Found(
        case.ways(_several(case, names, case.first), _several(case, names, case.second)), told=told(given)
    )


def names_for_text(case: Case) -> Found:
    """Several options at the first end, a text at the second."""
    names, given = _names_of(case, tag)
    first, second = _several(case, names, case.first), _listed(_several(case, names, case.second))
    return Found(case.ways(first, second), told=told(given))


def name_for_names(case: Case) -> Found:
    """One option at the first end, several at the second."""
    names, given = _names_of(case, tag)
    first, second = _single(case, names, case.first), _lone(_single(case, names, case.second))
    return Found(case.ways(first, second), told=told(given))


def ids_for_ids(case: Case) -> Found:
    """People or other objects at each end: the same ids, or what the user says."""
    if not case.pair.values:
        return Found(case.ways(Way(_ids), Way(_ids)))
    names = Names(str)
    given = case.given(End.LEFT, read_name)
    for left, right in given.items():
        names.add(left, right)

    def way(end: End) -> Way:
        common, native = (names.from_left, str) if end is End.LEFT else (names.from_right, names.to_right)

        def back(ids: Iterable[str], current: Any) -> Any:
            return _ids(map(native, ids))

        return Way(lambda value: _ids(map(common, value or ())), back, coarse=True)

    return Found(case.ways(way(case.first), way(case.second)), told=told(given))


def _ids(value: Iterable[str] | None) -> Any:
    return tuple(sorted(set(value or ())))
