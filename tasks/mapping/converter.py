"""How the values of a pair of attributes meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tasks.sides import End, ItemError
from tasks.values.canonical import same
from tasks.values.opaque import Opaque


class Converter(Protocol):
    """Brings the values of both ends of a pair into one common form, and back.

    What was brought into the common form and back is in the same common form again: a value that was just written
    is no edit.
    """

    def common(self, end: End, value: Any) -> Any:
        """The common form of a value of an end; `Opaque` for one that has none."""
        ...

    def native(self, end: End, common: Any, current: Any = None) -> Any:
        """The value of an end for a common form: the one that it has, if that stands for the same already.

        Args:
            end: where it is to be written.
            common: the common form.
            current: what the object has now; `None` for one that is to be made.

        Raises:
            ItemError: this end has no such value.
        """
        ...

    @property
    def form(self) -> str:
        """A word for the common form and what leads to it; empty where values are taken as they are."""
        ...

    def is_coarse(self, end: End) -> bool:
        """Whether several values of an end have one common form, so that it does not tell which one is there."""
        ...


@dataclass(frozen=True, slots=True)
class AsItIs:
    """Both ends have the same kind of value."""

    form: str = ""

    def common(self, end: End, value: Any) -> Any:
        """The value."""
        return value

    def native(self, end: End, common: Any, current: Any = None) -> Any:
        """The value."""
        return common

    def is_coarse(self, end: End) -> bool:
        """Never."""
        return False


AS_IT_IS = AsItIs()


def _same(value: Any) -> Any:
    return value


def _given(common: Any, current: Any) -> Any:
    return common


@dataclass(frozen=True, slots=True)
class Way:
    """From the values of one end to the common form, and back.

    Both may raise what comes of a value of another kind (`TypeError`, `ValueError`, …): that value has no other form.
    """

    common: Callable[[Any], Any] = _same
    #: Gets the common form, and what the object has now, `None` where that cannot be read or is not there.
    native: Callable[[Any, Any], Any] = _given
    #: Whether several values have one common form.
    coarse: bool = False


#: What a value of another kind than was said leads to.
_UNFIT = (TypeError, ValueError, AttributeError, ArithmeticError, LookupError)


@dataclass(frozen=True, slots=True)
class Ways:
    """Two ends, each with its way to the common form."""

    left: Way
    right: Way
    #: The only end that is written, whatever it shows now.
    only_to: End | None = None
    form: str = ""

    def common(self, end: End, value: Any) -> Any:
        """The common form; a value that has none is `Opaque`, or stays as it is where it is only written over."""
        if isinstance(value, Opaque):
            return value
        try:
            common = self._at(end).common(value)
        except _UNFIT:
            common = Opaque(f"a value of another kind than was said ({type(value).__name__})", odd=True)
        return value if isinstance(common, Opaque) and end is self.only_to else common

    def native(self, end: End, common: Any, current: Any = None) -> Any:
        """The value of an end; the one that it has stays where it stands for the same."""
        if isinstance(common, Opaque):
            return common if current is None else current
        known = None if isinstance(current, Opaque) else current
        if known is not None and same(self.common(end, known), common):
            return known
        try:
            return self._at(end).native(common, known)
        except _UNFIT:
            raise ItemError(f"a value of type {type(common).__name__} has no form there") from None

    def is_coarse(self, end: End) -> bool:
        """Whether several values of an end have one common form."""
        return self._at(end).coarse

    def _at(self, end: End) -> Way:
        return self.left if end is End.LEFT else self.right
