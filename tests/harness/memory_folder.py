"""A folder in memory for the files of a test run: `python tests/harness/memory_folder.py` makes one and prints it.

Many tests wait until what a database keeps is on the disk. None of them cuts the power, so that memory will do; nothing
is printed where there is none to spare, and files are then where they usually are.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

#: Where Linux has files in memory.
MEMORY = Path("/dev/shm")
#: Bytes that must be free there; a run of all tests has some hundred million at once.
NEEDED = 4 << 30


def memory_folder(place: Path = MEMORY, needed: int = NEEDED) -> Path | None:
    """A new folder there, or `None` where that cannot be."""
    try:
        free = shutil.disk_usage(place).free
        folder = Path(tempfile.mkdtemp(prefix="lockstep-tests-", dir=place)) if free >= needed else None
    except OSError:
        return None
    if folder is not None:
        folder.chmod(0o711)  # PostgreSQL may run as another user, who passes through
    return folder


if __name__ == "__main__":
    sys.stdout.write(str(memory_folder() or ""))
