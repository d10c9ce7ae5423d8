"""What a server makes of a write only after the write was read back.

Such a change is nobody's edit, though the next listing shows it: the entry's version is still the one that was
read back, or its marks are and a text was cut. The fuller value is then given in place of the one that the
server shows, for as long as it shows just that one.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Self

from tasks.services.caldav.collection.versions import marks, strong
from tasks.services.caldav.entries.codec import Entry
from tasks.values.canonical import from_json, same, to_json


@dataclass(frozen=True)
class _Written:
    """An entry as it was read back after a write."""

    etag: str | None
    marks: Mapping[str, str]
    values: Mapping[str, Any]

    def was_changed_by_server(self, entry: Entry, name: str) -> bool:
        """Whether it is the server that shows another value now."""
        if self.etag is not None and self.etag == strong(entry.etag):
            return True
        return self.marks == marks(entry.uid, entry.text) and _is_cut(self.values[name], entry.values[name])


class LateChanges:
    """Those of one calendar."""

    def __init__(self) -> None:
        self._written: dict[str, _Written] = {}
        #: By UID and attribute: the full value, and the one that the server shows instead.
        self._made: dict[str, dict[str, tuple[Any, Any]]] = {}

    def wrote(self, entry: Entry, sent: Entry, names: Container[str], passing: Container[str] = ()) -> None:
        """Remember what was read back, until the next listing.

        Arguments:
            entry: The entry as the server keeps it.
            sent: The same as it was sent.
            names: The attributes that were written. What the server made of others on this occasion is nobody's
                edit either.
            passing: Attributes that become others by time alone; of these nothing is remembered.
        """
        made = self._made.setdefault(entry.uid, {})
        lasting = {name: value for name, value in entry.values.items() if name not in passing}
        for name, shown in lasting.items():
            value = sent.values[name]
            if name not in names and not same(value, shown):
                known = made.get(name)
                made[name] = (known[0] if known is not None and same(known[1], value) else value, shown)
        self._written[entry.uid] = _Written(strong(entry.etag), marks(entry.uid, entry.text), lasting)

    def forget(self, uid: str, names: Iterable[str]) -> bool:
        """Give these attributes as the server shows them from now on; true where they were given otherwise."""
        made = self._made.get(uid, {})
        forgotten = [name for name in names if made.pop(name, None) is not None]
        return bool(forgotten)

    def undone(self, entries: Iterable[Entry], unread: Container[str]) -> list[Entry]:
        """The entries of a complete listing with full values; of those that it could not read, nothing is told."""
        return self._all_undone(entries, lambda uid: uid in unread)

    def undone_of(self, entries: Sequence[Entry]) -> list[Entry]:
        """Some entries with full values; of all others nothing is told."""
        uids = {entry.uid for entry in entries}
        return self._all_undone(entries, lambda uid: uid not in uids)

    def _all_undone(self, entries: Iterable[Entry], is_untold: Callable[[str], bool]) -> list[Entry]:
        made, self._made = self._made, {uid: made for uid, made in self._made.items() if is_untold(uid)}
        written = self._written
        self._written = {uid: one for uid, one in written.items() if is_untold(uid)}
        return [self._undone(entry, made.get(entry.uid, {}), written.get(entry.uid)) for entry in entries]

    def _undone(self, entry: Entry, made: Mapping[str, tuple[Any, Any]], written: _Written | None) -> Entry:
        full = {name: pair for name, pair in made.items() if same(entry.values[name], pair[1])}
        for name, value in written.values.items() if written is not None else ():
            shown = entry.values[name]
            if written is not None and not same(value, shown) and written.was_changed_by_server(entry, name):
                full[name] = (made[name][0] if name in made else value, shown)
        if not full:
            return entry
        self._made[entry.uid] = full
        return replace(
            entry, values=MappingProxyType({**entry.values, **{name: full[name][0] for name in full}})
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
