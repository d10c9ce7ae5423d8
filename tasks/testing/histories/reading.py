"""What both sides show at a moment, read through their own listings, in the form in which the merge compares it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tasks.mapping import Mapping as Attributes
from tasks.object_task import ObjectTask
from tasks.sides import Attribute, End, Listing, Side
from tasks.testing.calling import answer
from tasks.testing.equality import SIDES
from tasks.testing.invariants import BrokenError, Invariant
from tasks.values.lossy import Lossy

#: The ends, by the words that histories have for them.
ENDS: Mapping[str, End] = dict(zip(SIDES, End, strict=True))


@dataclass(frozen=True, slots=True)
class Seen:
    """One object as its side shows it."""

    id: str
    #: By the left side's attribute and in common form, on both sides.
    values: Mapping[str, Any]
    hash: Any = field(default=None, compare=False)
    obj: Any = field(default=None, compare=False, repr=False)


class Reader:
    """Both sides of a task, read as its engine reads them."""

    def __init__(self, task: ObjectTask) -> None:
        self.task = task
        self._sync = task.pairing()
        self.sides: Mapping[str, Side] = {word: self._sync.sides[end] for word, end in ENDS.items()}
        #: What is kept in step; known once the sides were opened.
        self.mapping = Attributes(())
        #: What each side says of its attributes; known likewise.
        self.described: Mapping[str, Mapping[str, Attribute]] = {}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The sides with their clients open, as in a run."""
        try:
            for side in self.sides.values():
                await answer(side.open())
                await answer(side.recall(None, {}))
            self.described = {word: await answer(side.describe()) or {} for word, side in self.sides.items()}
            self.mapping = self._sync.mapped({ENDS[word]: said for word, said in self.described.items()})
            for word, side in self.sides.items():
                await answer(side.check(self.mapping.at(ENDS[word])))
            yield
        finally:
            for side in self.sides.values():
                await answer(side.close())

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes that are kept in step both ways, also where one of them is empty."""
        apart = {*self.mapping.only_to, *(name for one in self.mapping.defaults.values() for name in one)}
        return tuple(name for name in self.mapping.names if name not in apart)

    @property
    def lossy(self) -> Mapping[str, Lossy]:
        """What one side cannot show in full."""
        return {**self.mapping.lossy, **self.task.lossy}

    def native(self, side: str, attribute: str) -> str:
        """A side's own name of an attribute."""
        return self.mapping.name_at(ENDS[side], attribute)

    def native_values(self, side: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by a side's own names, as far as it can show them and in the form in which it has them.

        Raises:
            UnfitError: it has no such values.
        """
        return self.mapping.native(
            ENDS[side], {name: self._shown(side, name, values[name]) for name in values}
        )

    def _shown(self, side: str, attribute: str, value: Any) -> Any:
        lossy = self.lossy.get(attribute)
        return lossy.show(value) if lossy is not None and lossy.side in (side, ENDS[side].value) else value

    def new_values(self, side: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The same of an object that is to be made.

        Raises:
            UnfitError: the side has no such values.
        """
        return {**self.mapping.constants[ENDS[side]], **self.native_values(side, values)}

    async def look(self, side: str, obj: Any) -> Seen:
        """One object in the common form.

        Raises:
            BrokenError: the side cannot say what the object shows.
        """
        one = self.sides[side]
        obj_id = await answer(one.id(obj))
        if obj_id is None or str(obj_id) == "":
            raise BrokenError(
                Invariant.CONTRACT,
                f"{one.spelled('id')} gives {obj_id!r}; every object has an id that is a text",
            )
        shown = await answer(one.values(obj))
        missing = [
            name
            for name in self.mapping.at(ENDS[side])
            if not isinstance(shown, Mapping) or name not in shown
        ]
        if missing:
            raise BrokenError(
                Invariant.CONTRACT,
                f"{one.spelled('values')} does not give {missing[0]!r}, which {self.mapping.spelled} names; it gives "
                f"{shown!r}",
            )
        common = self.mapping.common(ENDS[side], shown)
        values = {name: common[name] for name in self.names}
        return Seen(str(obj_id), values, await answer(one.key(obj)), obj)

    async def listing(self, side: str) -> list[Seen]:
        """All objects of a side.

        Raises:
            BrokenError: the listing is none, or names an object twice.
        """
        method = self.sides[side].spelled("list")
        listed = await answer(self.sides[side].list())
        if not isinstance(listed, list | tuple):
            raise BrokenError(
                Invariant.CONTRACT, f"{method} must return a list or a Listing, not {type(listed).__name__}"
            )
        partial = listed.partial if isinstance(listed, Listing) else None
        if partial is not None:
            raise BrokenError(
                Invariant.PARTIAL,
                f"the listing of {side} says that it is partial ({partial}) on a side that holds a few objects only, "
                "so no deletion would ever be carried across",
            )
        seen = [await self.look(side, obj) for obj in listed]
        ids = [one.id for one in seen]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise BrokenError(Invariant.STABLE_IDS, f"the listing of {side} names {twice[0]} more than once")
        return seen

    async def both(self) -> dict[str, list[Seen]]:
        """All objects of both sides."""
        return {side: await self.listing(side) for side in SIDES}
