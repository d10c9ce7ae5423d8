"""Which file is which note: by the id in its front matter, else by where it was, its inode and what it holds. Pure."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: What the file system says of a file that nobody wrote to: times of content and of the entry, size, inode.
Stamp = tuple[int, int, int, int]
#: So many lines of each file are kept.
LINES = 16


@dataclass(frozen=True)
class Seen:
    """A file as it was read last."""

    path: str
    stamp: Stamp
    #: Of all its bytes, and of those behind the front matter; both empty where it cannot be read.
    digest: str
    content: str
    #: The id in its front matter.
    own: str | None = None
    #: What its values look like, by key.
    shapes: Mapping[str, str] = field(default_factory=dict)
    #: Whether no later edit can have its stamp.
    settled: bool = False
    #: Why it cannot be read; empty where it can be.
    unreadable: str = ""
    #: A few of its lines, as `sketch` gives them.
    lines: tuple[int, ...] = ()

    @property
    def inode(self) -> int:
        """What stays when the file is renamed."""
        return self.stamp[3]


@dataclass(frozen=True)
class Known:
    """A file that is a note."""

    id: str
    seen: Seen
    #: The number of the change that was seen of it last.
    change: int
    #: Whether it was ever read, so that it is known not to be another one.
    read: bool = True

    def to_json(self) -> list[Any]:
        """Its values in their order."""
        seen = self.seen
        return [
            self.id,
            self.change,
            list(seen.stamp),
            seen.digest,
            seen.content,
            seen.own,
            dict(seen.shapes),
            seen.settled,
            seen.unreadable,
            list(seen.lines),
            self.read,
        ]

    @classmethod
    def from_json(cls, path: str, document: Sequence[Any]) -> Known:
        """What `to_json` gave."""
        note_id, change, stamp, digest, content, own, shapes, settled, unreadable, lines, was_read = document
        seen = Seen(path, tuple(stamp), digest, content, own, shapes, settled, unreadable, tuple(lines))
        return cls(note_id, seen, change, was_read)


@dataclass(frozen=True)
class Identities:
    """The ids of files by path; and the ids that several say, with those who say them."""

    ids: Mapping[str, str]
    doubtful: Mapping[str, tuple[str, ...]]


def identify(files: Collection[Seen], known: Mapping[str, Known], taken: Collection[str]) -> Identities:
    """Which of the files is which note: what is most certain first, and never two files one note.

    Arguments:
        files: All there are.
        known: What was known of them before, by path.
        taken: Ids that no new note may get.
    """
    return _Search(files, known).identities(taken)


class _Search:
    """The files that have no note yet, and the notes that have no file yet."""

    def __init__(self, files: Collection[Seen], known: Mapping[str, Known]) -> None:
        self.files = {one.path: one for one in files}
        self.before = {one.id: one.seen for one in known.values()}
        self.places = known.keys()
        self.claims: dict[str, list[Seen]] = {}
        self.inodes: dict[int, list[Seen]] = {}
        for one in files:
            self.inodes.setdefault(one.inode, []).append(one)
            if one.own is not None:
                self.claims.setdefault(one.own, []).append(one)
        self.ids: dict[str, str] = {}
        self.found: set[str] = set()
        self.doubtful: dict[str, tuple[str, ...]] = {}

    def identities(self, taken: Collection[str]) -> Identities:
        """All of them."""
        self._each(self._where_it_was)
        self._each(self._by_inode)
        self._each(self._by_word)
        self._each(self._by_path)
        self._by_digest()
        held = {path for paths in self.doubtful.values() for path in paths}
        used = {*self.found, *self.claims, *self.before, *taken}
        for path in sorted(self.files.keys() - self.ids.keys() - held):
            self._give(path, new_id(path, used))
            used.add(self.ids[path])
        return Identities(self.ids, self.doubtful)

    def _each(self, find: Callable[[str], Seen | None]) -> None:
        for note_id in sorted(self.claims.keys() | self.before.keys()):
            if note_id not in self.found and note_id not in self.doubtful:
                found = find(note_id)
                if found is not None and found.path not in self.ids:
                    self._give(found.path, note_id)

    def _give(self, path: str, note_id: str) -> None:
        self.ids[path] = note_id
        self.found.add(note_id)

    def _where_it_was(self, note_id: str) -> Seen | None:
        """The same file at the same place, whether its id still stands in it or not."""
        seen = self.before.get(note_id)
        here = self.files.get(seen.path) if seen is not None else None
        if seen is None or here is None or here.inode != seen.inode or here.own not in (None, note_id):
            return None
        return here

    def _by_inode(self, note_id: str) -> Seen | None:
        """The file at another place: with its id in it, or with what it held."""
        seen = self.before.get(note_id)
        if seen is None:
            return None
        there = [
            one
            for one in self.inodes.get(seen.inode, ())
            if one.path not in self.ids
            and (one.own == note_id or (one.own is None and self._moved(seen, one)))
        ]
        return there[0] if len(there) == 1 else None

    def _moved(self, before: Seen, now: Seen) -> bool:
        """Whether a file of the same inode is one that was elsewhere: inodes of deleted files are given away again.

        What is at a place where a note was, or whose own place is taken, must hold the same bytes.
        """
        if not now.digest or now.digest == before.digest:
            return bool(now.digest)
        return now.path not in self.places and before.path not in self.files and _alike(before, now)

    def _by_word(self, note_id: str) -> Seen | None:
        """The file that says so, if it is the only one, or at its place."""
        claiming, seen = self.claims.get(note_id, []), self.before.get(note_id)
        there = [one for one in claiming if seen is not None and one.path == seen.path]
        if len(claiming) > 1 and not there:
            self.doubtful[note_id] = tuple(sorted(one.path for one in claiming))
            return None
        return next(iter(there or claiming), None)

    def _by_path(self, note_id: str) -> Seen | None:
        """Another file at its place, as programs leave it that write a new one each time; or a copy that is known."""
        seen = self.before.get(note_id)
        here = self.files.get(seen.path) if seen is not None else None
        return here if here is not None and (here.own is None or here.own in self.found) else None

    def _by_digest(self) -> None:
        """A file that holds what a lost note held, where that is no guess: made anew by Git, or come from elsewhere."""
        lost = {note_id: seen for note_id, seen in self.before.items() if note_id not in self.found}
        loose = [one for one in self.files.values() if one.path not in self.ids and one.own is None]
        wanted = Counter(seen.digest for seen in lost.values())
        there = Counter(one.digest for one in loose)
        at = {one.digest: one for one in loose}
        for note_id, seen in lost.items():
            only = wanted[seen.digest] == there[seen.digest] == 1
            if only and seen.digest and seen.stamp[2] and note_id not in self.doubtful:
                self._give(at[seen.digest].path, note_id)


def new_id(path: str, used: Collection[str]) -> str:
    """An id for a file that has none: the same one each time as long as its path is its own."""
    number = 0
    while True:
        text = f"{path}\0{number}" if number else path
        found = f"n{hashlib.sha256(text.encode()).hexdigest()[:20]}"
        if found not in used:
            return found
        number += 1


def sketch(text: str) -> tuple[int, ...]:
    """A few of the lines of a text: of two texts that share most of theirs, most are the same."""
    lines = {line for line in map(str.strip, text.splitlines()) if line.strip("-")}
    return tuple(sorted(zlib.crc32(line.encode()) for line in lines)[:LINES])


def _alike(one: Seen, two: Seen) -> bool:
    """Whether two files have the same text below their front matter, or half of their lines in common."""
    if one.content == two.content != "":
        return True
    shared, all_lines = {*one.lines} & {*two.lines}, {*one.lines} | {*two.lines}
    return 2 * len(shared) >= len(all_lines) > 0
