"""Directories and files that hold synced values or secrets: nobody but this system user reads them."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
#: Takes away from a process that makes files what others could read them by.
PRIVATE_UMASK = 0o077


def private_directory(path: Path) -> None:
    """Make a directory that only this user enters, unless it is there. Its parents get the usual rights.

    Raises:
        OSError: it cannot be made.
    """
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=DIRECTORY_MODE, exist_ok=True)


def close_directory(path: Path) -> None:
    """Take from others what rights they have on a directory of ours and all in it, as earlier versions left them.

    A directory that is for more than our files, such as the working directory, is left as it is: what we write
    there is closed file by file.
    """
    # What cannot be changed, on a medium that is read only, is not written to either.
    with suppress(OSError):
        if not path.is_dir() or is_shared(path):
            return
        _take(path, DIRECTORY_MODE)
        for folder, folders, files in os.walk(path):
            for name in folders:
                _take(Path(folder, name), DIRECTORY_MODE)
            for name in files:
                _take(Path(folder, name), FILE_MODE)


def private_file(path: Path) -> None:
    """Make an empty file that only this user reads; take others' rights from one that is there.

    The file itself is never opened: closing a database's file would end the locks that SQLite has on it in
    this process, and what others then write over is lost.

    Raises:
        OSError: it cannot be made.
    """
    if not path.exists():
        descriptor, empty = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
        try:
            os.close(descriptor)
            with suppress(FileExistsError):
                os.link(empty, path)
        finally:
            Path(empty).unlink()
    _take(path, FILE_MODE)


def open_private(path: Path, mode: str) -> IO[str]:
    """Open a text file that only this user reads, also one that was made before.

    Raises:
        OSError: it cannot be opened.
    """
    _take(path, FILE_MODE)
    return open(path, mode, encoding="utf-8", opener=_opener)


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, FILE_MODE)


def is_shared(path: Path) -> bool:
    """Whether it is `/tmp` or the like, or others' things are in it for certain."""
    path, places = path.resolve(), [Path.cwd()]
    with suppress(RuntimeError):  # some containers run as a user without a home
        places.append(Path.home().resolve())
    around = {each for place in places for each in (place, *place.parents)}
    return path in around or bool(path.stat().st_mode & stat.S_ISVTX)


def _take(path: Path, allowed: int) -> None:
    """Leave only `allowed` of the rights on what is ours; a link is not followed out of its directory."""
    try:
        found = path.lstat()
        mode = stat.S_IMODE(found.st_mode)
        if found.st_uid == os.geteuid() and mode & ~allowed and not stat.S_ISLNK(found.st_mode):
            path.chmod(mode & allowed)
    except FileNotFoundError:
        return
