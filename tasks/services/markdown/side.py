"""The side of a folder of Markdown files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tasks.errors import PreconditionError, TaskDefinitionError
from tasks.nearest import nearest
from tasks.services.markdown import fields
from tasks.services.markdown.attachments import measure
from tasks.services.markdown.files import Area
from tasks.services.markdown.note import CONTENT, FOLDER, TITLE, Note
from tasks.services.markdown.vault import Keys, Vault
from tasks.services.markdown.writing import Writer
from tasks.sides import ID, Attribute, Changes, File, Kind, Listing, Side, title_key, whole_of

#: What every note has.
NOTE: Mapping[str, Attribute] = {
    TITLE: Attribute(Kind.TEXT, meaning="title"),
    CONTENT: Attribute(Kind.FORMATTED, meaning="notes"),
    FOLDER: Attribute(Kind.TEXT, writable=False),
}
#: The keys of what is ours in the front matter, where nobody says otherwise.
ID_KEY, TITLE_KEY = "lockstep_id", "lockstep_title"
_KEY = re.compile(r"[^\W\d][\w-]*")


class Folder(Side):
    """The Markdown files of one folder, such as a vault of Obsidian.

    Arguments:
        folder: The folder.
        fields: Keys of the front matter and their kinds, such as `{"due": "date"}`; others are guessed.
        pattern: Which files are notes: a pattern of names, or with a slash of paths.
        subfolders: Whether files in its folders are notes too.
        new_in: The folder of new notes, relative to it.
        trash: Where deleted notes go, relative to it; empty: they are deleted for good.
        id_key: The key of a note's id in its front matter; empty: none is written, and notes are known by where they
            are and what they hold.
        title_key: The key of a title that cannot be a file's name; empty: such a title is not taken.
        zone: The zone of moments that name none, such as `Europe/Berlin`.
        attachments: The folder of files that come with the values of notes, relative to it.
        label: What people call it.

    Raises:
        TaskDefinitionError: an argument does not fit.
    """

    #: Some file systems count in steps of two seconds.
    granularity = timedelta(seconds=2)

    def __init__(
        self,
        folder: str | Path,
        *,
        fields: Mapping[str, str] | None = None,
        pattern: str = "*.md",
        subfolders: bool = True,
        new_in: str = "",
        trash: str = ".trash",
        id_key: str = ID_KEY,
        title_key: str = TITLE_KEY,
        zone: str = "UTC",
        attachments: str = "attachments",
        label: str | None = None,
    ) -> None:
        root = Path(folder).expanduser().absolute()
        self.label = label or f"the folder {root.name}"
        self._zone = zone
        self._area = Area(root, pattern, subfolders, _inside("trash", trash))
        self._new_in = _inside("new_in", new_in)
        self._attachments = _inside("attachments", attachments)
        self._keys = Keys(id_key, title_key, _kinds(fields or {}, id_key, title_key), _zone(zone))
        if id_key and id_key == title_key:
            raise TaskDefinitionError(f"id_key and title_key are both {id_key!r}; give them different names")
        example = f"{self._new_in}/a.md" if self._new_in else "a.md"
        if self._new_in and not Area(root, "*", subfolders, self._area.trash).holds(example):
            raise TaskDefinitionError(f"new_in {new_in!r} is a folder whose files are not synced")
        self._vault: Vault | None = None

    # -- a run --------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Forget what an earlier run saw."""
        self._vault = Vault(self._area, self._keys, self.label)

    def close(self) -> None:
        """Nothing is kept open."""
        self._vault = None

    def recall(self, remembered: Any, synced: Mapping[ID, Mapping[str, Any]]) -> None:
        """Take over which file is which note, and what each one held."""
        if remembered is not None:
            self.vault.recall(remembered)

    def remembered(self) -> Any:
        """Which file is which note, and what each one held."""
        return self.vault.remembered()

    @property
    def vault(self) -> Vault:
        """The notes while a run goes on.

        Raises:
            TaskDefinitionError: it was not opened.
        """
        if self._vault is None:
            raise TaskDefinitionError(f"{self.label} is not open, call open() first")
        return self._vault

    @property
    def _writer(self) -> Writer:
        self.before_write()
        self.vault.sweep()
        return Writer(self.vault, self._new_in, self._attachments)

    def describe(self) -> dict[str, Attribute]:
        """What every note has, and the keys that are said or found in front matter.

        Raises:
            SideError: the folder is not there.
        """
        self.vault.refresh()
        return self._attributes

    @property
    def _attributes(self) -> dict[str, Attribute]:
        return {**NOTE, **fields.described(self.vault.form.kinds, self._zone)}

    def check(self, attributes: Collection[str]) -> None:
        """Make sure that the notes have such attributes.

        Raises:
            TaskDefinitionError: they do not.
            SideError: the folder is not there.
        """
        if not self.vault.looked:
            self.vault.refresh()
        known = self._attributes
        unknown = sorted(set(attributes) - known.keys())
        if unknown:
            close = nearest(unknown[0], known)
            raise TaskDefinitionError(
                f"no note in {self.label} has {unknown[0]!r} in its front matter{f' ({close})' if close else ''}; "
                f'say what it is: fields = {{ {unknown[0]} = "text" }}'
            )

    def scope(self) -> str:
        """The folder, and which of its files."""
        area = self._area
        return f"{area.root} {area.pattern} {'with' if area.subfolders else 'without'} subfolders"

    # -- reading ------------------------------------------------------------------------------------------

    def list(self) -> Listing:
        """All notes.

        Raises:
            SideError: the folder is not there.
        """
        return whole_of(self.pages())

    def pages(self) -> Iterator[Listing]:
        """The same, some at a time; raises as `list` does."""
        return self.vault.pages()

    def changes(self, cursor: Any) -> Changes:
        """What changed since a cursor.

        Raises:
            CursorExpiredError: what was before is not known any more.
            SideError: the folder is not there.
        """
        return self.vault.changes(cursor)

    def get(self, obj_id: ID) -> Note | None:
        """One note.

        Raises:
            ItemError: it cannot be read.
            SideError: the folder is not there.
        """
        return self.vault.note(obj_id)

    def is_gone(self, obj_id: ID) -> bool:
        """Whether no file is this note, nor may be it.

        Raises:
            SideError: the folder is not there.
        """
        return self.vault.is_gone(obj_id)

    # -- one note -----------------------------------------------------------------------------------------

    def made(self, key: str) -> ID | None:
        """The id that stands in the front matter of a note that is made with this key, where ids do."""
        return key if self._keys.id_key else None

    def id(self, obj: Note) -> ID:
        """The id, which stays when the file is renamed."""
        return obj.id

    def key(self, obj: Note) -> str:
        """The title, without regard to case and space around it."""
        return title_key(obj.title)

    def edited(self, obj: Note) -> datetime:
        """When the file was written or renamed last."""
        return obj.edited

    def values(self, obj: Note) -> dict[str, Any]:
        """Title, content, and what its front matter says."""
        return dict(obj.values)

    def title(self, obj: Note) -> str:
        """The title in one line."""
        return " ".join(obj.title.split())

    def address(self, obj: Note) -> str:
        """The file."""
        return str(self._area.root / obj.path)

    # -- files --------------------------------------------------------------------------------------------

    def read_file(self, obj_id: ID, file: File, path: Path) -> None:
        """Copy a file of the folder.

        Raises:
            PreconditionError: it is not what it was any more.
        """
        here = self._area.root / file.place
        try:
            shutil.copyfile(here, path)
            content = measure(path)[0]
        except OSError as error:
            raise PreconditionError(f"{file.place} cannot be read: {error.strerror or error}") from None
        if content != file.content:
            raise PreconditionError(f"{file.place} was edited meanwhile; the next run sees how")

    def lacks_files(self, obj: Note | None, attribute: str, files: Sequence[File]) -> Sequence[File]:
        """Which files are nowhere that they would be found."""
        return Writer(self.vault, self._new_in, self._attachments).lacks_files(obj, attribute, files)

    # -- writing ------------------------------------------------------------------------------------------

    def create(self, key: str, values: dict[str, Any]) -> Note:
        """Write a new file, named after its title."""
        return self._writer.create(key, values)

    def update(self, obj: Note, changes: dict[str, Any]) -> Note:
        """Write what changed into the file, and rename it where its title did."""
        return self._writer.update(obj, changes)

    def delete(self, obj: Note) -> None:
        """Move the file into the trash, or delete it."""
        self._writer.delete(obj)

    def restore(self, obj_id: ID) -> Note | None:
        """Take the file out of the trash."""
        return self._writer.restore(obj_id)


def _inside(name: str, folder: str) -> str:
    """A folder within, in one form.

    Raises:
        TaskDefinitionError: it is none.
    """
    path = Path(folder)
    if path.is_absolute() or ".." in path.parts:
        raise TaskDefinitionError(
            f'{name} {folder!r} is no folder within the synced one, such as {name} = "Inbox"'
        )
    return "" if path == Path() else path.as_posix()


def _kinds(said: Mapping[str, str], *own: str) -> dict[str, Kind]:
    for key, kind in said.items():
        if kind not in fields.KINDS:
            raise TaskDefinitionError(
                f"fields: {key} is said to be {kind!r}; there are {', '.join(fields.KINDS)}"
            )
        if key in NOTE or key in own:
            raise TaskDefinitionError(f"fields: {key!r} stands for something else; leave it out")
    return {key: fields.KINDS[kind] for key, kind in said.items()}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TaskDefinitionError(
            f"time zone {name!r} is unknown, use a name such as Europe/Berlin"
        ) from None
