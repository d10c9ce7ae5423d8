"""Files that hold secrets or say what is run, and the room on the disk."""

from __future__ import annotations

import shutil
import stat
from dataclasses import dataclass

from config import Settings
from config.private_files import is_shared
from config.settings import SECRETS
from config.sources import DOTENV_FILE, read_toml, toml_file


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file or a directory."""

    path: str
    mode: int
    #: Whether it holds what others must not read.
    secret: bool


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """Where the state directory is, or will be."""

    path: str
    #: Bytes.
    free: int


def file_facts(settings: Settings) -> list[FileFacts]:
    """All that are there."""
    found = []
    toml = toml_file()
    for path, secret in (
        (DOTENV_FILE, True),
        (toml, toml.is_file() and not SECRETS.isdisjoint(read_toml())),
        (settings.state_dir, settings.state_dir.is_dir() and not is_shared(settings.state_dir)),
        (settings.state_dir / "lockstep.db", True),
    ):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            continue
        if path == DOTENV_FILE and not stat.S_ISREG(mode):  # some keep a virtual environment under this name
            continue
        found.append(FileFacts(str(path), stat.S_IMODE(mode), secret))
    return found


def disk_facts(settings: Settings) -> DiskFacts:
    """The room there is for the state directory."""
    path = settings.state_dir.resolve()
    there = next(each for each in (path, *path.parents) if each.is_dir())
    return DiskFacts(str(there), shutil.disk_usage(there).free)
