"""A file as a value: told apart by its name and by what its bytes are known by, and never the bytes themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Before the digest of bytes that were read, and before the address of what is a link only.
DIGEST, LINK = "sha256:", "link:"


@dataclass(frozen=True, slots=True)
class File:
    """A file of an object. Two are the same where name and content are."""

    name: str
    #: What its bytes are known by: the digest of them, where they were read; else the word of the service that has
    #: them, which is another one for other bytes. Of a link, its address.
    content: str
    #: Bytes, where that is known.
    size: int | None = field(default=None, compare=False)
    #: Where its side finds it, in the words of that side.
    place: str = field(default="", compare=False)
    #: Where its bytes are on this machine, as long as a write goes on; never kept.
    path: Path | None = field(default=None, compare=False, repr=False)

    @classmethod
    def link(cls, name: str, address: str) -> File:
        """A link to what is elsewhere, of which nobody has the bytes."""
        return cls(name, f"{LINK}{address}")

    @property
    def address(self) -> str | None:
        """Where a link leads; `None` for a file that has bytes."""
        return self.content.removeprefix(LINK) if self.content.startswith(LINK) else None

    @property
    def is_known(self) -> bool:
        """Whether its content is told by anybody's word, and not only by that of the service that has it."""
        return self.content.startswith((DIGEST, LINK))


def sorted_files(files: Iterable[File]) -> tuple[File, ...]:
    """Files as the value of an attribute: in one order, each once."""
    return tuple(sorted(dict.fromkeys(files), key=lambda file: (file.name, file.content)))


def holds_files(value: Any) -> bool:
    """Whether a value is one of files, of which there is at least one."""
    return isinstance(value, tuple) and any(isinstance(part, File) for part in value)
