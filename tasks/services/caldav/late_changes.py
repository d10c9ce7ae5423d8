"""What a server makes of a write only after the write was read back.

Such a change is nobody's edit, though the next listing shows it: the to-do's version is still the one that was
read back, or its marks are and a text was cut. The fuller value is then given in place of the one that the
server shows, for as long as it shows just that one.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Self

from tasks.services.caldav.todo import Todo
from tasks.services.caldav.versions import marks, strong
from tasks.values.canonical import from_json, same, to_json


@dataclass(frozen=True)
class _Written:
    """A to-do as it was read back after a write."""

    etag: str | None
    marks: Mapping[str, str]
    values: Mapping[str, Any]

    def was_changed_by_server(self, todo: Todo, name: str) -> bool:
        """Whether it is the server that shows another value now."""
        if self.etag is not None and self.etag == strong(todo.etag):
            return True
        return self.marks == marks(todo.uid, todo.text) and _is_cut(self.values[name], todo.values[name])


class LateChanges:
    """Those of one calendar."""

    def __init__(self) -> None:
        self._written: dict[str, _Written] = {}
        #: By UID and attribute: the full value, and the one that the server shows instead.
        self._made: dict[str, dict[str, tuple[Any, Any]]] = {}

    def wrote(self, todo: Todo, sent: Todo, names: Container[str]) -> None:
        """Remember what was read back, until the next listing.

        Arguments:
            todo: The to-do as the server keeps it.
            sent: The same as it was sent.
            names: The attributes that were written. What the server made of others on this occasion is nobody's
                edit either.
        """
        made = self._made.setdefault(todo.uid, {})
        for name, value in sent.values.items():
            shown = todo.values[name]
            if name not in names and not same(value, shown):
                known = made.get(name)
                made[name] = (known[0] if known is not None and same(known[1], value) else value, shown)
        self._written[todo.uid] = _Written(strong(todo.etag), marks(todo.uid, todo.text), todo.values)

    def forget(self, uid: str, names: Iterable[str]) -> bool:
        """Give these attributes as the server shows them from now on; true where they were given otherwise."""
        made = self._made.get(uid, {})
        forgotten = [name for name in names if made.pop(name, None) is not None]
        return bool(forgotten)

    def undone(self, todos: Iterable[Todo], unread: Container[str]) -> list[Todo]:
        """The to-dos of a complete listing with full values; of those that it could not read, nothing is told."""
        made, self._made = self._made, {uid: made for uid, made in self._made.items() if uid in unread}
        written = self._written
        self._written = {uid: one for uid, one in written.items() if uid in unread}
        return [self._undone(todo, made.get(todo.uid, {}), written.get(todo.uid)) for todo in todos]

    def _undone(self, todo: Todo, made: Mapping[str, tuple[Any, Any]], written: _Written | None) -> Todo:
        full = {name: pair for name, pair in made.items() if same(todo.values[name], pair[1])}
        for name, value in written.values.items() if written is not None else ():
            shown = todo.values[name]
            if written is not None and not same(value, shown) and written.was_changed_by_server(todo, name):
                full[name] = (made[name][0] if name in made else value, shown)
        if not full:
            return todo
        self._made[todo.uid] = full
        return replace(
            todo, values=MappingProxyType({**todo.values, **{name: full[name][0] for name in full}})
        )

    def to_json(self) -> Any:
        """What the next run is to know."""
        written = {
            uid: [one.etag, dict(one.marks), to_json(dict(one.values))] for uid, one in self._written.items()
        }
        made = {
            uid: {name: [to_json(value) for value in pair] for name, pair in pairs.items()}
            for uid, pairs in self._made.items()
        }
        return {"written": written, "made": made}

    @classmethod
    def from_json(cls, kept: Any) -> Self:
        """What an earlier run knew."""
        new = cls()
        for uid, (etag, found, values) in kept["written"].items():
            new._written[uid] = _Written(etag, found, from_json(values))
        for uid, pairs in kept["made"].items():
            new._made[uid] = {
                name: (from_json(full), from_json(shown)) for name, (full, shown) in pairs.items()
            }
        return new


def _is_cut(full: Any, shown: Any) -> bool:
    """Whether a value is what is left of a text."""
    return isinstance(full, str) and (not shown or (isinstance(shown, str) and full.startswith(shown)))
