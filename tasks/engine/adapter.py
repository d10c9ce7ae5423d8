"""A side as the merge speaks to it: by the merge's names, with values in common form."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tasks.engine.calls import Calls, discard
from tasks.errors import ItemError, TaskDefinitionError, UnfitError
from tasks.mapping import Mapping as Attributes
from tasks.merge import Filter, Match
from tasks.sides import ID, End, Side
from tasks.values.canonical import canonical, same
from tasks.values.plain import PLAIN

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Adapter:
    """One side of a run."""

    #: The task's name, for messages.
    task: str
    end: End
    side: Side
    mapping: Attributes
    calls: Calls
    #: What people call it.
    label: str
    #: Whether the task may write here at all. Every write goes through the methods below.
    writable: bool = True
    #: What the task takes of it.
    filters: tuple[Filter, ...] = ()
    #: By which values its objects are paired; `None`: by the key that the side says.
    match: Match | None = None

    async def call(self, method: Any, *args: Any) -> Any:
        """What a method of the side returns, awaited if need be."""
        return await self.calls.call(self.end, method, *args)

    def common(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What the side shows of an object, in common form.

        Raises:
            TaskDefinitionError: it has no such attribute.
            ItemError: a value is of a type that cannot be kept.
        """
        try:
            result = self.mapping.common(self.end, values)
        except KeyError as error:
            raise TaskDefinitionError(
                f"task {self.task!r}: {self.mapping.spelled} names {error.args[0]!r}, which "
                f"{self.side.spelled('values')} does not give; it gives "
                f"{', '.join(sorted(map(str, values))) or 'nothing'}"
            ) from None
        if PLAIN.issuperset(map(type, result.values())):  # as nearly all
            return result
        for name, value in result.items():
            try:
                canonical(value)
            except TypeError as error:
                raise ItemError(f"attribute {self.mapping.name_at(self.end, name)!r}: {error}") from error
        return result

    def takes(self, values: Mapping[str, Any]) -> bool:
        """Whether an object with these values of the side is among those that the task takes.

        Raises:
            TaskDefinitionError: the side does not give an attribute of a filter.
        """
        if not self.filters:
            return True
        for one in self.filters:
            if one.attribute not in values:
                raise TaskDefinitionError(
                    f"task {self.task!r}: only names {one.attribute!r}, which {self.side.spelled('values')} does not "
                    f"give; it gives {', '.join(sorted(map(str, values))) or 'nothing'}"
                )
        return all(one.fits(values) for one in self.filters)

    async def id(self, obj: Any) -> ID:
        """The id of an object, as text."""
        return text_id(await self.call(self.side.id, obj))

    async def values(self, obj: Any) -> dict[str, Any]:
        """The synced values of an object."""
        return self.common(await self.call(self.side.values, obj))

    async def made(self, obj: Any) -> tuple[ID, dict[str, Any]]:
        """The id and the synced values of an object, asked in one go where both are plain."""
        of_id, of_values = self.side.id, self.side.values

        def ask() -> list[Any]:
            return [of_id(obj), of_values(obj)]

        if not any(map(inspect.iscoroutinefunction, (of_id, of_values))):
            answers = await self.call(ask)
            if not any(map(inspect.isawaitable, answers)):
                return text_id(answers[0]), self.common(answers[1])
            discard(answers)
        return await self.id(obj), await self.values(obj)

    async def known(self, obj_id: ID, values: Mapping[str, Any]) -> Any:
        """An object made of what is known of it, where the side can do that and the common form says all."""
        if self.mapping.is_coarse(self.end):
            return NotImplemented
        return await self.call(self.side.known, obj_id, self.mapping.native(self.end, values))

    async def create(
        self,
        key: str,
        values: Mapping[str, Any],
        defaults: Collection[str] = (),
        along: Mapping[str, Any] = _NOTHING,
    ) -> Any:
        """Make an object of values in common form; what is constant for new ones is added.

        Args:
            key: of the create.
            values: by the merge's names.
            defaults: those of them that are the default, which is written in the words in which it was said.
            along: what is written with them, by the side's own names and in its own form.
        """
        self._may_write()
        native = {**self.mapping.constants[self.end], **along, **self.mapping.native(self.end, values)}
        given = self.mapping.defaults[self.end]
        native |= {self.mapping.name_at(self.end, name): given[name] for name in defaults if name in given}
        try:
            made = await self.call(self.side.create, key, native)
        except UnfitError as error:
            raise UnfitError(str(error), self.mapping.named(self.end, error.attributes)) from error
        if made is None:
            raise TaskDefinitionError(
                f"task {self.task!r}: {self.side.spelled('create')} must return the object that it made"
            )
        return made

    async def update(self, obj: Any, changes: Mapping[str, Any], along: Mapping[str, Any] = _NOTHING) -> Any:
        """Set attributes to values in common form; gives the object as it is now.

        A value that stands for the same already stays as it is.

        Args:
            obj: the object.
            changes: by the merge's names.
            along: what is written with them, by the side's own names and in its own form.

        Raises:
            UnfitError: some values do not fit, by the merge's names; nothing was written.
        """
        self._may_write()
        try:
            native = self.mapping.native(self.end, changes, await self._now(obj))
            return await self.call(self.side.update, obj, {**along, **native})
        except UnfitError as error:
            raise UnfitError(str(error), self.mapping.named(self.end, error.attributes)) from error

    async def update_one(self, obj: Any, name: str, value: Any) -> None:
        """Set a single attribute, in place."""
        self._may_write()
        ((native, sent),) = self.mapping.native(self.end, {name: value}, await self._now(obj)).items()
        await self.call(self.side.update_one, obj, native, sent)

    async def has(self, obj: Any, native: str, value: Any) -> bool:
        """Whether an object shows a value of an attribute, by the side's own name and form."""
        values = await self.call(self.side.values, obj)
        return native in values and same(values[native], value)

    async def mark(self, obj: Any, native: str, value: Any) -> Any:
        """Set an attribute by the side's own name and form; gives the object as it is now."""
        self._may_write()
        updated = await self.call(self.side.update, obj, {native: value})
        if updated is NotImplemented:
            await self.call(self.side.update_one, obj, native, value)
        return obj if updated is NotImplemented or updated is None else updated

    async def delete(self, obj: Any) -> None:
        """Delete an object."""
        self._may_write()
        await self.call(self.side.delete, obj)

    async def restore(self, obj_id: ID) -> Any:
        """Take an object out of the trash; `None` or `NotImplemented` where that cannot be."""
        self._may_write()
        return await self.call(self.side.restore, obj_id)

    def _may_write(self) -> None:
        """Make sure that the task writes here.

        Raises:
            TaskDefinitionError: it mirrors this side, and never writes it, whatever a plan says.
        """
        if not self.writable:
            raise TaskDefinitionError(
                f"task {self.task!r}: {self.label} is the source of this sync and is never written. The write was not "
                "sent, and the run has ended: this is a fault of Lockstep, please report it"
            )

    async def _now(self, obj: Any) -> Mapping[str, Any] | None:
        """What an object has now, where a converter asks for it."""
        return await self.call(self.side.values, obj) if self.mapping.converts else None


def text_id(answer: Any) -> ID:
    """An id as it is kept: a UUID or a number would not be found again under what was read back."""
    if answer is None or answer == "":
        raise ItemError("its id is empty")
    return str(answer)
