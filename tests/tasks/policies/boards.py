"""The two places of a task that tells people of the sync, in columns of the rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tasks.errors import PreconditionError
from tasks.sides import Attribute, Kind
from tests.tasks.policies.places import Place, Sync, Thing

STATUS: dict[str, Attribute] = {
    "Where": Attribute(Kind.ADDRESS),
    "Synced": Attribute(Kind.MOMENT, whole_minutes=True),
    "Sync": Attribute(Kind.TEXT),
}
SAID = {"address": "Where", "synced": "Synced", "state": "Sync"}
NONE: dict[str, Any] = dict.fromkeys(STATUS)


class Board(Place):
    """A place with columns, of which objects have addresses, and that may refuse writes."""

    def __init__(self, place: Place, more: dict[str, Attribute]) -> None:
        super().__init__(place.label, {**place.attributes, **more}, place.clock, deltas=place.deltas)
        #: Attributes that are refused, and what was sent: kind, id, attributes.
        self.refused: dict[str, Exception] = {}
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.accepted: tuple[str, ...] = ()

    def accept(self, attributes: Any) -> None:
        self.accepted = tuple(attributes)

    def address(self, obj: Thing) -> str:
        return f"https://{obj.id}"

    def create(self, key: str, values: dict[str, Any]) -> Any:
        self._take("create", "", values)
        return super().create(key, values)

    def update(self, obj: Thing, changes: dict[str, Any]) -> Any:
        self._take("update", obj.id, changes)
        return super().update(obj, changes)

    def _take(self, kind: str, obj_id: str, values: dict[str, Any]) -> None:
        assert set(values) <= {*self.read, *self.accepted}
        for name in values:
            if name in self.refused:
                raise self.refused[name]
        self.sent.append((kind, obj_id, dict(values)))

    def _unchanged(self, obj: Thing) -> None:
        """What stands in the columns is no condition of a write."""
        there = self.things.get(obj.id)
        if there is None or any(there.values[name] != obj.values[name] for name in self.read):
            raise PreconditionError("it changed meanwhile")

    def of(self, name: str) -> dict[str, Any]:
        (thing_id,) = self.named(name)
        return {column: self.things[thing_id].values.get(column) for column in STATUS}


class Told(Sync):
    """A task with columns in its rows."""

    rows: Board
    todos: Board

    def __init__(self, when: str = "written", *, deltas: bool = False, **said: Any) -> None:
        columns = said.pop("columns", {"notion": {**SAID, "when": when}})
        super().__init__(deltas=deltas, columns=columns, **said)
        self.rows, self.todos = Board(self.rows, STATUS), Board(self.todos, {})

    @property
    def now(self) -> datetime:
        return self.clock.now.replace(second=0, microsecond=0)

    async def idle(self) -> None:
        """A run in which nothing is sent."""
        self.rows.sent.clear()
        self.todos.sent.clear()
        await self.run()
        assert (self.rows.sent, self.todos.sent) == ([], [])
