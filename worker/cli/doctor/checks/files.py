"""Whether others of this machine read or write what they must not, and whether there is room."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from worker.cli.doctor.facts.files import DiskFacts, FileFacts
from worker.cli.doctor.finding import About, Finding
from worker.telling.exit_codes import ExitCode

#: Bytes that should be free, and without which little works.
SHOULD, MUST = 2**30, 2**26

_MACHINE = About("This machine")


def file_findings(files: Iterable[FileFacts]) -> Iterator[Finding]:
    """What is to be said of files and their rights."""
    well = []
    for file in files:
        others = "o" if not file.mode & 0o070 else "go"
        path = shlex.quote(file.path)
        if file.secret and file.mode & 0o077:
            yield _MACHINE.failed(
                "files",
                f"Others of this machine may use {file.path} (mode {file.mode:o}), which holds secrets or values.",
                f"chmod {others}-rwx {path}",
                ExitCode.USAGE,
            )
        elif file.mode & 0o002:
            yield _MACHINE.failed(
                "files",
                f"Everybody on this machine may write {file.path} (mode {file.mode:o}), which says what is run.",
                f"chmod o-w {path}",
                ExitCode.USAGE,
            )
        else:
            well.append(file.path)
    if well:
        yield _MACHINE.ok("files", f"Others can neither read secrets nor write in {', '.join(well)}.")


def disk_finding(disk: DiskFacts) -> Finding:
    """What is to be said of the room on the disk."""
    told = (
        f"{disk.free / 2**30:.1f} GiB are free"
        if disk.free >= SHOULD
        else f"{disk.free / 2**20:.0f} MiB are free"
    )
    text = f"{told} on the disk of {disk.path}."
    mend = "Make room, or set LOCKSTEP_STATE_DIR to a directory on another disk"
    if disk.free < MUST:
        return _MACHINE.failed("disk", text, mend, ExitCode.UNAVAILABLE)
    return _MACHINE.warning("disk", text, mend) if disk.free < SHOULD else _MACHINE.ok("disk", text)
