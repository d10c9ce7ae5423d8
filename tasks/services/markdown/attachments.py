"""The files of a folder that are no notes: where they are, and what they hold, read again only where it may differ."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.services.markdown.file_links import FileLinks
from tasks.services.markdown.files import Area, stamp_of
from tasks.services.markdown.identities import Stamp
from tasks.services.markdown.names import SUFFIX, folded
from tasks.services.markdown.note import is_settled
from tasks.values.file import DIGEST


class Attachments:
    """The files of a folder that are no notes."""

    def __init__(self, area: Area) -> None:
        self._area = area
        self._stamps: dict[str, Stamp] = {}
        #: What was read of files: when they had which stamp, and the digest.
        self._digests: dict[str, tuple[Stamp, str]] = {}
        #: What is equal as long as no file was made, edited, renamed or deleted.
        self._state = ""

    def look(self) -> bool:
        """Look at all files; whether any may be another one than at the last look, also that of an earlier run."""
        self._stamps = dict(_walk(self._area, ""))
        now = time.time_ns()
        settled = all(is_settled(stamp, now) for stamp in self._stamps.values())
        listed = repr(sorted(self._stamps.items())).encode("utf-8", "surrogateescape")
        state = hashlib.sha256(listed).hexdigest() if settled else ""
        changed = not settled or state != self._state
        self._state = state
        return changed

    @property
    def links(self) -> FileLinks:
        """What links lead to."""
        return FileLinks(list(self._stamps), self.content)

    def content(self, path: str) -> tuple[str, int]:
        """What a file holds: the word for its bytes, and how many they are.

        Raises:
            ValueError: it cannot be read, or is written all the time.
        """
        try:
            stamp = stamp_of((self._area.root / path).stat())
            known = self._digests.get(path)
            if known is not None and known[0] == stamp:
                return known[1], stamp[2]
            now = time.time_ns()
            digest, after = measure(self._area.root / path)
        except OSError as error:
            raise ValueError(
                f"leads to a file that cannot be read: {path}: {error.strerror or error}"
            ) from None
        if after != stamp:
            raise ValueError(f"leads to a file that is being written: {path}")
        if is_settled(stamp, now):
            self._digests[path] = stamp, digest
        return digest, stamp[2]

    def added(self, path: str) -> None:
        """A file that was written here."""
        self._stamps[path] = stamp_of((self._area.root / path).stat())
        self._digests.pop(path, None)
        self._state = ""

    def dropped(self, path: str) -> None:
        """A file that was taken away here."""
        self._stamps.pop(path, None)
        self._digests.pop(path, None)
        self._state = ""

    def remembered(self) -> dict[str, Any]:
        """What a later run is to know, so that it reads less."""
        digests = {path: [list(stamp), digest] for path, (stamp, digest) in self._digests.items()}
        return {"state": self._state, "digests": digests}

    def recall(self, remembered: Mapping[str, Any]) -> None:
        """Take over what `remembered` gave."""
        self._state = remembered.get("state", "")
        self._digests = {
            path: ((stamp[0], stamp[1], stamp[2], stamp[3]), digest)
            for path, (stamp, digest) in remembered.get("digests", {}).items()
        }


def measure(path: Path) -> tuple[str, Stamp]:
    """What a file's bytes are known by, and its stamp after they were read."""
    with path.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
        return DIGEST + digest, stamp_of(os.fstat(data.fileno()))


def _walk(area: Area, below: str) -> Iterator[tuple[str, Stamp]]:
    """All files that are no notes, but hidden ones and those in the trash; what cannot be looked into is left out."""
    try:
        with os.scandir(os.path.join(area.root, below)) as entries:  # noqa: PTH118  # thousands: paths as texts
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in listed:
        path = f"{below}{entry.name}"
        try:
            if entry.name.startswith(".") or (area.trash and folded(path) == folded(area.trash)):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(area, f"{path}/")
            elif not folded(entry.name).endswith(SUFFIX) and entry.is_file():
                yield path, stamp_of(entry.stat())
        except OSError:
            continue
