"""Writes to the notes of a folder: each looks at the last moment, and takes place all at once or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.errors import ItemError, PreconditionError
from tasks.services.markdown import fields, files
from tasks.services.markdown.document import Document, NoteError, new_document, parse
from tasks.services.markdown.files import Area
from tasks.services.markdown.identities import new_id
from tasks.services.markdown.names import SUFFIX, folded, free_stem, is_conflict_copy
from tasks.services.markdown.note import (
    TITLE,
    Note,
    changed,
    digest_of,
    edited_at,
    seen_in,
    stem_at,
    titled,
    values_of,
    with_word,
)
from tasks.services.markdown.placing import Placed, Placing
from tasks.services.markdown.vault import Vault
from tasks.sides import File, Kind, title_key
from tasks.values.canonical import same

#: How often a name is looked for that somebody else takes at the same moment.
TRIES = 20


class Writer:
    """Makes, edits, deletes and restores notes of a vault.

    Arguments:
        vault: The notes.
        new_in: The folder of new ones, relative to that of the vault.
        attachments: The folder of files that come with the values of notes.
    """

    def __init__(self, vault: Vault, new_in: str = "", attachments: str = "") -> None:
        self._vault = vault
        self._new_in = new_in
        self._placing = Placing(vault.area, vault.attachments, attachments)

    @property
    def _area(self) -> Area:
        return self._vault.area

    # -- making ---------------------------------------------------------------------------------------------

    def create(self, key: str, values: Mapping[str, Any]) -> Note:
        """A new note, or the one that was made with this key.

        Raises:
            UnfitError: some values do not fit.
            ItemError: it cannot be written.
        """
        made = self._made(key)
        if made is not None:
            return made
        title = values.get(TITLE) or ""
        subject = f"the new note {title!r:.80}"
        self._check_not_there(title, subject)
        placed = self._placing.place({}, values, None)
        try:
            return self._create(key, title, placed.values, subject)
        except BaseException:
            self._placing.take_back(placed)
            raise

    def _create(self, key: str, title: str, values: Mapping[str, Any], subject: str) -> Note:
        form = self._vault.form
        document = changed(new_document(), values, form, self._vault.setting, subject=subject)
        if form.id_key:
            document = with_word(document, form.id_key, key, subject=subject)
        for _ in range(TRIES):
            path = self._free_path(self._new_in, title, subject)
            ready = titled(document, title, stem_at(path), form, subject=subject)
            try:
                files.create(self._area.root / path, ready.data)
            except FileExistsError:
                continue
            note_id = key if form.id_key else new_id(path, self._used())
            self._vault.made[key] = note_id
            return self._stored(note_id, path, ready.data)
        raise ItemError(f"{subject}: every name for it is taken")

    def _check_not_there(self, title: Any, subject: str) -> None:
        """Raise where a file that nobody could ever read may be the note."""
        for path, one in self._vault.catalogue.known.items():
            if not one.seen.unreadable or one.read or is_conflict_copy(stem_at(path)):
                continue
            if title_key(stem_at(path)) == title_key(str(title)):
                raise PreconditionError(
                    f"{subject} is not made as long as it may be there already: {path} {one.seen.unreadable}"
                )

    def _made(self, key: str) -> Note | None:
        """The note that was made with a key, in this run or by one that was cut off."""
        note_id = self._vault.made.get(key, key)
        if not self._vault.looked:
            self._vault.refresh()
        catalogue = self._vault.catalogue
        known = catalogue.path_of(note_id) is not None or note_id in catalogue.doubtful
        return self._vault.note(note_id) if known else None

    def _used(self) -> set[str]:
        catalogue = self._vault.catalogue
        return {one.id for one in catalogue.known.values()} | catalogue.gone.keys() | catalogue.trash.keys()

    # -- editing --------------------------------------------------------------------------------------------

    def update(self, note: Note, changes: Mapping[str, Any]) -> Note:
        """Set values of a note and give it as it is then.

        Raises:
            PreconditionError: it changed since it was read.
            UnfitError: some values do not fit.
            ItemError: it cannot be written.
        """
        before = self._as_read(note)
        current = self._files_as_read(note, before, changes)
        placed = self._placing.place(current, changes, note.path)
        try:
            now = self._update(note, before, placed)
        except BaseException:
            self._placing.take_back(placed)
            raise
        self._placing.drop(placed.gone, now.path)
        return now

    def lacks_files(self, note: Note | None, key: str, wanted: Sequence[File]) -> list[File]:
        """Which files have to come with their bytes, to be those of a note."""
        return self._placing.lacking(() if note is None else note.values.get(key), wanted)

    def _files_as_read(self, note: Note, document: Document, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The files of a note by those of its keys that change, which are as they were read.

        Raises:
            PreconditionError: they are not.
        """
        kinds, setting = self._vault.form.kinds, self._vault.setting
        found = {}
        for key in changes:
            if kinds.get(key) is Kind.FILE:
                found[key] = fields.read(Kind.FILE, key, document.matter.get(key), setting)
                if not same(found[key], note.values.get(key)):
                    raise PreconditionError(
                        f"a file of {note.path} ({key}) was edited meanwhile; the next run sees how"
                    )
        return found

    def _update(self, note: Note, before: Document, placed: Placed) -> Note:
        form, subject, changes = self._vault.form, note.path, placed.values
        document = changed(before, changes, form, self._vault.setting, subject=subject)
        title = note.title if TITLE not in changes else changes[TITLE] or ""
        path = note.path
        if title != note.title:
            path = self._free_path(path.rpartition("/")[0], title, subject, own=path)
            document = titled(document, title, stem_at(path), form, subject=subject)
        if document.data == before.data and path == note.path:
            if not placed.replaced:
                return note
            return replace(note, values=values_of(path, document, form, self._vault.setting))
        if form.id_key:
            document = with_word(document, form.id_key, note.id, subject=subject)
        self._check_readable(document, path)
        if document.data != before.data:
            self._replace(note.path, document.data, note.digest)
        if path != note.path:
            self._rename(self._area.root / note.path, self._area.root / path)
            self._vault.renamed[note.path] = note.id
        return self._stored(note.id, path, document.data, instead_of=note.path)

    def _replace(self, path: str, data: bytes, digest: str) -> None:
        here = self._area.root / path
        files.replace(here, data, lambda: _digest_at(here) == digest)

    def _rename(self, here: Path, there: Path) -> None:
        try:
            files.move(here, there)
        except (FileExistsError, FileNotFoundError):
            raise PreconditionError(
                f"{here.name} was renamed meanwhile, or there is a {there.name} now"
            ) from None

    def _as_read(self, note: Note) -> Document:
        """The document of a note, which is as it was read.

        Raises:
            PreconditionError: it is not.
        """
        data = _data_at(self._area.root / note.path)
        if data is None or digest_of(data) != note.digest:
            raise PreconditionError(f"{note.path} was edited or moved meanwhile; the next run sees how")
        try:
            return parse(data)
        except NoteError as error:
            raise ItemError(f"{note.path} {error}") from None

    def _check_readable(self, document: Document, path: str) -> None:
        try:
            parse(document.data)
        except NoteError as error:
            raise ItemError(f"{path} would not be readable any more: it {error}") from None

    def _free_path(self, folder: str, title: str, subject: str, own: str | None = None) -> str:
        """A path for a note of a title that no other file has, as any file system compares names.

        Raises:
            ItemError: such a path would be none of a note.
        """
        root = self._area.root / folder
        before = f"{folder}/" if folder else ""
        try:
            there = {folded(name) for name in os.listdir(root)}  # noqa: PTH208  # names, not paths
        except FileNotFoundError:
            there = set()
        except OSError as error:
            raise ItemError(f"{subject}: {root} cannot be read: {error.strerror}") from None
        if own is not None:
            there.discard(folded(own.rpartition("/")[2]))
        path = f"{before}{free_stem(title, lambda stem: folded(stem + SUFFIX) not in there)}{SUFFIX}"
        if not self._area.holds(path):
            raise ItemError(
                f"{subject}: a file {path} is none that is synced: those are {self._area.pattern}"
            )
        return path

    def _stored(self, note_id: str, path: str, data: bytes, instead_of: str | None = None) -> Note:
        """The note as it was written; what somebody made of it since is seen by the next look."""
        vault = self._vault
        try:
            stamp = files.stamp_of((self._area.root / path).stat())
        except OSError:  # somebody moved it at once
            stamp = (0, 0, len(data), 0)
        seen, document = seen_in(path, data, stamp, vault.form, settled=False)
        if document is None:
            raise ItemError(f"{path} {seen.unreadable}")
        vault.catalogue.put(note_id, seen, instead_of)
        values = values_of(path, document, vault.form, vault.setting)
        return Note(note_id, path, seen.digest, edited_at(stamp), values)

    # -- deleting -------------------------------------------------------------------------------------------

    def delete(self, note: Note) -> None:
        """Move a note into the trash, or delete it where there is none.

        Raises:
            PreconditionError: it changed since it was read.
            ItemError: it cannot be moved or deleted.
        """
        self._as_read(note)
        here, catalogue = self._area.root / note.path, self._vault.catalogue
        if not self._area.trash:
            files.remove(here, lambda aside: _digest_at(aside) == note.digest)
            self._forget(note)
            return
        folder = self._area.root / self._area.trash / note.path.rpartition("/")[0]
        for number in range(1, TRIES * 50):
            there = folder / f"{stem_at(note.path)}{f' ~{number}' if number > 1 else ''}{SUFFIX}"
            try:
                files.move(here, there)
            except FileExistsError:
                continue
            except FileNotFoundError:
                raise PreconditionError(f"{note.path} is not there any more") from None
            break
        else:
            raise ItemError(f"{note.path} cannot be moved into {self._area.trash}: every name there is taken")
        if _digest_at(there) != note.digest:
            with suppress(FileExistsError):  # saved anew since
                files.move(there, here)
            raise PreconditionError(f"{note.path} was edited meanwhile; the next run sees how")
        self._forget(note)
        catalogue.trash[note.id] = (there.relative_to(self._area.root).as_posix(), note.path)

    def _forget(self, note: Note) -> None:
        if note.path in self._vault.catalogue.known:
            self._vault.catalogue.drop(note.path)

    def restore(self, note_id: str) -> Note | None:
        """Take a note out of the trash; `None` where it is not there.

        Raises:
            ItemError: it cannot be moved or read.
        """
        there = self._vault.note(note_id)
        if there is not None or not self._area.trash:
            return there
        found = self._in_trash(note_id)
        if found is None:
            return None
        lies, was = found
        data = _data_at(self._area.root / lies)
        if data is None:
            return None
        form = self._vault.form
        seen, document = seen_in(was, data, (0, 0, 0, 0), form, settled=False)
        if document is None:
            raise ItemError(f"{lies} {seen.unreadable}")
        title = str(values_of(was, document, form, self._vault.setting)[TITLE])
        for _ in range(TRIES):
            path = was if not os.path.lexists(self._area.root / was) else ""
            path = path or self._free_path(was.rpartition("/")[0], title, lies)
            ready = titled(document, title, stem_at(path), form, subject=lies)
            try:
                files.move(self._area.root / lies, self._area.root / path)
            except FileExistsError:
                continue
            except FileNotFoundError:
                return None
            if ready.data != data:
                self._replace(path, ready.data, digest_of(data))
            return self._stored(note_id, path, ready.data)
        raise ItemError(f"{lies} cannot be restored: every name for it is taken")

    def _in_trash(self, note_id: str) -> tuple[str, str] | None:
        """Where a note lies in the trash, and where it was."""
        known = self._vault.catalogue.trash.get(note_id)
        if known is not None and os.path.lexists(self._area.root / known[0]):
            return known
        form = self._vault.form
        trash = self._area.root / self._area.trash
        if not form.id_key or not trash.is_dir():
            return None
        found = files.look(Area(trash), "the trash")
        for path in sorted(found.files, key=lambda path: found.files[path][:2], reverse=True):
            data = _data_at(trash / path)
            if data is None or note_id.encode() not in data:
                continue
            seen, _ = seen_in(path, data, found.files[path], form, settled=False)
            if seen.own == note_id:
                return f"{self._area.trash}/{path}", path
        return None


def _data_at(path: Path) -> bytes | None:
    """What a file holds, `None` where it is not there.

    Raises:
        ItemError: it cannot be read.
    """
    try:
        return files.read(path)[0]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ItemError(f"{path} cannot be read: {error.strerror or error}") from None


def _digest_at(path: Path) -> str:
    data = _data_at(path)
    return "" if data is None else digest_of(data)
