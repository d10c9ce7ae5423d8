"""The files of a folder: how they are found, read, replaced and moved, so that no edit of somebody else is lost.

Links to files are followed, where they lead out of the folder; folders that are links are not. What begins with a dot
is somebody else's.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from tasks.errors import ItemError, PreconditionError, SideError
from tasks.services.markdown.document import LARGEST
from tasks.services.markdown.identities import Stamp
from tasks.services.markdown.names import SUFFIX, folded

#: What is written before it takes the place of a note, and what is taken aside before it is deleted.
_TEMPORARY, _ASIDE = ".~lockstep-", ".~deleted-"
#: Seconds after which what was written and took no place is of a process that ended.
LEFT = 3600.0
#: A file that iCloud keeps elsewhere: the name of a note between these.
_ELSEWHERE = (".", ".icloud")
#: Folders at the root of a drive, into which nobody may look.
_OF_THE_SYSTEM = frozenset({"lost+found", "System Volume Information", "$RECYCLE.BIN"})


@dataclass(frozen=True, slots=True)
class Area:
    """Which files of a folder are notes."""

    root: Path
    #: Of names, or with a slash of paths.
    pattern: str = "*" + SUFFIX
    subfolders: bool = True
    #: Where deleted notes go, relative to the folder.
    trash: str = ""

    def holds(self, path: str) -> bool:
        """Whether a path is one of a note."""
        name = path.rpartition("/")[2]
        if not folded(name).endswith(SUFFIX) or any(part.startswith(".") for part in path.split("/")):
            return False
        if not self.subfolders and "/" in path:
            return False
        plain = (path if "/" in self.pattern else name)[: -len(SUFFIX)] + SUFFIX
        return fnmatchcase(plain, self.pattern)


@dataclass
class Found:
    """What a look at the folder found."""

    files: dict[str, Stamp] = field(default_factory=dict)
    #: Files that are there and cannot be read, by path, and why.
    unreadable: dict[str, str] = field(default_factory=dict)
    #: Folders that cannot be looked into, and why.
    closed: dict[str, str] = field(default_factory=dict)
    #: The folder's own device and inode.
    place: list[int] = field(default_factory=list)
    #: Files that were to take the place of notes.
    leftovers: list[Path] = field(default_factory=list)


def stamp_of(status: os.stat_result) -> Stamp:
    """What tells two versions of a file apart without a look into it."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def look(area: Area, label: str) -> Found:
    """All files of a folder, by their paths with slashes.

    Raises:
        SideError: the folder is not there, or cannot be looked into.
    """
    found = Found()
    root = os.fspath(area.root)
    try:
        status = os.stat(root)  # noqa: PTH116  # thousands of files: paths as texts
        if not stat.S_ISDIR(status.st_mode):
            raise SideError(f"{label} is no folder: {area.root}")
        found.place = [status.st_dev, status.st_ino]
        _walk(area, "", found)
    except OSError as error:
        raise SideError(f"{label} cannot be read: {area.root}: {_why(error)}{_mend(error)}") from None
    return found


def _walk(area: Area, below: str, found: Found) -> None:
    with os.scandir(os.path.join(area.root, below)) as entries:  # noqa: PTH118
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        path = f"{below}{entry.name}"
        if entry.name.startswith(_TEMPORARY):
            found.leftovers.append(area.root / path)
        elif entry.name.startswith("."):
            _note_elsewhere(area, below, entry.name, found)
        elif entry.is_dir(follow_symlinks=False):
            if entry.name in _OF_THE_SYSTEM:
                continue
            if area.trash and folded(path) == folded(area.trash):
                continue
            try:
                _walk(area, f"{path}/", found)
            except OSError as error:
                found.closed[path] = _why(error)
        elif area.holds(path):
            _note_file(area, path, entry, found)


def _note_elsewhere(area: Area, below: str, name: str, found: Found) -> None:
    before, after = _ELSEWHERE
    if name.endswith(after):
        path = f"{below}{name[len(before) : -len(after)]}"
        if area.holds(path):
            found.unreadable[path] = "is kept in iCloud only; let it be downloaded"


def _note_file(area: Area, path: str, entry: os.DirEntry[str], found: Found) -> None:
    if not _is_text(path):
        known = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        found.unreadable[known] = "has a name that is no text in UTF-8; give it another one"
        return
    try:
        if entry.is_symlink() and _leads_inside(area.root, entry.path):
            return
        status = entry.stat()
    except OSError as error:
        found.unreadable[path] = f"cannot be read: {_why(error)}"
        return
    if status.st_size > LARGEST:
        found.unreadable[path] = f"has {status.st_size:,} bytes; notes of up to {LARGEST:,} are synced"
    elif stat.S_ISREG(status.st_mode):
        found.files[path] = stamp_of(status)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _leads_inside(root: Path, link: str) -> bool:
    """Whether a link leads to what is in the folder anyway, under its own name."""
    target = os.path.realpath(link)
    return os.path.exists(target) and Path(target).is_relative_to(os.path.realpath(root))  # noqa: PTH110


