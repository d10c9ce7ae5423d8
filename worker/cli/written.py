"""Files that are written together, each whole or not at all."""

from __future__ import annotations

import os
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.private_files import FILE_MODE
from worker.telling.failures import CommandError


@dataclass(frozen=True, slots=True)
class NewFile:
    """What a file is to hold."""

    path: Path
    text: str
    #: Whether nobody but this user may read it.
    private: bool = False


def write_all(files: Sequence[NewFile]) -> None:
    """Replace files by new ones, in this order; those that are there keep their rights, if they are not private.

    All are written beside their places first, and then only renamed, with Ctrl-C held back meanwhile.

    Raises:
        CommandError: one cannot be written; then none was replaced, or only those before it.
    """
    fresh: list[tuple[Path, Path]] = []
    try:
        for file in files:
            target = file.path.resolve()  # what a link leads to is replaced, not the link
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh.append((_beside(target, file), target))
        with _uninterrupted():
            for made, target in fresh:
                made.replace(target)
    except OSError as error:
        raise CommandError(f"{error.filename or files[0].path} cannot be written: {error.strerror}") from None
    finally:
        for made, _ in fresh:
            made.unlink(missing_ok=True)


def _beside(target: Path, file: NewFile) -> Path:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.")  # with mode 600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(file.text)
            stream.flush()
            os.fsync(stream.fileno())
        made = Path(name)
        if not file.private:
            made.chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask())
        else:
            made.chmod(FILE_MODE)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return made


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait; it ends the command right afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)
