"""Files that come with the values of a note: where they are put, and what becomes of those that it has no more.

No file is written over that somebody else made or edited, and none is taken away that anything else names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from tasks.errors import ItemError, UnfitError
from tasks.services.markdown import files
from tasks.services.markdown.attachments import Attachments, measure
from tasks.services.markdown.files import Area
from tasks.services.markdown.names import SUFFIX, folded, stem_of
from tasks.sides import File, sorted_files
from tasks.values.file import holds_files

#: Signs that end a link between double brackets.
_IN_LINKS = str.maketrans("[]#^", "----")
#: How often a name is looked for that somebody else takes at the same moment.
TRIES = 20
#: What may name a file besides notes: a canvas of Obsidian.
_NAMING = (SUFFIX, ".canvas")


@dataclass
class Placed:
    """What was done for one write."""

    #: The values with the places of their files.
    values: dict[str, Any]
    #: Paths of new files, with what they hold.
    made: dict[str, str] = field(default_factory=dict)
    #: Files that the note has no more.
    gone: tuple[File, ...] = ()
    #: Whether a file holds other bytes now than before.
    replaced: bool = False


class Placing:
    """Puts files into a folder.

    Arguments:
        area: The folder.
        attachments: Its files.
        folder: Where new ones go, relative to it.
    """

    def __init__(self, area: Area, attachments: Attachments, folder: str) -> None:
        self._area = area
        self._attachments = attachments
        self._folder = folder

    def lacking(self, current: Any, wanted: Sequence[File]) -> list[File]:
        """Which files are nowhere that they would be found."""
        return [
            file for file in wanted if file.address is None and self._there(file, _files(current)) is None
        ]

    def place(self, current: Mapping[str, Any], values: Mapping[str, Any], own: str | None) -> Placed:
        """Put the files of new values where they belong.

        Arguments:
            current: The values that the note has, of the same keys.
            values: The values that it is to have.
            own: The path of the note; `None` for one that is to be made.

        Raises:
            UnfitError: some files came without their bytes.
            ItemError: one cannot be written.
        """
        placed = Placed(dict(values))
        unfit: dict[str, str] = {}
        try:
            for key, value in values.items():
                if holds_files(value):
                    try:
                        placed.values[key] = self._place(_files(current.get(key)), value, own, placed)
                    except ValueError as error:
                        unfit[key] = str(error)
        except BaseException:
            self.take_back(placed)
            raise
        if unfit:
            self.take_back(placed)
            raise UnfitError("; ".join(unfit.values()), unfit)
        kept = {one.place for value in placed.values.values() for one in _files(value)}
        had = [one for key in values for one in _files(current.get(key))]
        placed.gone = tuple(one for one in had if one.address is None and one.place not in kept)
        return placed

    def _place(
        self, current: Sequence[File], wanted: Sequence[File], own: str | None, placed: Placed
    ) -> tuple[File, ...]:
        found = []
        for file in wanted:
            if file.address is not None:
                found.append(file)
                continue
            path = self._there(file, current)
            if path is None:
                if file.path is None:
                    raise ValueError(f"the bytes of {file.name} are not here")
                path = self._replaced(file, current, wanted, own, placed) or self._made(
                    file, file.path, placed
                )
            found.append(replace(file, place=path, path=None))
        return sorted_files(found)

    def _there(self, file: File, current: Sequence[File]) -> str | None:
        """Where a file is already: among those of the note, or where it would be put."""
        for one in sorted(current, key=lambda one: one.name != file.name):
            if one.address is None and one.content == file.content:
                return one.place
        if not file.is_known:
            return None
        for path in self._alike(file.name):
            with suppress(ValueError):
                if self._attachments.content(path)[0] == file.content:
                    return path
        return None

    def _alike(self, name: str) -> list[str]:
        """Files of the folder of new ones that have a name which one of this name could be given."""
        stem, suffix = _safe(name)
        before = f"{self._folder}/" if self._folder else ""
        there = []
        for path in self._attachments.links.paths:
            if path.startswith(before) and "/" not in path[len(before) :]:
                rest = folded(path[len(before) :])
                tail = rest.removeprefix(folded(stem)).removesuffix(folded(suffix))
                if rest == folded(stem + suffix) or (tail.startswith(" ~") and tail[2:].isdecimal()):
                    there.append(path)
        return sorted(there)

    def _replaced(
        self, file: File, current: Sequence[File], wanted: Sequence[File], own: str | None, placed: Placed
    ) -> str | None:
        """The path of a file of the note that has this name and holds the new bytes now, if no one else names it."""
        old = next((one for one in current if one.name == file.name and one.address is None), None)
        if old is None or old in wanted or own is None or not self._is_ours(old, own) or file.path is None:
            return None
        path = self._area.root / old.place
        files.replace(path, file.path, lambda: _holds(path, old.content))
        self._attachments.added(old.place)
        placed.replaced = True
        return old.place

    def _made(self, file: File, source: Path, placed: Placed) -> str:
        stem, suffix = _safe(file.name)
        before = f"{self._folder}/" if self._folder else ""
        for number in range(1, TRIES * 50):
            path = f"{before}{stem}{f' ~{number}' if number > 1 else ''}{suffix}"
            if self._is_taken(path):
                continue
            try:
                files.create(self._area.root / path, source)
            except FileExistsError:
                continue
            self._attachments.added(path)
            placed.made[path] = file.content
            return path
        raise ItemError(f"every name for {file.name} in {self._folder or 'the folder'} is taken")

    def _is_taken(self, path: str) -> bool:
        """Whether a file is there, as any file system compares names."""
        folder, _, name = path.rpartition("/")
        try:
            return folded(name) in {folded(one) for one in os.listdir(self._area.root / folder)}  # noqa: PTH208
        except FileNotFoundError:
            return False
        except OSError as error:
            raise ItemError(f"{folder} cannot be read: {error.strerror or error}") from None

    # -- afterwards -----------------------------------------------------------------------------------------

    def take_back(self, placed: Placed) -> None:
        """Take away the new files of a write that did not take place."""
        for path, content in placed.made.items():
            here = self._area.root / path
            with suppress(ItemError):
                files.remove(here, partial(_holds, content=content))
            self._attachments.dropped(path)
        placed.made.clear()

    def drop(self, gone: Iterable[File], own: str) -> None:
        """Move files that a note has no more into the trash, or delete them where there is none.

        Only those that were put into the folder of new ones, are as they were, and are named nowhere else.
        """
        before = f"{self._folder}/" if self._folder else ""
        for file in gone:
            if not file.place.startswith(before) or not self._is_ours(file, own, mentions=0):
                continue
            here = self._area.root / file.place
            if not _holds(here, file.content):
                continue
            with suppress(ItemError, OSError):  # it stays, and does no harm
                self._trash(here, file)
                self._attachments.dropped(file.place)

    def _trash(self, here: Path, file: File) -> None:
        if not self._area.trash:
            files.remove(here, lambda aside: _holds(aside, file.content))
            return
        place = PurePosixPath(file.place)
        folder = self._area.root / self._area.trash / place.parent
        for number in range(1, TRIES * 50):
            there = folder / f"{place.stem}{f' ~{number}' if number > 1 else ''}{place.suffix}"
            try:
                files.move(here, there)
            except FileExistsError:
                continue
            if not _holds(there, file.content):  # saved at this very moment
                files.move(there, here)
            return

    def _is_ours(self, file: File, own: str, mentions: int = 1) -> bool:
        """Whether nothing names a file but its note, and that no more often than so many times."""
        name = PurePosixPath(file.place).name
        words = {name.encode("utf-8", "surrogateescape"), quote(name).encode()}
        for path in _naming(self._area.root):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            except OSError:
                return False
            found = max(data.count(word) for word in words)
            if found > (mentions if path == self._area.root / own else 0):
                return False
        return True


def _naming(root: Path) -> Iterable[Path]:
    """All files that may name others, but those in hidden folders."""
    for folder, below, names in os.walk(root):
        below[:] = [one for one in below if not one.startswith(".")]
        yield from (Path(folder, one) for one in names if folded(one).endswith(_NAMING))


def _files(value: Any) -> tuple[File, ...]:
    return tuple(one for one in value if isinstance(one, File)) if isinstance(value, tuple) else ()


def _holds(path: Path, content: str) -> bool:
    try:
        return measure(path)[0] == content
    except OSError:
        return False


def _safe(name: str) -> tuple[str, str]:
    """A name for a file that any file system and any link takes, in two parts."""
    suffix = PurePosixPath(name).suffix
    if not suffix[1:].isalnum() or not suffix.isascii() or len(suffix) > 12:
        suffix = ""
    stem = stem_of(name.removesuffix(suffix).translate(_IN_LINKS))
    return (f"{stem}{suffix}", ".txt") if folded(suffix) == SUFFIX else (stem, suffix)
