"""The people who edit a side: by default through the side's own methods."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from tasks.object_task import ObjectTask
from tasks.testing.calling import answer
from tasks.testing.histories.reading import ENDS

#: Namespace of the keys under which people's objects are made.
_KEYS = uuid.UUID("2f9a3f0e-6d0b-4e0e-9f0e-52c2a4f1b7d3")


class Person(Protocol):
    """Edits one side as its users do. Attributes are named as that side names them.

    Every method may be a plain function or a coroutine.
    """

    def create(self, values: Mapping[str, Any]) -> Any:
        """Make an object and return it as the task's listing would give it."""
        ...

    def update(self, obj: Any, attr: str, value: Any) -> Any:
        """Set one attribute of an object that the task listed."""
        ...

    def delete(self, obj: Any) -> Any:
        """Delete an object that the task listed."""
        ...


#: Makes the person who edits a side of a fresh task.
PersonFor: TypeAlias = Callable[[Any], Person]


class TaskPerson:
    """Edits a side of a task (`notion` or `other`) through the side's own methods."""

    def __init__(self, task: ObjectTask, side: str) -> None:
        self._side = task.pairing().sides[ENDS[side]]
        self._word = side
        self._made = 0

    async def create(self, values: Mapping[str, Any]) -> Any:
        """Make an object."""
        self._made += 1
        key = str(uuid.uuid5(_KEYS, f"{self._word} {self._made}"))
        return await answer(self._side.create(key, dict(values)))

    async def update(self, obj: Any, attr: str, value: Any) -> Any:
        """Set one attribute, in the way that the engine would."""
        updated = await answer(self._side.update(obj, {attr: value}))
        if updated is NotImplemented:
            updated = await answer(self._side.update_one(obj, attr, value))
        return updated

    async def delete(self, obj: Any) -> Any:
        """Delete an object."""
        return await answer(self._side.delete(obj))
