"""Pairs of attributes, and values on their way between the ends and the merge."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from typing import Any

from tasks.mapping.converter import AS_IT_IS, AsItIs, Converter
from tasks.mapping.counterparts import ByLinks
from tasks.sides import End, ItemError, UnfitError
from tasks.values.canonical import is_empty
from tasks.values.lossy import Lossy

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Pair:
    """An attribute of the left side and the one of the right that it is kept in step with."""

    left: str
    right: str
    #: The only end to which it goes; `None`: both ways.
    only_to: End | None = None
    #: What options stand for, as the user says it: by option of the left side, what the right side has.
    values: Values[str, Any] = field(default_factory=dict)
    #: Which value stays where both were changed (`newer`, `left`, `right`, `error`); `None`: as for all.
    mode: str | None = None
    #: The task whose links say which objects belong together that both refer to; `None`: the one with this mapping.
    links: str | None = None
    #: How a text says a number or a time, as the user says it: `1.234,56`, `%d.%m.%Y`.
    format: str | None = None
    #: The time zone in which such a text is meant.
    zone: str | None = None
    #: What new objects get where the value across is empty, in a person's words, by their end; by `None`, those of the
    #: end to which it goes, or of the right one.
    defaults: Values[End | None, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is called in the merge: as on the left."""
        return self.left

    def at(self, end: End) -> str:
        """Its name at an end."""
        return self.left if end is End.LEFT else self.right


@dataclass(frozen=True, slots=True)
class Mapped:
    """A pair whose converter was chosen."""

    pair: Pair
    converter: Converter = AS_IT_IS
    #: What one end cannot show in full.
    lossy: Lossy | None = None
    #: What becomes of its values, in a sentence; empty where nothing does.
    told: str = ""
    #: What new objects of an end get where the value across is empty, as that end has it.
    defaults: Values[End, Any] = field(default_factory=dict)

    @property
    def form(self) -> str:
        """What it is mapped to and in which form it is compared; another one makes its base void."""
        return f"{self.pair.right} {self.converter.form}".strip()


class Mapping:
    """A mapping that is bound: values go through it on their way between the ends and the merge."""

    def __init__(
        self,
        mapped: Iterable[Mapped],
        constants: Values[End, Values[str, Any]] | None = None,
        *,
        spelled: str = "the mapping",
        warnings: Iterable[str] = (),
    ) -> None:
        self.by_name = {one.pair.name: one for one in mapped}
        #: By end, what new objects there get besides, by the side's own names.
        self.constants = {end: dict((constants or {}).get(end, {})) for end in End}

        #: By end, what new objects there get for what is empty across, by the merge's names and as the end has it.
        self.defaults = {
            end: {name: one.defaults[end] for name, one in self.by_name.items() if end in one.defaults}
            for end in End
        }
        self._asks_what_is_blank = any(self.defaults.values())
        #: What its author calls it, in messages.
        self.spelled = spelled
        #: Whether any value is changed on its way.
        self.converts = any(not isinstance(one.converter, AsItIs) for one in self.by_name.values())
        #: By end: the merge's name, the end's own, and what converts where something does. Asked for every object.
        self._ways = {
            end: [
                (name, one.pair.at(end), None if isinstance(one.converter, AsItIs) else one.converter)
                for name, one in self.by_name.items()
            ]
            for end in End
        }
        #: The attributes that refer to other objects, by name.
        self.by_links = {
            name: one.converter for name, one in self.by_name.items() if isinstance(one.converter, ByLinks)
        }
        #: What a person should be told before each run: options that stand for nothing.
        self.warnings = tuple(warnings)

    @property
    def forms(self) -> dict[str, str]:
        """By attribute, what it is mapped to and in which form it is compared."""
        return {name: one.form for name, one in self.by_name.items()}

    @property
    def lossy(self) -> dict[str, Lossy]:
        """By attribute, what one end cannot show in full."""
        return {name: one.lossy for name, one in self.by_name.items() if one.lossy is not None}

    @property
    def only_to(self) -> dict[str, End]:
        """By attribute that is not kept both ways, the end to which it goes."""
        return {name: one.pair.only_to for name, one in self.by_name.items() if one.pair.only_to is not None}

    @property
    def modes(self) -> dict[str, str]:
        """By attribute that has a conflict mode of its own, that mode."""
        return {name: one.pair.mode for name, one in self.by_name.items() if one.pair.mode is not None}

    @property
    def told(self) -> tuple[str, ...]:
        """A sentence for each attribute that is converted, not shown in full, or goes one way."""
        return tuple(one.told for one in self.by_name.values() if one.told)

    def is_coarse(self, end: End) -> bool:
        """Whether the common form of an object does not tell all that the end shows of it."""
        return any(one.converter.is_coarse(end) for one in self.by_name.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes, as the merge calls them."""
        return tuple(self.by_name)

    def at(self, end: End) -> list[str]:
        """The attributes, as an end calls them."""
        return [one.pair.at(end) for one in self.by_name.values()]

    def name_at(self, end: End, name: str) -> str:
        """What an end calls an attribute of the merge."""
        return self.by_name[name].pair.at(end)

    def common(self, end: End, values: Values[str, Any]) -> dict[str, Any]:
        """The values of an object in common form, as the merge sees them.

        Raises:
            KeyError: an attribute is missing; its name at that end is the argument.
        """
        return {
            name: values[here] if converter is None else converter.common(end, values[here])
            for name, here, converter in self._ways[end]
        }

    def common_of(self, end: End, name: str, value: Any) -> Any:
        """One value of an end in common form."""
        return self.by_name[name].converter.common(end, value)

    def common_defaults(self, end: End) -> dict[str, Any]:
        """What new objects of an end get for what is empty across, in common form."""
        return {name: self.common_of(end, name, value) for name, value in self.defaults[end].items()}

    def blank(self, end: End, values: Values[str, Any], common: Values[str, Any]) -> frozenset[str]:
        """The attributes that an object of an end leaves empty, of those that have a default across.

        Args:
            end: where the object is.
            values: by the end's own names and as it has them: an option for what is not chosen is not empty any more.
            common: the same in common form, by the merge's names.
        """
        if not self._asks_what_is_blank:
            return _NONE
        asked = self.defaults[end.opposite]
        return frozenset(
            name for name in asked if is_empty(values[self.name_at(end, name)]) or is_empty(common[name])
        )

    def native(
        self, end: End, values: Values[str, Any], current: Values[str, Any] | None = None
    ) -> dict[str, Any]:
        """Values of the merge as an end has them.

        Args:
            end: where they are to be written.
            values: in common form, by the merge's names.
            current: what the object has now, by the end's own names; `None` for one that is to be made.

        Raises:
            UnfitError: the end has no such value for some.
        """
        result: dict[str, Any] = {}
        unfit: dict[str, str] = {}
        for name, value in values.items():
            one = self.by_name[name]
            here = one.pair.at(end)
            try:
                now = None if current is None else current.get(here)
                result[here] = one.converter.native(end, value, now)
            except ItemError as error:
                unfit[here] = str(error)
        if unfit:
            raise UnfitError("; ".join(unfit.values()), unfit)
        return result

    def named(self, end: End, native_names: Iterable[str]) -> set[str]:
        """The merge's names of what an end calls so."""
        wanted = set(native_names)
        return {name for name, one in self.by_name.items() if one.pair.at(end) in wanted}
