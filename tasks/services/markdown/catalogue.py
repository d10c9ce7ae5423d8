"""What is known of the notes of a folder from one look to the next, with a number for each change. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tasks.services.markdown.identities import Known, Seen, identify

#: So many deletions are kept for cursors that are behind.
MOST_GONE = 1000


@dataclass
class Catalogue:
    """What is known of a folder from one look to the next, with a number for each change that was seen."""

    #: Says which catalogue cursors are of.
    epoch: str
    change: int = 0
    #: The change behind which deletions are still known.
    floor: int = 0
    known: dict[str, Known] = field(default_factory=dict)
    #: Of notes that are gone, by id: the change at which that was found, inode and digest.
    gone: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    #: Where a deleted note lies: its path in the trash, and where it was.
    trash: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: Ids that several files say.
    doubtful: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def path_of(self, note_id: str) -> str | None:
        """Where a note is."""
        return next((path for path, one in self.known.items() if one.id == note_id), None)

    def take(self, files: Mapping[str, Seen], *, unseen: Collection[str] = ()) -> None:
        """Bring it up to date.

        Arguments:
            files: All files, by path.
            unseen: Paths at which nobody could look: what was there is taken to be there still.
        """
        kept = {path: self.known[path].seen for path in unseen if path in self.known and path not in files}
        there = {**kept, **files}
        found = identify(list(there.values()), self.known, {*self.gone, *self.trash})
        number = self.change + 1
        known: dict[str, Known] = {}
        for path, note_id in found.ids.items():
            old = self.known.get(path)
            same = old is not None and old.id == note_id and _content(old.seen) == _content(there[path])
            was_read = not there[path].unreadable or (old is not None and old.id == note_id and old.read)
            known[path] = Known(
                note_id, there[path], old.change if same and old is not None else number, was_read
            )
        ids = {one.id for one in known.values()} | found.doubtful.keys()
        lost = {one.id: one.seen for one in self.known.values() if one.id not in ids}
        changed = (
            lost or found.doubtful != self.doubtful or any(one.change == number for one in known.values())
        )
        for note_id, seen in lost.items():
            self._lose(note_id, seen, number)
        for note_id in ids & self.gone.keys():
            del self.gone[note_id]
        self.known, self.doubtful = known, dict(found.doubtful)
        self.change += bool(changed)
        self._forget_old()

    def touch(self, keys: Collection[str]) -> None:
        """What has one of these keys may show something else, though it holds the same."""
        self.change += 1
        for path, one in self.known.items():
            if not one.seen.shapes.keys().isdisjoint(keys):
                self.known[path] = replace(one, change=self.change)

    def put(self, note_id: str, seen: Seen, instead_of: str | None = None) -> None:
        """A file that was written here."""
        if instead_of is not None:
            self.known.pop(instead_of, None)
        self.change += 1
        self.known[seen.path] = Known(note_id, seen, self.change)
        self.gone.pop(note_id, None)
        self.trash.pop(note_id, None)

    def drop(self, path: str) -> None:
        """A file that was deleted here."""
        self.change += 1
        lost = self.known.pop(path)
        self._lose(lost.id, lost.seen, self.change)
        self._forget_old()

    def _lose(self, note_id: str, seen: Seen, number: int) -> None:
        self.gone[note_id] = (number, seen.inode, seen.digest)

    def _forget_old(self) -> None:
        for note_id, (number, *_) in sorted(self.gone.items(), key=lambda item: item[1])[:-MOST_GONE]:
            del self.gone[note_id]
            self.floor = max(self.floor, number)

    def to_json(self) -> dict[str, Any]:
        """What another process is to know."""
        return {
            "epoch": self.epoch,
            "change": self.change,
            "floor": self.floor,
            "known": {path: one.to_json() for path, one in self.known.items()},
            "gone": {note_id: list(one) for note_id, one in self.gone.items()},
            "trash": {note_id: list(paths) for note_id, paths in self.trash.items()},
            "doubtful": {note_id: list(paths) for note_id, paths in self.doubtful.items()},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Catalogue:
        """What `to_json` gave."""
        return cls(
            document["epoch"],
            document["change"],
            document["floor"],
            {path: Known.from_json(path, one) for path, one in document["known"].items()},
            {note_id: (one[0], one[1], one[2]) for note_id, one in document["gone"].items()},
            {note_id: (paths[0], paths[1]) for note_id, paths in document["trash"].items()},
            {note_id: tuple(paths) for note_id, paths in document["doubtful"].items()},
        )


def _content(seen: Seen) -> tuple[str, str | None, str]:
    return seen.digest, seen.own, seen.unreadable