def read(path: Path) -> tuple[bytes, Stamp]:
    """A file as it was at one moment, with its stamp.

    Raises:
        OSError: it cannot be read, or is written all the time.
    """
    for _ in range(5):
        with path.open("rb") as file:
            before = stamp_of(os.fstat(file.fileno()))
            data = file.read()
            if stamp_of(os.fstat(file.fileno())) == before and len(data) == before[2]:
                return data, before
    raise OSError(errno.EBUSY, "it is being written all the time")


def write_beside(path: Path, data: bytes | Path) -> Path:
    """A file beside another one, with its mode, written and safe on the disk; it is not that one yet.

    Arguments:
        path: The other one.
        data: Its bytes, or a file that holds them.


    Raises:
        ItemError: there is no place for it, or no right.
    """
    temporary = path.with_name(f"{_TEMPORARY}{_short(path.name)}")
    try:
        with suppress(FileNotFoundError):
            temporary.unlink()
        with temporary.open("xb") as file:
            if path.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            if isinstance(data, Path):
                with data.open("rb") as source:
                    shutil.copyfileobj(source, file)
            else:
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise ItemError(f"{path} cannot be written: {_why(error)}") from None
    return temporary


def sweep(leftovers: Iterable[Path]) -> None:
    """Take away what was to take the place of notes and never did."""
    for path in leftovers:
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > LEFT:
                path.unlink()


def replace(path: Path, data: bytes | Path, unchanged: Callable[[], bool]) -> None:
    """Let a file hold other bytes, all at once, if it is unchanged at the last moment.

    Raises:
        PreconditionError: it is not.
        ItemError: there is no place for it, or no right.
    """
    target = path.resolve()
    temporary = write_beside(target, data)
    try:
        if not unchanged():
            raise PreconditionError(f"{path.name} was edited meanwhile; the next run sees how")
        temporary.replace(target)
    except OSError as error:
        raise ItemError(f"{path} cannot be written: {_why(error)}") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def create(path: Path, data: bytes | Path) -> None:
    """A new file, all at once, where there is none.

    Raises:
        FileExistsError: there is one.
        ItemError: there is no place for it, or no right.
    """
    _make_folder(path.parent)
    temporary = write_beside(path, data)
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system that has no links
        move(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def move(path: Path, target: Path) -> None:
    """Move a file to where there is none; only its name may differ in case there.

    Raises:
        FileNotFoundError: it is not there any more.
        FileExistsError: there is another file.
        ItemError: it cannot be moved.
    """
    _make_folder(target.parent)
    if os.path.lexists(target) and not path.samefile(target):
        raise FileExistsError(errno.EEXIST, "it is there already", str(target))
    try:
        path.rename(target)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ItemError(f"{path} cannot be moved to {target}: {_why(error)}") from None
    _sync_folder(target.parent)


def remove(path: Path, unchanged: Callable[[Path], bool]) -> None:
    """Delete a file for good, if it is unchanged at the last moment.

    It is taken aside first: what an editor saves under its name then is a new file, and stays.

    Raises:
        PreconditionError: it is not; then it stays.
        ItemError: it cannot be deleted.
    """
    aside = path.with_name(f"{_ASIDE}{_short(path.name)}")
    try:
        path.replace(aside)
        if unchanged(aside):
            aside.unlink()
            _sync_folder(path.parent)
            return
        aside.rename(
            path
            if not os.path.lexists(path)
            else path.with_name(f"{path.stem} (conflicted copy){path.suffix}")
        )
    except FileNotFoundError:
        raise PreconditionError(f"{path.name} is not there any more") from None
    except OSError as error:
        raise ItemError(f"{path} cannot be deleted: {_why(error)}") from None
    raise PreconditionError(f"{path.name} was edited meanwhile; the next run sees how")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ItemError(f"there can be no folder {folder}: {_why(error)}") from None


def _sync_folder(folder: Path) -> None:
    """Let a change of names survive a loss of power, where the system offers that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _short(name: str) -> str:
    data = name.encode("utf-8", "surrogateescape")
    return name if len(data) <= 150 else f"{data[:140].decode(errors='ignore')}{len(data)}"


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _mend(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "; is it moved, or a drive not mounted?"
    return "; give this program the right to read it" if error.errno in (errno.EACCES, errno.EPERM) else ""
