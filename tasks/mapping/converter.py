"""How the values of a pair of attributes meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from tasks.sides import End


class Converter(Protocol):
    """Brings the values of both ends of a pair into one common form, and back.

    What was brought into the common form and back is in the same common form again: a value that was just written
    is no edit.
    """

    def common(self, end: End, value: Any) -> Any:
        """The common form of a value of an end; `Opaque` for one that has none.

        Raises:
            ItemError: the object cannot be synced with this value.
        """
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


AS_IT_IS = AsItIs()
