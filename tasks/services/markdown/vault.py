"""The notes of one folder, with what is remembered of them: only what may have changed is read again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import Any

from tasks.errors import CursorExpiredError, ItemError, SideError
from tasks.services.markdown import fields, files
from tasks.services.markdown.attachments import Attachments
from tasks.services.markdown.catalogue import Catalogue
from tasks.services.markdown.document import Document
from tasks.services.markdown.files import Area, Found
from tasks.services.markdown.identities import Seen
from tasks.services.markdown.links import Links
from tasks.services.markdown.note import Form, Note, digest_of, edited_at, is_settled, seen_in, values_of
from tasks.sides import Changes, Kind, Listing

#: Seconds for which one look proves that notes are gone.
SHARED = 1.0
#: Notes of one page of a listing.
PAGE = 100
#: Notes of which a look keeps what they say until they are given out; others are read once more then.
KEPT = 1_000
#: Of the form in which a vault is remembered.
VERSION = 2


@dataclass(frozen=True, slots=True)
class Keys:
    """What the front matter says besides the attributes, and what is known of those."""

    id_key: str
    title_key: str
    #: Kinds of keys, by the user's word.
    said: Mapping[str, Kind]
    zone: tzinfo


class Vault:
    """The notes of a folder."""

    def __init__(self, area: Area, keys: Keys, label: str) -> None:
        self.area = area
        self.label = label
        self.catalogue = Catalogue(uuid.uuid4().hex)
        self.attachments = Attachments(area)
        #: Ids of notes that were made in this run, by the keys of their creates.
        self.made: dict[str, str] = {}
        #: Ids of notes that were renamed here, by the paths that they had.
        self.renamed: dict[str, str] = {}
        self._keys = keys
        self._guessed: dict[str, Kind] = {}
        self._documents: dict[str, Document] = {}
        #: Whether anybody looked at the files yet.
        self.looked = False
        self._others: list[bytes | None] = []
        self._asked = float("-inf")
        self._closed: dict[str, str] = {}
        self._leftovers: list[Path] = []
        #: The folder's device and inode, as long as there was something in it.
        self._place: list[int] = []

    # -- memory ---------------------------------------------------------------------------------------------

    def remembered(self) -> dict[str, Any]:
        """What a later run is to know, so that it reads less and notices more."""
        known = {one.id for one in self.catalogue.known.values()}
        return {
            "version": VERSION,
            "root": str(self.area.root),
            "place": self._place,
            "kinds": {key: kind.value for key, kind in self._guessed.items()},
            "catalogue": self.catalogue.to_json(),
            "attachments": self.attachments.remembered(),
            "renamed": {path: one for path, one in self.renamed.items() if one in known},
        }

    def recall(self, remembered: Mapping[str, Any]) -> None:
        """Take over what `remembered` gave, of this folder."""
        if (remembered.get("version"), remembered.get("root")) != (VERSION, str(self.area.root)):
            return
        self._place = list(remembered["place"])
        self._guessed = {key: Kind(kind) for key, kind in remembered["kinds"].items()}
        self.catalogue = Catalogue.from_json(remembered["catalogue"])
        self.attachments.recall(remembered["attachments"])
        self.renamed = dict(remembered.get("renamed", {}))

    @property
    def form(self) -> Form:
        """What its notes are made of, as far as they were looked at."""
        own = {self._keys.id_key, self._keys.title_key}
        kinds = {**self._guessed, **self._keys.said}
        kinds = {key: kind for key, kind in kinds.items() if key not in own}
        return Form(self._keys.id_key, self._keys.title_key, kinds, self._keys.zone)

    @property
    def setting(self) -> fields.Setting:
        """What values of its notes depend on."""
        ids = {path: one.id for path, one in self.catalogue.known.items()}
        return self.form.setting(Links(ids, self.renamed), self.attachments.links)

    # -- looking --------------------------------------------------------------------------------------------

    def refresh(self, *, anew: bool = False) -> None:
        """Look at all files, and read those that may have changed; or all of them anew.

        Raises:
            SideError: the folder is not there.
        """
        self.looked = True
        before = {path: one.id for path, one in self.catalogue.known.items()}
        seen, found = self._look(anew)
        # A program that writes a file anew may have no file there for a moment.
        if before.keys() - seen.keys() - self._unseen(found):
            time.sleep(0.02)
            seen, found = self._look(anew)
        self._closed, self._leftovers = found.closed, found.leftovers
        self.catalogue.take(seen, unseen=self._unseen(found))
        self._guessed = fields.guessed(
            (one.seen.shapes for one in self.catalogue.known.values()), self._guessed
        )
        links = [key for key, kind in self.form.kinds.items() if kind is Kind.REFERENCE]
        if links and before != {path: one.id for path, one in self.catalogue.known.items()}:
            self.catalogue.touch(links)
        keys = self.form.file_keys
        if keys and self.attachments.look():
            self.catalogue.touch(keys)

    def _look(self, anew: bool) -> tuple[dict[str, Seen], Found]:
        found = files.look(self.area, self.label)
        self._check_place(found)
        seen: dict[str, Seen] = {}
        for path, stamp in found.files.items():
            old = self.catalogue.known.get(path)
            unchanged = old is not None and old.seen.settled and old.seen.stamp == stamp
            if unchanged and old is not None and (not anew or path in self._documents):
                seen[path] = old.seen
                continue
            self._documents.pop(path, None)
            one, document = self._read(path)
            if one is not None:
                seen[path] = one
            if document is not None and len(self._documents) < KEPT:
                self._documents[path] = document
        for path, why in found.unreadable.items():
            seen[path] = Seen(path, (0, 0, 0, 0), "", "", unreadable=why)
        return seen, found

    def _read(self, path: str) -> tuple[Seen | None, Document | None]:
        """A file, and what it says; `None` where it is not there any more, or cannot be read."""
        now = time.time_ns()
        try:
            data, stamp = files.read(self.area.root / path)
            if not data and self._was_filled(path):  # an editor empties a file before it writes it
                time.sleep(0.1)
                data, stamp = files.read(self.area.root / path)
        except FileNotFoundError:
            return None, None
        except OSError as error:
            why = f"cannot be read: {error.strerror or error}"
            return Seen(path, (0, 0, 0, 0), "", "", unreadable=why), None
        return seen_in(path, data, stamp, self.form, settled=is_settled(stamp, now))

    def _was_filled(self, path: str) -> bool:
        known = self.catalogue.known.get(path)
        return known is not None and known.seen.stamp[2] > 0

    def _check_place(self, found: Found) -> None:
        """Raise where the folder is empty, and another one than that in which notes were."""
        empty = not found.files and not found.unreadable
        if empty and self.catalogue.known and self._place not in ([], found.place):
            raise SideError(
                f"{self.label} is another folder than before, and holds no notes: {self.area.root}; "
                "is a drive not mounted?"
            )
        if found.files:
            self._place = found.place

    def _unseen(self, found: Found) -> set[str]:
        """Notes below folders into which nobody can look."""
        below = tuple(f"{folder}/" for folder in found.closed)
        return {path for path in self.catalogue.known if path.startswith(below)} if below else set()

    def sweep(self) -> None:
        """Take away what processes left that ended in a write."""
        files.sweep(self._leftovers)
        self._leftovers = []

    # -- notes ----------------------------------------------------------------------------------------------

    def pages(self) -> Iterator[Listing]:
        """All notes, some at a time, as their files are when it is their turn."""
        self.refresh(anew=True)
        yield Listing(partial=self._partial, cursor=self._cursor, unreadable=self.unreadable)
        notes = self._notes(0)
        try:
            while page := list(islice(notes, PAGE)):
                yield Listing(page)
        finally:
            self._documents.clear()

    def changes(self, cursor: Any) -> Changes:
        """What changed since a cursor; where nothing did, no file is read.

        Raises:
            CursorExpiredError: it is of another memory.
        """
        since = self._since(cursor)
        self.refresh()
        gone = [note_id for note_id, (number, *_) in self.catalogue.gone.items() if number > since]
        notes = list(self._notes(since))
        self._documents.clear()
        return Changes(notes, gone, self._cursor, self._partial, self.unreadable)

    def _since(self, cursor: Any) -> int:
        of_ours = isinstance(cursor, Mapping) and cursor.get("epoch") == self.catalogue.epoch
        number = cursor.get("change") if of_ours else None
        if not isinstance(number, int) or not self.catalogue.floor <= number <= self.catalogue.change:
            raise CursorExpiredError(f"{self.label} does not know what was before")
        return number

    @property
    def _cursor(self) -> Any:
        return {"epoch": self.catalogue.epoch, "change": self.catalogue.change}

    @property
    def _partial(self) -> str | None:
        if not self._closed:
            return None
        path, why = next(iter(self._closed.items()))
        return f"{self.label} has a folder that cannot be looked into: {path}: {why}"

    @property
    def unreadable(self) -> dict[str, str]:
        """Notes that are there and cannot be read, by id, and why."""
        found = {
            one.id: f"{path} {one.seen.unreadable}"
            for path, one in self.catalogue.known.items()
            if one.seen.unreadable
        }
        for note_id, paths in self.catalogue.doubtful.items():
            found[note_id] = (
                f"{' and '.join(paths)} say that they are the same note; take {self.form.id_key} out of the copy"
            )
        return found

    def _notes(self, since: int) -> Iterator[Note]:
        setting = self.setting
        for path, one in list(self.catalogue.known.items()):
            if one.change <= since or one.seen.unreadable:
                continue
            seen, document = one.seen, self._documents.pop(path, None)
            if document is None:
                again, document = self._read(path)
                if again is None or document is None:  # the next look tells
                    continue
                seen = again
            yield self._note(one.id, seen, document, setting)

    def _note(self, note_id: str, seen: Seen, document: Document, setting: fields.Setting) -> Note:
        values = values_of(seen.path, document, self.form, setting)
        return Note(note_id, seen.path, seen.digest, edited_at(seen.stamp), values)

    def note(self, note_id: str) -> Note | None:
        """One note as it is now, `None` where it is not there.

        Raises:
            ItemError: it cannot be read.
        """
        if not self._is_at_its_place(note_id):
            self.refresh()
        path = self.catalogue.path_of(note_id)
        if note_id in self.catalogue.doubtful:
            raise ItemError(self.unreadable[note_id])
        if path is None:
            return None
        seen, document = self._read(path)
        if seen is None:
            return None
        if document is None:
            raise ItemError(f"{path} {seen.unreadable}")
        return self._note(note_id, seen, document, self.setting)

    def _is_at_its_place(self, note_id: str) -> bool:
        path = self.catalogue.path_of(note_id)
        if path is None:
            return False
        try:
            return files.stamp_of((self.area.root / path).stat()) == self.catalogue.known[path].seen.stamp
        except OSError:
            return False

    def is_gone(self, note_id: str) -> bool:
        """Whether no file of the folder is this note, nor may be it."""
        if time.monotonic() - self._asked > SHARED:
            self.refresh()
            self._others = self._look_at_others()
            self._asked = time.monotonic()
        if self.catalogue.path_of(note_id) is not None or note_id in self.catalogue.doubtful or self._closed:
            return False
        digest = self.catalogue.gone[note_id][2] if note_id in self.catalogue.gone else ""
        return not any(
            data is None or note_id.encode() in data or (digest and digest_of(data) == digest)
            for data in self._others
        )

    def _look_at_others(self) -> list[bytes | None]:
        """What files hold that are no readable notes, or out of what is synced; `None` where nobody knows."""
        found = files.look(replace(self.area, pattern="*", subfolders=True), self.label)
        held: list[bytes | None] = []
        for path in sorted(found.files.keys() | found.unreadable.keys()):
            one = self.catalogue.known.get(path)
            if one is not None and not one.seen.unreadable:
                continue
            try:
                held.append(files.read(self.area.root / path)[0])
            except OSError:
                if one is None or not one.read:  # else it is another one, as it was read before
                    held.append(None)
        return held
