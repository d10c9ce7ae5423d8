"""A folder of notes, which a person edits by hand while runs go on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tasks.services.markdown import Folder, Note
from tasks.services.markdown import vault as vaults
from tasks.sides import Changes, Listing


@dataclass
class Desk:
    """A folder, and its side from run to run."""

    root: Path
    options: dict[str, Any] = field(default_factory=dict)
    memory: Any = None
    side: Folder = field(init=False)
    _made_with: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.side = Folder(self.root, **self.options)
        self._made_with = dict(self.options)
        self.open()

    def open(self) -> Folder:
        """The side of a run."""
        if self._made_with != self.options:
            self.side = Folder(self.root, **self.options)
            self._made_with = dict(self.options)
        self.side.open()
        self.side.recall(self.memory, {})
        self.side.describe()
        return self.side

    def next_run(self) -> Folder:
        """The side of the next run, in another process."""
        self.memory = self.side.remembered()
        self.side.close()
        return self.open()

    def list(self) -> Listing:
        """What the next run lists."""
        return self.next_run().list()

    def changes(self, cursor: Any) -> Changes:
        """What the next run is told of changes."""
        return self.next_run().changes(cursor)

    def notes(self) -> dict[str, Note]:
        """The notes that the next run lists, by path."""
        return {note.path: note for note in self.list()}

    def write(self, path: str, text: str | bytes) -> Path:
        """A person writes a file, in place."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def read(self, path: str) -> str:
        """What a file holds."""
        return (self.root / path).read_bytes().decode()

    def files(self) -> list[str]:
        """The paths of all files, also of hidden ones."""
        return sorted(
            path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root = tmp_path / "Notes"
    root.mkdir()
    return Desk(root)


@pytest.fixture
def anonymous(tmp_path: Path) -> Desk:
    """A folder into which no id may be written."""
    root = tmp_path / "Notes"
    root.mkdir()
    return Desk(root, {"id_key": ""})


@pytest.fixture(params=["ids in the files", "no ids in the files"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    root = tmp_path / "Notes"
    root.mkdir()
    return Desk(root, {} if request.param.startswith("ids") else {"id_key": ""})


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every file has rested for long when it is read."""
    monkeypatch.setattr(vaults, "is_settled", lambda stamp, now: True)
    return


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that are read."""
    names: list[str] = []
    plain = vaults.files.read

    def read(path: Path) -> Any:
        names.append(path.name)
        return plain(path)

    monkeypatch.setattr(vaults.files, "read", read)
    return names


needs_rights = pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
