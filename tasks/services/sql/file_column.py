"""Columns of bytes of which each row holds one file: it is told by its digest, which the database makes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.errors import ItemError
from tasks.services.sql.values import Codec, Plain, Raw, WrongValueError
from tasks.sides import Kind
from tasks.values.file import DIGEST, File

#: What SQLite calls the function that measures bytes; PostgreSQL has its own.
MEASURE = "lockstep_measure"
#: What stands for bytes that are none: SQLite takes anything into any column.
_ODD = "!"


def measured(value: Any) -> str | None:
    """The digest of bytes and how many they are, as SQLite is to show them; nothing of nothing."""
    if value is None:
        return None
    return f"{hashlib.sha256(value).hexdigest()} {len(value)}" if isinstance(value, bytes) else _ODD


@dataclass(frozen=True, slots=True)
class Files(Codec):
    """The file in a column. Raw it is its digest, its size and its name, in one text."""

    kind = Kind.FILE
    #: How the file is called; where another column says so, how one is that has no name there.
    name: str = ""
    #: The column that has the names.
    named_by: str | None = None
    #: How many bytes are carried at most.
    most_bytes: int = 0

    def read(self, raw: Raw) -> Any:
        """The file, or none."""
        return () if raw is None else Codec.read(self, raw)

    def _decode(self, raw: Raw) -> tuple[File, ...]:
        digest, size, name = (*str(raw).split(" ", 2), "", "")[:3]
        if digest == _ODD or not size.isdigit():
            raise WrongValueError("is no bytes")
        return (File((name if self.named_by else "") or self.name, f"{DIGEST}{digest}", int(size)),)

    def _encode(self, value: Any, old: Raw) -> Plain:
        (file,) = self.checked(value)
        if file.path is None:
            raise WrongValueError(f"gets {file.name} without its bytes")
        size = file.path.stat().st_size
        if size > self.most_bytes:
            raise WrongValueError(self._too_large(file, size))
        return file.path.read_bytes()

    def holds(self, value: Any, old: Raw) -> bool:
        """Whether a row that shows this has the bytes of a file already."""
        shown = self.read(old)
        there = {file.content for file in shown} if isinstance(shown, tuple) else set()
        return bool(value) and {file.content for file in value} == there

    def lacking(self, files: Sequence[File], old: Raw) -> list[File]:
        """Which of the files that a row is to have must come with their bytes.

        Raises:
            ItemError: they do not fit.
        """
        try:
            self.checked(files)
        except WrongValueError as error:
            raise ItemError(str(error)) from None
        return [] if self.holds(files, old) else list(files)

    def checked(self, files: Sequence[File]) -> Sequence[File]:
        """Files that a row can have.

        Raises:
            WrongValueError: it cannot.
        """
        if len(files) > 1:
            names = ", ".join(file.name for file in files)
            raise WrongValueError(f"holds one file, not {len(files)} ({names}): leave one of them")
        for file in files:
            if file.address is not None:
                raise WrongValueError(f"holds bytes, and {file.name} is a link")
            if file.size is not None and file.size > self.most_bytes:
                raise WrongValueError(self._too_large(file, file.size))
        return files

    def _too_large(self, file: File, size: int) -> str:
        return f"takes files of up to {self.most_bytes:,} bytes (max_file_mb), and {file.name} has {size:,}"
